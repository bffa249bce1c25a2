"""Resident memory of ingestion: it should not grow with the number of clips.

``python -m benchmarks.memory`` reads a job as JSON on standard input and prints its peak: every
size is measured in a process of its own, since a process's peak never falls.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import psutil

from benchmarks import ingestion
from benchmarks.harness import Row, rows
from benchmarks.workload import Workload
from common.config import from_json
from dataset.config import AudioConfig
from dataset.track import Row as TrackRow
from dataset.track import Track

NAME = "memory"
FACTOR = 4


def measure(workload: Workload) -> list[Row]:
    """Ingests all clips once, and four times over, through FmaExampleGen's two passes."""
    n_clips = len(workload.tracks)
    # Side by side: most of the time goes into importing TFX, and memory does not mind.
    jobs = [_start(workload, times) for times in (1, FACTOR)]
    small, large = [_finish(job) for job in jobs]
    whole = {
        f"{n_clips} clips: peak": small["peak"],
        f"{FACTOR * n_clips} clips: peak": large["peak"],
        f"{n_clips} clips: before the first": small["rest"],
    }
    return rows(NAME, whole, "MB")


def _start(workload: Workload, times: int) -> subprocess.Popen[str]:
    folder = workload.folder / f"ingest-{times}"
    folder.mkdir()
    job = {
        "folder": str(folder),
        "audio": dataclasses.asdict(workload.audio),
        "tracks": [
            {"row": dataclasses.asdict(track.row), "path": track.path}
            for track in workload.tracks * times
        ],
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.memory"],
        cwd=Path(__file__).parent.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin
    process.stdin.write(json.dumps(job))
    process.stdin.close()
    return process


def _finish(process: subprocess.Popen[str]) -> dict[str, float]:
    assert process.stdout
    answer = process.stdout.read()
    if process.wait():
        raise RuntimeError(f"a process that ingests clips ended with status {process.returncode}")
    return {name: float(value) for name, value in json.loads(answer).items()}


def main() -> None:
    """Ingests the clips of one job and prints the resident memory before and at its peak, in MB."""
    job = json.load(sys.stdin)
    audio = from_json(AudioConfig, job["audio"])
    tracks = [Track(TrackRow(**one.pop("row")), **one) for one in job["tracks"]]
    from components.fma_example_gen import executor  # noqa: F401 - what a worker has in memory

    rest = psutil.Process().memory_info().rss
    ingestion.ingest(tracks, audio, Path(job["folder"]))
    print(json.dumps({"rest": rest / 1e6, "peak": _peak_bytes() / 1e6}))


def _peak_bytes() -> int:
    """Returns this program's peak; `getrusage` would count what the process was before exec."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    main()
