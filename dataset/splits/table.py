"""How many clips and artists each split has, as numbers and as a table for the console."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dataset.config import SPLITS
from dataset.splits.wording import plural

_HEAD = "clips/artists"


def count(clips: Iterable[tuple[str, str, int]]) -> dict[str, Any]:
    """Returns what each split has; JSON-able.

    Args:
        clips: genre, split and artist id of each, -1 where none is known.

    Returns:
        By split: {genre: {"clips": n, "artists": n}}. Besides, `totals`: {split: {"clips": n,
        "artists": n}}; `artists_in_two_splits`; `clips_without_artist`, which no number of
        artists counts; and `genres_alike_but_for_case`, a list of lists of genres.
    """
    numbers: Counter[tuple[str, str]] = Counter()
    artists: dict[tuple[str, str], set[int]] = defaultdict(set)
    nameless = 0
    for genre, split, artist_id in clips:
        numbers[split, genre] += 1
        if artist_id >= 0:
            artists[split, genre].add(artist_id)
        else:
            nameless += 1
    found: dict[str, Any] = {split: {} for split in SPLITS}
    for split, genre in sorted(numbers):
        found[split][genre] = _cell(numbers[split, genre], artists[split, genre])
    of_split = {
        split: set[int]().union(*(ids for (own, _), ids in artists.items() if own == split))
        for split in SPLITS
    }
    found["totals"] = {
        split: _cell(sum(cell["clips"] for cell in found[split].values()), of_split[split])
        for split in SPLITS
    }
    splits_of = Counter(artist for ids in of_split.values() for artist in ids)
    found["artists_in_two_splits"] = sum(number > 1 for number in splits_of.values())
    found["clips_without_artist"] = nameless
    found["genres_alike_but_for_case"] = _alike({genre for _, genre in numbers})
    return found


def _alike(genres: Iterable[str]) -> list[list[str]]:
    by_folded: dict[str, list[str]] = defaultdict(list)
    for genre in sorted(genres):
        by_folded[genre.casefold()].append(genre)
    return [alike for alike in by_folded.values() if len(alike) > 1]


def _cell(clips: int, artists: set[int]) -> dict[str, int]:
    return {"clips": clips, "artists": len(artists)}


def lines(counts: Mapping[str, Any], recordings: int | None = None) -> list[str]:
    """Returns a table with a row for each genre and a total, and notes on what may be wrong.

    Args:
        counts: what `count` returned.
        recordings: how many recordings were in two splits; None before any is decoded.
    """
    genres = sorted({genre for split in SPLITS for genre in counts[split]})
    none = {"clips": 0, "artists": 0}
    rows = [[_HEAD, *SPLITS]]
    for genre in genres:
        rows.append([genre, *(_text(counts[split].get(genre, none)) for split in SPLITS)])
    rows.append(["total", *(_text(counts["totals"][split]) for split in SPLITS)])
    return [*_align(rows), *_notes(counts, recordings)]


def _text(cell: Mapping[str, int]) -> str:
    return f"{cell['clips']:,}/{cell['artists']:,}"


def _align(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows
    ]


def _notes(counts: Mapping[str, Any], recordings: int | None) -> list[str]:
    number = counts["artists_in_two_splits"]
    artists = plural(number, "artist")
    are = "is" if number == 1 else "are"
    if recordings is None:
        note = f"{artists} {are} in two splits; recordings are compared once they are decoded"
    elif recordings == 0:
        note = f"{artists} and 0 recordings are in two splits"
    else:
        were = "was, and is" if recordings == 1 else "were, and are"
        note = f"{artists} {are} in two splits; {plural(recordings, 'recording')} {were} kept once"
    notes = [note]
    if nameless := counts["clips_without_artist"]:
        name = "names" if nameless == 1 else "name"
        unknown = "nobody can tell whether theirs is in two splits"
        notes.append(f"{plural(nameless, 'clip')} {name} no artist: {unknown}")
    if found := counts["genres_alike_but_for_case"]:
        alike = "; ".join(" and ".join(map(repr, genres)) for genres in found)
        notes.append(f"genres that differ only in case are not merged: {alike}")
    return notes
