"""Clips and artists by genre and split, as numbers and as a table for the console."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dataset.config import SPLITS
from dataset.splits.wording import plural


def count(clips: Iterable[tuple[str, str, int]]) -> dict[str, Any]:
    """Returns what each split has; JSON-able.

    Args:
        clips: genre, split and artist id of each, -1 where none is known.

    Returns:
        {"clips": n, "artists": n} by split and genre, and by split in `totals`; the numbers
        `artists_in_two_splits` and `clips_without_artist`, which are in no number of artists; and
        `genres_alike_but_for_case`, a list of lists of genres.
    """
    in_cell: dict[str, dict[str, list[int]]] = {split: defaultdict(list) for split in SPLITS}
    in_split: dict[str, list[int]] = {split: [] for split in SPLITS}
    for genre, split, artist in clips:
        in_cell[split][genre].append(artist)
        in_split[split].append(artist)
    n_splits = Counter(artist for found in in_split.values() for artist in set(found))
    n_splits.pop(-1, None)
    spellings: dict[str, list[str]] = defaultdict(list)
    for genre in sorted(set().union(*in_cell.values())):
        spellings[genre.casefold()].append(genre)
    return {
        **{
            split: {genre: _cell(artists) for genre, artists in sorted(cells.items())}
            for split, cells in in_cell.items()
        },
        "totals": {split: _cell(artists) for split, artists in in_split.items()},
        "artists_in_two_splits": sum(n > 1 for n in n_splits.values()),
        "clips_without_artist": sum(artists.count(-1) for artists in in_split.values()),
        "genres_alike_but_for_case": [alike for alike in spellings.values() if len(alike) > 1],
    }


def _cell(artists: list[int]) -> dict[str, int]:
    return {"clips": len(artists), "artists": len(set(artists) - {-1})}


def lines(counts: Mapping[str, Any], recordings: int | None = None) -> list[str]:
    """Returns a table with a row for each genre and a total, and notes on what may be wrong.

    Args:
        counts: what `count` returned.
        recordings: how many recordings were in two splits; None before any is decoded.
    """
    rows = [["clips/artists", *SPLITS]]
    for genre in sorted(set().union(*(counts[split] for split in SPLITS))):
        rows.append([genre, *(_text(counts[split].get(genre)) for split in SPLITS)])
    rows.append(["total", *(_text(counts["totals"][split]) for split in SPLITS)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    table = [
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows
    ]
    return [*table, *_notes(counts, recordings)]


def _text(cell: Mapping[str, int] | None) -> str:
    return f"{cell['clips']:,}/{cell['artists']:,}" if cell else "0/0"


def _notes(counts: Mapping[str, Any], recordings: int | None) -> Iterator[str]:
    found = f"in two splits: {plural(counts['artists_in_two_splits'], 'artist')}"
    if recordings is None:
        yield f"{found}; recordings are compared once they are decoded"
    else:
        yield f"{found}, {plural(recordings, 'recording')}{', used once' * bool(recordings)}"
    if nameless := counts["clips_without_artist"]:
        yield f"without an artist: {plural(nameless, 'clip')}; the artist may be in two splits"
    if genres := counts["genres_alike_but_for_case"]:
        alike = "; ".join(" and ".join(map(repr, spellings)) for spellings in genres)
        yield f"genres that differ only in case are not merged: {alike}"
