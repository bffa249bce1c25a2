"""Which archive is read, and how a clip of it is cut."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Literal, get_args

from common.config import NOT_NEGATIVE, POSITIVE, SHARE, Bounds, Config, Flag, require
from dataset import bad_files

# The choices of the flags below, in the order of the help.
Subset = Literal["small", "medium", "large", "full"]
SplitPolicy = Literal["auto", "official", "artist-grouped", "file"]
LabelPolicy = Literal["genre_top", "tree"]

SUBSETS: tuple[str, ...] = get_args(Subset)

ALL_SPANS = "all"

SPLITS = ("train", "eval", "test")

# Those of FMA's small, medium and large subsets last 30 s; encoders cut or add some frames. FMA's
# own list of bad clips has the shorter ones; for archives without such clips this says nothing.
FMA_CLIP_SECONDS = 28.5

# The highest band of the spectral contrast begins at 6,400 Hz, which has to be below half of it.
MIN_SAMPLE_RATE_HZ = 12_800

MIN_SPECTROGRAM_SIDE = 32  # networks of images halve it five times
_SPECTROGRAM_SIDE = Bounds(ge=MIN_SPECTROGRAM_SIDE)

# In the folder of a SavedModel, where others may put files: the AudioConfig of its clips.
AUDIO_CONFIG_NAME = "assets.extra/audio.json"

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
class AudioConfig(Config):
    """How a clip is cut, and how it becomes a log-mel spectrogram, raw windows and statistics.

    The defaults of the spectrogram are librosa's.
    """

    sample_rate_hz: int = 22_050
    clip_seconds: Annotated[
        float, POSITIVE,
        Flag("maximum length of a clip; of a longer file the middle is taken", "SECONDS"),
    ] = 30.0  # fmt: skip
    min_clip_seconds: Annotated[
        float, POSITIVE,
        Flag(
            f"minimum length of a file; raised to {FMA_CLIP_SECONDS:g} for FMA's small, medium and "
            "large subsets, whose clips last 30 s", "SECONDS",
        ),
    ] = 1.0  # fmt: skip
    n_fft: Annotated[int, POSITIVE] = 2048
    hop_length: Annotated[int, POSITIVE] = 512
    n_mels: Annotated[int, _SPECTROGRAM_SIDE] = 224
    spectrogram_columns: Annotated[int, _SPECTROGRAM_SIDE] = 224
    fmin_hz: Annotated[float, NOT_NEGATIVE] = 0.0
    fmax_hz: float = 11_025.0
    dynamic_range_db: Annotated[float, POSITIVE] = 80.0
    # How many stretches of a clip are scored by the networks of raw audio.
    n_windows: Annotated[int, POSITIVE] = 8
    window_samples: Annotated[int, POSITIVE] = 10_000  # cnn1d's
    segment_samples: int = 59_049  # sample_cnn's, a power of 3

    def __post_init__(self) -> None:
        """Raises ValueError for a value that no clip could be processed with."""
        super().__post_init__()
        require(
            self.sample_rate_hz > MIN_SAMPLE_RATE_HZ,
            f"sample_rate_hz must be above {MIN_SAMPLE_RATE_HZ}, for the spectral contrast",
            self.sample_rate_hz,
        )
        require(
            self.min_clip_seconds <= self.clip_seconds,
            f"min_clip_seconds must be at most clip_seconds = {self.clip_seconds}",
            self.min_clip_seconds,
        )
        require(
            self.hop_length <= self.n_fft,
            f"hop_length must be at most n_fft = {self.n_fft}",
            self.hop_length,
        )
        require(
            self.fmin_hz < self.fmax_hz <= self.sample_rate_hz / 2,
            f"fmax_hz must be above fmin_hz = {self.fmin_hz} and at most {self.sample_rate_hz / 2}",
            self.fmax_hz,
        )
        require(
            self.segment_samples in {3**exponent for exponent in range(3, 11)},
            "segment_samples must be a power of 3 from 27 to 59049",
            self.segment_samples,
        )

    @property
    def clip_samples(self) -> int:
        """Samples of the longest clip that is kept."""
        return round(self.clip_seconds * self.sample_rate_hz)


@dataclasses.dataclass(frozen=True)
class DataConfig(Config):
    """Where the archive is and which part of it is used."""

    audio_dir: Annotated[
        str,
        Flag(
            "folder of the audio: FMA's of 000/000002.mp3 …, or with --tracks-csv the one its "
            "paths start from, or with neither table a folder of a folder per genre; {SPAN} in it "
            "stands for the number of a delivery", "DIR",
        ),
    ]  # fmt: skip
    metadata_dir: Annotated[str, Flag("folder of FMA's tracks.csv", "DIR")] = ""
    tracks_csv: Annotated[
        str, Flag("a table of your own instead: path,genre[,artist][,split][,track_id]", "FILE")
    ] = ""
    follow_links: Annotated[
        bool,
        Flag(
            "follow links in --audio-dir that lead out of it, as DVC and git-annex make them; "
            "buckets have no links"
        ),
    ] = False
    subset: Annotated[Subset, Flag("FMA's subset")] = "small"
    labels: Annotated[
        LabelPolicy,
        Flag(
            "genre_top: FMA's top genre; tree: for a track without one, the root in genres.csv "
            "that all its genres share", name="label-policy",
        ),
    ] = "genre_top"  # fmt: skip
    split: Annotated[
        SplitPolicy,
        Flag(
            "FMA's own (official), 64/16/20 by whole artists (artist-grouped), or that of "
            "--tracks-csv (file); auto: the archive's own where it has one, else artist-grouped",
            old_values={"artist-hash": "artist-grouped"},
        ),
    ] = "auto"
    allow_leaks: Annotated[
        bool,
        Flag(
            "go on, with a warning in the report, where the archive's own splits share an artist "
            "or a recording"
        ),
    ] = False
    licenses: Annotated[
        tuple[str, ...],
        Flag(
            "use only tracks of this licence, such as CC-BY or 'Attribution 3.0', or of the "
            "presets redistributable and commercial; may be repeated", "L",
            name="license", repeated=True,
        ),
    ] = ()  # fmt: skip
    genres: Annotated[
        tuple[str, ...], Flag("use only this genre; may be repeated", "G", "genre", repeated=True)
    ] = ()
    min_clips_per_genre: Annotated[
        int, NOT_NEGATIVE, Flag("leave out a genre with fewer clips", "N")
    ] = 0
    max_clips_per_genre: Annotated[
        int, NOT_NEGATIVE,
        Flag("draw so many clips of a larger genre, by --seed, for a quick run; 0 for all", "N"),
    ] = 0  # fmt: skip
    # Of the draw; 0 where nothing is drawn, so that another --seed does not read the archive again.
    seed: int = 0
    span: Annotated[
        str, Flag("deliveries to use: all, latest, a number, or a range such as 2-5", "N")
    ] = ALL_SPANS
    on_fault: Annotated[
        tuple[str, ...],
        Flag(
            "what a fault does, by its kind in bad_files.csv: skip leaves the clip out, fail ends "
            "the run, too_short=pad puts silence after it; may be repeated; default: skip, and "
            "near_silent and out_of_phase clips are only listed", "KIND=POLICY", repeated=True,
        ),
    ] = ()  # fmt: skip
    pad_floor_seconds: Annotated[
        float, POSITIVE,
        Flag("with too_short=pad: leave out a file that is shorter all the same", "SECONDS"),
    ] = 0.5  # fmt: skip
    max_bad_fraction: Annotated[
        float, SHARE, Flag("share of tracks whose audio may be unusable", "F")
    ] = 0.1
    # Whether every track needs a row in FMA's features.csv, beside tracks.csv.
    fma_features: bool = False
    # For the cache key: what the tables, features.csv and the list of audio files hold.
    metadata_digest: str = ""
    fma_features_digest: str = ""
    audio_digest: str = ""
    audio_files: int = 0

    def __post_init__(self) -> None:
        """Raises ValueError for values that do not go together."""
        super().__post_init__()
        bad_files.policies(self.on_fault)
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
        require(
            not self.min_clips_per_genre or "{SPAN" not in self.audio_dir,
            "min_clips_per_genre goes without {SPAN}, for a genre that a later delivery brings in "
            "would move artists between splits; name the genres instead",
            self.min_clips_per_genre,
        )

    @property
    def is_by_genre(self) -> bool:
        """Whether the archive has no table, but a folder per genre."""
        return not (self.metadata_dir or self.tracks_csv)
