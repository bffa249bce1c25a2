"""How messages about splits count and list."""

from __future__ import annotations

from collections.abc import Iterable


def plural(count: int, noun: str) -> str:
    """Returns `1 clip`, `2,000 clips`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def listed(items: Iterable[str], separator: str = ", ") -> str:
    """Returns the first ten, and how many more there are."""
    everything = list(items)
    more = f" and {len(everything) - 10:,} more" if len(everything) > 10 else ""
    return separator.join(everything[:10]) + more
