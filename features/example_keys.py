"""Keys of the features, raw and transformed."""

from __future__ import annotations

# Raw Examples, as `dataset/schema.pbtxt` describes them.
AUDIO = "audio"
TRACK_ID = "track_id"
ARTIST = "artist"  # the artist's name, empty where unknown
ARTIST_ID = "artist_id"
ALBUM_ID = "album_id"
GENRE = "genre"
TITLE = "title"
LICENSE = "license"
YEAR = "year"  # int64, of the release, -1 where unknown
SOURCE_RATE_HZ = "source_rate_hz"
SOURCE_CHANNELS = "source_channels"
DURATION_SECONDS = "duration_seconds"
# The track's row of FMA's features.csv, packed little-endian float32 [N_FMA_FEATURES]; no bytes
# where the run does without. It goes through Transform as it is.
FMA_FEATURES = "fma_features"
N_FMA_FEATURES = 518

# What TFDV's statistics are computed of: never the audio, nor other packed bytes.
METADATA = (
    TRACK_ID,
    ARTIST,
    ARTIST_ID,
    ALBUM_ID,
    GENRE,
    TITLE,
    LICENSE,
    YEAR,
    SOURCE_RATE_HZ,
    SOURCE_CHANNELS,
    DURATION_SECONDS,
)

# Transformed Examples.
LOG_MEL = "log_mel"  # uint8 [n_mels, spectrogram_columns] as packed bytes
WINDOWS = "windows"  # little-endian int16 [windows of the clip, window_samples] as packed bytes
STATISTICS = "statistics"  # little-endian float32 [statistics.N_STATISTICS] as packed bytes
MUSICNN = "musicnn"  # little-endian float32 [musicnn.N_VALUES] as packed bytes
LABEL = "label"  # int64, the genre's index in the vocabulary, -1 where it has none
# Of the exported models' `evaluation_features` alone, for slicing figures by it.
DURATION_CLASS = "duration"  # duration_seconds in words, see `signatures.duration_class`

GENRE_VOCABULARY = "genres"
