"""How the messages about splits count and list."""

from __future__ import annotations

from collections.abc import Iterable

LISTED = 10


def plural(count: int, noun: str) -> str:
    """Returns `1 clip`, `2,000 clips`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def some(items: Iterable[str], separator: str = ", ") -> str:
    """Returns the first ten, and how many more there are."""
    listed = list(items)
    more = len(listed) - LISTED
    text = separator.join(listed[:LISTED])
    return f"{text} and {more:,} more" if more > 0 else text
