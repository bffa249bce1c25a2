"""Resident memory of ingestion: it should not grow with the number of clips.

``python -m benchmarks.memory PATH…`` ingests clips in a process of its own, since a process's peak
never falls, and prints the resident memory in MB before the first clip and at its peak.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.harness import Figures
from benchmarks.workload import Workload
from dataset.config import AudioConfig
from dataset.track import Row, Track

FACTOR = 4


def measure(workload: Workload) -> Figures:
    """Ingests all clips once, and four times over, through FmaExampleGen's two passes."""
    paths = workload.paths
    before, peak = _in_a_process(paths)
    _, larger_peak = _in_a_process(paths * FACTOR)
    figures = {
        f"{len(paths)} clips: peak": peak,
        f"{FACTOR * len(paths)} clips: peak": larger_peak,
        f"{len(paths)} clips: before the first": before,
    }
    return Figures(figures, "MB")


def _in_a_process(paths: Sequence[Path]) -> tuple[float, float]:
    """Returns the resident memory in MB before the first clip and at the peak."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.memory", *map(str, paths)],
        cwd=Path(__file__).parent.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
    )
    before, peak = map(float, done.stdout.split())
    return before, peak


def main(paths: Sequence[str]) -> None:
    """Ingests the clips and prints the resident memory before and at its peak, in MB."""
    from components.fma_example_gen.copying import CopyClips
    from components.fma_example_gen.staging import Batch, Stage
    from dataset.copy_plan import plan_copies

    before = _resident_mb("VmRSS")
    tracks = [Track(Row(number), path) for number, path in enumerate(paths)]
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(folder, AudioConfig())
        stage.setup()
        outcomes = list(stage.process(Batch(0, tracks)))
        stage.teardown()
        used = dict.fromkeys((one.track_id for one in outcomes if not one.kind), "train")
        (copy,) = plan_copies(dict.fromkeys(used, 0), used, padded={})
        CopyClips(folder, {"train": folder}).process(copy)
    print(before, _resident_mb("VmHWM"))


def _resident_mb(field: str) -> float:
    """Returns a field of Linux's process status; `getrusage` counts what was there before exec."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (kib,) = re.findall(rf"{field}:\s+(\d+) kB", status)
    return int(kib) * 1024 / 1e6


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    main(sys.argv[1:])
