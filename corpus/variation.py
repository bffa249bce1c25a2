"""How an artist departs from the genre, and a clip from its artist."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TypeVar

import numpy as np

from corpus.styles import GENRES, STYLES, Drums, Sound, Space, Style, Tempo, Voice

Part = TypeVar("Part", Tempo, Drums, Voice, Sound, Space)

BORROWED_ASPECTS = ("tempo", "drums", "harmony", "lead")
BORROWING_CHANCES = (0.2, 0.3, 0.2, 0.3)
CROSSOVER_CHANCE = 0.12
# Half of the artists borrow: with all of them small networks leave whole genres without a hit.
ARTIST_BORROWS_CHANCE = 0.5
ARTIST_SPREAD = 0.08
CLIP_SPREAD = 0.08


def artist_style(genre: str, rng: np.random.Generator) -> Style:
    """Return an artist's own style: the genre's, at times one aspect borrowed, all numbers varied.

    Raises:
        KeyError: If the genre is unknown.
    """
    style = STYLES[genre]
    if rng.random() < ARTIST_BORROWS_CHANCE:
        style = _borrowing(style, genre, rng)
    return _varied(style, ARTIST_SPREAD, rng)


def clip_style(artist: Style, genre: str, rng: np.random.Generator) -> Style:
    """Return the style of one clip: the artist's, varied, at times a crossover with a genre.

    Raises:
        KeyError: If the genre is unknown.
    """
    if rng.random() < CROSSOVER_CHANCE:
        artist = _borrowing(artist, genre, rng)
    return _varied(artist, CLIP_SPREAD, rng)


def _borrowing(style: Style, genre: str, rng: np.random.Generator) -> Style:
    others = [name for name in GENRES if name != genre]
    lender = STYLES[others[int(rng.integers(len(others)))]]
    aspect = BORROWED_ASPECTS[int(rng.choice(len(BORROWED_ASPECTS), p=BORROWING_CHANCES))]
    if aspect == "lead":
        # Not the whole band: with all instruments of another genre it would be that genre's music.
        sound = replace(style.sound, lead=lender.sound.lead, lead_level=lender.sound.lead_level)
        return replace(style, sound=sound)
    return replace(style, **{aspect: getattr(lender, aspect)})


def _varied(style: Style, spread: float, rng: np.random.Generator) -> Style:
    sound = _scaled(style.sound, spread, rng)
    sound = replace(
        sound,
        chords=_scaled(sound.chords, spread, rng),
        lead=_scaled(sound.lead, spread, rng),
        bass=_scaled(sound.bass, spread, rng),
    )
    return replace(
        style,
        # The tempo already has a range of its own; a wide spread would leave it unrecognisable.
        tempo=_scaled(style.tempo, spread / 4, rng),
        drums=_scaled(style.drums, spread, rng),
        sound=sound,
        space=_scaled(style.space, spread, rng),
    )


def _scaled(part: Part, spread: float, rng: np.random.Generator) -> Part:
    """Multiply every float of a part by a factor around 1, so that what is 0 stays absent."""
    changes = {
        field.name: getattr(part, field.name) * float(np.exp(spread * rng.standard_normal()))
        for field in fields(part)
        if isinstance(getattr(part, field.name), float)
    }
    return replace(part, **changes)
