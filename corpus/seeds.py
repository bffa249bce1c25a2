"""Independent random generators, one for each thing that is random."""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """What a generator is for; the numbers are part of what a seed means."""

    CATALOGUE = 0
    ARTIST = 1
    CLIP = 2


def generator(seed: int, stream: Stream, number: int = 0) -> np.random.Generator:
    """Return the generator of one artist or clip, whatever was drawn elsewhere before.

    Args:
        seed: Seed of the corpus, not negative.
        stream: What the generator is for.
        number: Id of the artist or track, not negative.
    """
    return np.random.default_rng([seed, int(stream), number])
