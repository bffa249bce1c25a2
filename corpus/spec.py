"""What a corpus is asked to hold: its size, its seed and the limits of both."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

SAMPLE_RATE_HZ = 44_100
SAMPLE_WIDTH_BYTES = 2
SHORT_CLIP_SECONDS = 0.5

MIN_CLIPS_PER_GENRE = 6
MAX_CLIPS_PER_GENRE = 1_000
MIN_CLIP_SECONDS = 2.0
MAX_CLIP_SECONDS = 120.0

SPLITS = ("training", "validation", "test")


class PlantedFault(str, Enum):
    """The ways in which a track of the corpus is deliberately wrong, one track for each."""

    EMPTY_FILE = "empty_file"
    UNDECODABLE = "undecodable"
    TOO_SHORT = "too_short"
    SILENT = "silent"
    MISSING_FILE = "missing_file"
    NO_METADATA = "no_metadata"
    NO_GENRE = "no_genre"


PLANTED_FAULTS: dict[str, str] = {
    PlantedFault.EMPTY_FILE.value: "a file of zero bytes",
    PlantedFault.UNDECODABLE.value: "a file that ends within its WAV header",
    PlantedFault.TOO_SHORT.value: f"a good clip of only {SHORT_CLIP_SECONDS} s",
    PlantedFault.SILENT.value: "a clip of full length in which every sample is zero",
    PlantedFault.MISSING_FILE.value: "a row of tracks.csv whose file does not exist",
    PlantedFault.NO_METADATA.value: "a good clip that no row of tracks.csv names",
    PlantedFault.NO_GENRE.value: "a good clip whose row names no genre",
}


@dataclass(frozen=True)
class CorpusSpec:
    """The size and seed of a corpus; two equal specs describe the same bytes.

    Attributes:
        seed: Non-negative seed of everything random.
        clips_per_genre: Good clips of each genre, 6 to 1000; planted faults come on top.
        clip_seconds: Length of each good clip in seconds, 2 to 120.

    Raises:
        ValueError: If a value lies outside its limits.
    """

    seed: int = 0
    clips_per_genre: int = 20
    clip_seconds: float = 30.0

    def __post_init__(self) -> None:
        """Check every value against its limits."""
        if self.seed < 0:
            raise ValueError(f"The seed must not be negative, but is {self.seed}.")
        if not MIN_CLIPS_PER_GENRE <= self.clips_per_genre <= MAX_CLIPS_PER_GENRE:
            raise ValueError(
                f"The clips per genre must lie between {MIN_CLIPS_PER_GENRE} and "
                f"{MAX_CLIPS_PER_GENRE}, but are {self.clips_per_genre}."
            )
        seconds = float(self.clip_seconds)
        if not (math.isfinite(seconds) and MIN_CLIP_SECONDS <= seconds <= MAX_CLIP_SECONDS):
            raise ValueError(
                f"The clip length must lie between {MIN_CLIP_SECONDS:g} and "
                f"{MAX_CLIP_SECONDS:g} seconds, but is {self.clip_seconds}."
            )
        # 30 and 30.0 are the same request and must also read the same in corpus.json.
        object.__setattr__(self, "clip_seconds", seconds)

    @property
    def clip_frames(self) -> int:
        """Length of a good clip in sample frames."""
        return round(self.clip_seconds * SAMPLE_RATE_HZ)

    def clips_in_split(self, split: str) -> int:
        """Return how many good clips of each genre belong to a split.

        Raises:
            ValueError: If the split is not one of training, validation and test.
        """
        if split not in SPLITS:
            raise ValueError(f"There is no split called {split!r}.")
        held_out = self.clips_per_genre // 5
        return self.clips_per_genre - 2 * held_out if split == "training" else held_out
