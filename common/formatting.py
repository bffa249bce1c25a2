"""Counts and times as people read them, on the console and on a page."""

from __future__ import annotations

_UNITS = (("G", 1e9), ("M", 1e6), ("k", 1e3))


def short(count: float) -> str:
    """Returns a count in at most six characters, as 980, 12.3 k or 2.26 M, up to 999 G."""
    # Rounded first, for that may lift it into the next unit.
    rounded = float(f"{count:.3g}")
    for unit, size in _UNITS:
        if rounded >= size:
            return f"{rounded / size:#.3g} {unit}".replace(". ", " ")
    return f"{rounded:.0f}"


def in_bytes(count: int) -> str:
    """Returns a number of bytes, as 980 B or 12.3 GB."""
    return f"{count} B" if count < 1000 else f"{short(count)}B"


def duration(seconds: float) -> str:
    """Returns a rough time in a whole number of a unit, as 40 s, 3 min, 5 h or 2 days."""
    for unit, size in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(10, 10 * round(seconds / 10))} s"
