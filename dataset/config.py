"""Which archive is read, and how a clip of it is cut: frozen, validated values with their units."""

from __future__ import annotations

import dataclasses
import math

from common.config import require

SUBSETS = ("small", "medium", "large", "full")

# `official` is FMA's own, `file` that of one's own table; `auto` is whichever the archive has.
SPLIT_POLICIES = ("auto", "official", "artist-grouped", "file")

LABEL_POLICIES = ("genre_top", "tree")

ALL_SPANS = "all"

SPLITS = ("train", "eval", "test")

# Those of FMA's small, medium and large subsets last 30 s; encoders cut or add some frames. FMA's
# own list of bad clips has the shorter ones; for archives without such clips this says nothing.
FMA_CLIP_SECONDS = 28.5

# The highest band of the spectral contrast begins at 6,400 Hz, which has to be below half of it.
MIN_SAMPLE_RATE_HZ = 12_800

MIN_SPECTROGRAM_SIDE = 32  # networks of images halve it five times

# What can be judged, in ingestion and in the serving graph alike.
SOURCE_RATES_HZ = range(1_000, 768_001)

MAX_CHANNELS = 64

# +20 dBFS. Masters in floats and decoded mp3s overshoot full scale by some dB; what is far above it
# is of another scale, such as integers stored as floats.
MAX_PEAK = 10.0

SILENCE_PEAK = 1e-4  # -80 dBFS

# Channels cancel where their mean has less than this share of the energy that the loudest of them
# alone would leave in it: 20 dB less.
CANCELLED_SHARE = 0.01


@dataclasses.dataclass(frozen=True)
class AudioConfig:
    """How a clip is cut, and how it becomes a log-mel spectrogram, raw windows and statistics.

    The defaults of the spectrogram are librosa's (22,050 Hz, n_fft 2048, hop 512). A clip longer
    than `clip_seconds` gives its middle, as FMA's own clips do. `n_windows` stretches of a clip are
    scored by the networks of raw audio: of `window_samples` by cnn1d, of `segment_samples`, a power
    of 3, by sample_cnn.
    """

    sample_rate_hz: int = 22_050
    clip_seconds: float = 30.0
    min_clip_seconds: float = 1.0
    n_fft: int = 2048
    hop_length: int = 512
    n_mels: int = 224
    spectrogram_columns: int = 224
    fmin_hz: float = 0.0
    fmax_hz: float = 11_025.0
    dynamic_range_db: float = 80.0
    n_windows: int = 8
    window_samples: int = 10_000
    segment_samples: int = 59_049

    def __post_init__(self) -> None:
        """Raises ValueError for a value that no clip could be processed with."""
        require(math.isfinite(self.clip_seconds), "clip_seconds must be finite", self.clip_seconds)
        require(
            self.sample_rate_hz > MIN_SAMPLE_RATE_HZ,
            f"sample_rate_hz must be above {MIN_SAMPLE_RATE_HZ}, for the spectral contrast",
            self.sample_rate_hz,
        )
        require(
            0 < self.min_clip_seconds <= self.clip_seconds,
            f"min_clip_seconds must be in (0, clip_seconds = {self.clip_seconds}]",
            self.min_clip_seconds,
        )
        require(self.n_fft > 0, "n_fft must be positive", self.n_fft)
        require(
            0 < self.hop_length <= self.n_fft,
            f"hop_length must be in (0, n_fft = {self.n_fft}]",
            self.hop_length,
        )
        require(
            0 <= self.fmin_hz < self.fmax_hz <= self.sample_rate_hz / 2,
            f"fmin_hz < fmax_hz must lie in [0, {self.sample_rate_hz / 2}]",
            (self.fmin_hz, self.fmax_hz),
        )
        for name in ("n_mels", "spectrogram_columns"):
            side = getattr(self, name)
            expected = f"{name} must be at least {MIN_SPECTROGRAM_SIDE}, for MobileNetV2 and FCN-5"
            require(side >= MIN_SPECTROGRAM_SIDE, expected, side)
        for name in ("n_windows", "window_samples"):
            require(getattr(self, name) > 0, f"{name} must be positive", getattr(self, name))
        powers_of_3 = {3**exponent for exponent in range(3, 11)}
        require(
            self.segment_samples in powers_of_3,
            "segment_samples must be a power of 3 from 27 to 59049",
            self.segment_samples,
        )
        require(
            self.dynamic_range_db > 0, "dynamic_range_db must be positive", self.dynamic_range_db
        )

    @property
    def clip_samples(self) -> int:
        """Samples of the longest clip that is kept."""
        return round(self.clip_seconds * self.sample_rate_hz)

    @property
    def frames_per_second(self) -> float:
        """Rate of the spectrogram's frames before they are pooled to columns."""
        return self.sample_rate_hz / self.hop_length


@dataclasses.dataclass(frozen=True)
class DataConfig:
    """Where the archive is and which part of it is used.

    With `metadata_dir` it is in FMA's shape, with `tracks_csv` it is a table of one's own; with
    neither it has a folder per genre. `{SPAN}` in `audio_dir` stands for the number of a delivery.
    With `follow_links` links in `audio_dir` may lead out of it; a bucket has no links. With
    `fma_features` every track needs a row in FMA's `features.csv`, beside `tracks.csv`.

    `licenses` and `genres` are what is allowed, all where empty. Of a genre with more than
    `max_clips_per_genre` clips, by `seed`, so many are drawn; one with fewer than
    `min_clips_per_genre` is left out; 0 sets no bound. `on_fault` has pairs KIND=POLICY of a kind
    of fault and what happens to its clips; a clip of at least `pad_floor_seconds` can be padded.

    In the cache key `metadata_digest` stands for the content of the tables,
    `fma_features_digest` for that of `features.csv`, and `audio_digest` for the names, sizes and
    times of the `audio_files` audio files.
    """

    audio_dir: str
    metadata_dir: str = ""
    tracks_csv: str = ""
    follow_links: bool = False
    subset: str = "small"
    labels: str = "genre_top"
    split: str = "auto"
    allow_leaks: bool = False
    licenses: tuple[str, ...] = ()
    genres: tuple[str, ...] = ()
    min_clips_per_genre: int = 0
    max_clips_per_genre: int = 0
    seed: int = 0
    span: str = ALL_SPANS
    on_fault: tuple[str, ...] = ()
    pad_floor_seconds: float = 0.5
    max_bad_fraction: float = 0.1
    fma_features: bool = False
    metadata_digest: str = ""
    fma_features_digest: str = ""
    audio_digest: str = ""
    audio_files: int = 0

    def __post_init__(self) -> None:
        """Raises ValueError for a choice that there is not, or a number out of its range."""
        for name in ("licenses", "genres", "on_fault"):  # lists where they come from JSON
            object.__setattr__(self, name, tuple(getattr(self, name)))
        require(self.subset in SUBSETS, f"subset must be one of {SUBSETS}", self.subset)
        require(
            self.labels in LABEL_POLICIES, f"labels must be one of {LABEL_POLICIES}", self.labels
        )
        require(self.split in SPLIT_POLICIES, f"split must be one of {SPLIT_POLICIES}", self.split)
        require(
            not (self.metadata_dir and self.tracks_csv),
            "tracks_csv goes without metadata_dir",
            self.tracks_csv,
        )
        require(
            not self.fma_features or bool(self.metadata_dir),
            "metadata_dir must be given for FMA's features.csv",
            self.metadata_dir,
        )
        for name in ("min_clips_per_genre", "max_clips_per_genre"):
            require(getattr(self, name) >= 0, f"{name} must not be negative", getattr(self, name))
        require(
            not self.min_clips_per_genre or "{SPAN" not in self.audio_dir,
            "min_clips_per_genre goes without {SPAN}, for a genre that a later delivery brings in "
            "would move artists between splits; name the genres instead",
            self.min_clips_per_genre,
        )
        require(
            math.isfinite(self.pad_floor_seconds) and self.pad_floor_seconds > 0,
            "pad_floor_seconds must be positive and finite",
            self.pad_floor_seconds,
        )
        require(
            0 <= self.max_bad_fraction <= 1,
            "max_bad_fraction must be in [0, 1]",
            self.max_bad_fraction,
        )

    @property
    def is_by_genre(self) -> bool:
        """Whether the archive has no table, but a folder per genre."""
        return not (self.metadata_dir or self.tracks_csv)
