"""Counts as people read them, on the console and on a page."""

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
