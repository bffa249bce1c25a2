"""CPU seconds of each component of a run on this machine, for `pipeline/vertex/workload.yaml`.

`python -m benchmarks.component_seconds OUT.json` and then the flags of `local_runner.py`, in the
checkout: what is installed elsewhere has no `local_runner`. CPU time, summed over cores, hardly
depends on what else the machine does. Beam has to run in memory, so that everything is in this
process. From two runs of different size follow the seconds a clip.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from pathlib import Path

import local_runner

# What TFX's LocalDagRunner logs, to the letter.
_RUNNING, _FINISHED = "Component %s is running.", "Component %s is finished."


class _CpuClock(logging.Handler):
    """Writes down the CPU seconds between a component's start and end."""

    def __init__(self, path: Path) -> None:
        super().__init__(logging.INFO)
        self._path = path
        self.seconds: dict[str, float] = {}
        self._started = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        if record.msg == _RUNNING:
            self._started = time.process_time()
        elif record.msg == _FINISHED and isinstance(record.args, tuple):
            self.seconds[str(record.args[0])] = round(time.process_time() - self._started, 2)
            self._path.write_text(json.dumps(self.seconds, indent=1) + "\n", encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Runs the pipeline, writes the seconds by component and returns the run's exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.component_seconds", allow_abbrev=False
    )
    parser.add_argument("out", type=Path, metavar="OUT.json", help="where the seconds go")
    parser.add_argument("flags", nargs=argparse.REMAINDER, help="flags of local_runner.py")
    given = parser.parse_args(arguments)
    clock, logger = _CpuClock(given.out), logging.getLogger("absl")
    logger.addHandler(clock)
    try:
        status = local_runner.main([*given.flags, "--beam-workers=1"])
    finally:
        logger.removeHandler(clock)
    if not clock.seconds:
        print(f"no component has run to its end: {given.out} is not written", file=sys.stderr)
        return status or 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
