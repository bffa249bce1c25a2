"""How an artist departs from the genre, and a clip from its artist."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np

from corpus.styles import GENRES, STYLES, Style

# What can come from another genre, each of it alone.
ASPECTS = (
    ("bpm", "swing"),
    ("scales", "progressions", "chord"),
    ("kick", "snare", "hat"),
    ("lead",),
    ("chords", "arpeggio"),
    ("bass",),
)
SPREAD = 0.12


def varied(style: Style, borrowing_chance: float, rng: np.random.Generator) -> Style:
    """Returns a style with every float varied and, at random, aspects of other styles."""
    for aspect in ASPECTS:
        lender = STYLES[GENRES[rng.integers(len(GENRES))]]
        if rng.random() < borrowing_chance:
            style = replace(style, **{name: getattr(lender, name) for name in aspect})
    scaled: Style = _scaled(style, rng)
    return scaled


def _scaled(value: Any, rng: np.random.Generator) -> Any:
    """Multiplies each float by a factor around 1, so that what is 0 stays absent."""
    if is_dataclass(value):
        changes = {f.name: _scaled(getattr(value, f.name), rng) for f in fields(value)}
        return replace(value, **changes)  # type: ignore[type-var]
    return value * np.exp(SPREAD * rng.standard_normal()) if isinstance(value, float) else value
