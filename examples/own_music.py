#!/usr/bin/env python
"""Lays the demo's clips out as a collection of one's own: a folder per genre, and a table.

`by_genre/GENRE/ARTIST/000002.wav` are the clips, `music.csv` names each with genre and artist.
"""

from __future__ import annotations

import argparse
import csv
import shutil
from collections.abc import Sequence
from pathlib import Path

import pandas as pd


def main(arguments: Sequence[str] | None = None) -> None:
    """Copies the clips and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("demo", type=Path, help="the demo's corpus, such as data/demo")
    parser.add_argument("folder", type=Path, help="where the collection goes, such as data/own")
    flags = parser.parse_args(arguments)
    tracks = pd.read_csv(flags.demo / "fma_metadata/tracks.csv", index_col=0, header=[0, 1])
    rows: list[tuple[str, str, str]] = []
    for path in sorted((flags.demo / "fma_small").glob("*/*")):
        if int(path.stem) not in tracks.index:
            continue
        track = tracks.loc[int(path.stem)]
        genre, artist = track["track", "genre_top"], str(track["artist", "name"])
        if not isinstance(genre, str):
            continue
        copy = flags.folder.joinpath(
            "by_genre", genre.replace("/", "-"), artist.replace("/", "-"), path.name
        )
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
        rows.append((copy.relative_to(flags.folder).as_posix(), genre, artist))
    with open(flags.folder / "music.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("path", "genre", "artist"), *rows])
    print(f"{len(rows)} clips in {flags.folder / 'by_genre'}, and {flags.folder / 'music.csv'}")


if __name__ == "__main__":
    main()
