"""Keys of the features, raw and transformed."""

from __future__ import annotations

# Raw Examples, as `pipeline/schema.pbtxt` describes them.
AUDIO = "audio"
TRACK_ID = "track_id"
ARTIST_ID = "artist_id"
ALBUM_ID = "album_id"
GENRE = "genre"
TITLE = "title"
LICENSE = "license"
YEAR = "year"  # int64, of the release, -1 where unknown
SOURCE_RATE_HZ = "source_rate_hz"
SOURCE_CHANNELS = "source_channels"
DURATION_SECONDS = "duration_seconds"

# What statistics are computed of: never the audio.
METADATA = (
    TRACK_ID,
    ARTIST_ID,
    ALBUM_ID,
    GENRE,
    TITLE,
    LICENSE,
    SOURCE_RATE_HZ,
    SOURCE_CHANNELS,
    DURATION_SECONDS,
)

# Transformed Examples.
PICTURE = "picture"  # uint8 [n_mels, picture_columns] as packed bytes
WINDOWS = "windows"  # little-endian int16 [n_windows, window_samples] as packed bytes
LABEL = "label"  # int64, the genre's index in the vocabulary, -1 where it has none
# Of the exported models' `transform_features` alone, for slicing figures by it.
DURATION_CLASS = "duration"  # duration_seconds in words, see `signatures.duration_class`

GENRE_VOCABULARY = "genres"
