"""What a corpus holds: its size and seed, and the faults that are planted in it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum

import numpy as np

SAMPLE_RATE_HZ = 44_100
SPLITS = ("training", "validation", "test")


class PlantedFault(str, Enum):
    """What is wrong with a track, one track for each kind."""

    EMPTY_FILE = "empty_file"
    UNDECODABLE = "undecodable"  # the file ends within its WAV header
    TOO_SHORT = "too_short"
    SILENT = "silent"
    MISSING_FILE = "missing_file"
    NO_METADATA = "no_metadata"
    NO_GENRE = "no_genre"


class Stream(IntEnum):
    """What is random; the numbers are part of what a seed means."""

    CATALOGUE = 0
    ARTIST = 1
    CLIP = 2


@dataclass(frozen=True)
class CorpusSpec:
    """The size and seed of a corpus; two equal specs describe the same bytes.

    Attributes:
        seed: of everything random, not negative.
        clips_per_genre: good clips of each genre, 6 to 1000; planted faults come on top.
        clip_seconds: length of each good clip in seconds, 2 to 120.
    """

    seed: int = 0
    clips_per_genre: int = 20
    clip_seconds: float = 30.0

    def __post_init__(self) -> None:
        """Raises ValueError for a value outside its limits."""
        if self.seed < 0:
            raise ValueError(f"seed must not be negative, got {self.seed}")
        if not 6 <= self.clips_per_genre <= 1000:
            raise ValueError(f"clips per genre must be from 6 to 1000, got {self.clips_per_genre}")
        if not 2 <= self.clip_seconds <= 120:
            raise ValueError(f"clip length must be from 2 to 120 s, got {self.clip_seconds}")

    @property
    def clip_frames(self) -> int:
        """Length of a good clip in sample frames."""
        return round(self.clip_seconds * SAMPLE_RATE_HZ)

    def clips_in_split(self, split: str) -> int:
        """Returns how many good clips of each genre a split has: 3/5, 1/5 and 1/5."""
        held_out = self.clips_per_genre // 5
        return self.clips_per_genre - 2 * held_out if split == "training" else held_out

    def generator(self, stream: Stream, number: int = 0) -> np.random.Generator:
        """Returns the generator of one artist or clip, independent of all others."""
        return np.random.default_rng([self.seed, int(stream), number])
