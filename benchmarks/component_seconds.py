"""CPU seconds of each component of a run on this machine, for `pipeline/vertex/workload.yaml`.

`python -m benchmarks.component_seconds OUT.json` and then the flags of `local_runner.py`. CPU time,
summed over cores, hardly depends on what else the machine does. Beam has to run in memory, so that
everything is in this process. From two runs of different size follow the seconds a clip.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from pathlib import Path

import local_runner

# What TFX's LocalDagRunner logs, to the letter.
_RUNNING, _FINISHED = "Component %s is running.", "Component %s is finished."


class _CpuClock(logging.Handler):
    """Notes the CPU seconds between a component's start and end."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.seconds: dict[str, float] = {}
        self._started = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        if record.msg == _RUNNING:
            self._started = time.process_time()
        elif record.msg == _FINISHED and isinstance(record.args, tuple):
            self.seconds[str(record.args[0])] = round(time.process_time() - self._started, 2)


def main(arguments: list[str]) -> int:
    """Runs the pipeline and writes the seconds by component to the file that is named first."""
    clock = _CpuClock()
    logging.getLogger("absl").addHandler(clock)
    status = local_runner.main([*arguments[1:], "--beam-workers=1"])
    Path(arguments[0]).write_text(json.dumps(clock.seconds, indent=1) + "\n", encoding="utf-8")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
