"""The genres of songs as a table for people, and as JSON and CSV for programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from common import strict_json
from serving.predict import Answer

_BEST = 3
_BAR_WIDTH = 20


def to_json(answers: Iterable[Answer], *, with_windows: bool) -> str:
    """Returns a list of objects; of what failed only `path` and `error` hold something."""
    return strict_json.dumps([_as_dict(answer, with_windows) for answer in answers], indent=2)


def _as_dict(answer: Answer, with_windows: bool) -> dict[str, Any]:
    found: dict[str, Any] = {
        "path": answer.path,
        "genre": answer.genre,
        "scores": answer.scores,
        "seconds": answer.seconds,
        "error": answer.error,
    }
    if with_windows:
        found["timeline"] = [{"start": start, "scores": scores} for start, scores in answer.windows]
    return found


def to_csv(answers: Sequence[Answer]) -> str:
    """Returns path, genre, seconds and error of each song, and a column `score:GENRE` a genre."""
    genres = next((list(answer.scores) for answer in answers if answer.scores), [])
    text = io.StringIO()
    # Quoted throughout: not every Python quotes a carriage return, which ends a row.
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(["path", "genre", "seconds", "error", *(f"score:{name}" for name in genres)])
    for answer in answers:
        scores = [answer.scores.get(genre, "") for genre in genres]
        seconds = "" if answer.seconds is None else answer.seconds
        writer.writerow([answer.path, answer.genre or "", seconds, answer.error or "", *scores])
    return text.getvalue()


def to_table(answers: Iterable[Answer], mark: str) -> Table:
    """Returns the best genres of each song that has an answer, and which part was listened to.

    Args:
        answers: with windows along the song, these are listed below it.
        mark: what bars are made of.
    """
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("song", overflow="fold")
    table.add_column("genre", overflow="fold")
    table.add_column("score", justify="right")
    table.add_column("", no_wrap=True)
    table.add_column("part", overflow="fold")
    for answer in answers:
        for path, genre, score, part in _rows(answer):
            bar = mark * round(score * _BAR_WIDTH)
            table.add_row(Text(path), Text(genre), f"{score:.2f}", bar.ljust(_BAR_WIDTH), part)
    return table


def _rows(answer: Answer) -> Iterator[tuple[str, str, float, str]]:
    if answer.seconds is None:
        return
    start, end = answer.used
    part = f"{_clock(start)} to {_clock(end)} of {_clock(answer.seconds)}"
    if answer.windows:
        part += f", mean of {len(answer.windows)}"
    for place, (genre, score) in enumerate(answer.best(_BEST)):
        yield ("" if place else answer.path), genre, score, ("" if place else part)
    for start, scores in answer.windows:
        genre = max(scores, key=scores.__getitem__)
        yield "", genre, scores[genre], f"from {_clock(start)}"


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
