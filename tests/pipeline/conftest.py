"""A tiny archive in FMA's layout, with what the pipeline reads of it and nothing else."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

COLUMNS = {
    "split": ("set", "split"),
    "subset": ("set", "subset"),
    "artist": ("artist", "id"),
    "album": ("album", "id"),
    "genre": ("track", "genre_top"),
    "title": ("track", "title"),
    "license": ("track", "license"),
}
SPLITS = ("training", "validation", "test")

WriteArchive = Callable[..., list[str]]


@pytest.fixture
def write_archive(tmp_path: Path) -> WriteArchive:
    """Return a writer of an archive of two genres; it returns the command-line flags of it.

    `changes` are values of columns by track id: 0, 2, 4 are Folk and 1, 3, 5 Rock, in FMA's three
    splits. The files hold one byte each.
    """

    def write(changes: Mapping[int, Mapping[str, str]] | None = None) -> list[str]:
        audio, metadata = tmp_path / "audio", tmp_path / "metadata"
        (audio / "000").mkdir(parents=True)
        metadata.mkdir()
        with open(metadata / "tracks.csv", "w", newline="") as file:
            table = csv.writer(file)
            table.writerow(["", *(group for group, _ in COLUMNS.values())])
            table.writerow(["", *(name for _, name in COLUMNS.values())])
            table.writerow(["track_id", *("" for _ in COLUMNS)])
            for track_id in range(6):
                row = {
                    "split": SPLITS[track_id // 2],
                    "subset": "small",
                    "artist": str(track_id),
                    "genre": ("Folk", "Rock")[track_id % 2],
                    **(changes or {}).get(track_id, {}),
                }
                table.writerow([track_id, *(row.get(name, "") for name in COLUMNS)])
                (audio / "000" / f"{track_id:06d}.wav").write_bytes(b"x")
        output = tmp_path / "output"
        return [f"--audio-dir={audio}", f"--metadata-dir={metadata}", f"--output-dir={output}"]

    return write
