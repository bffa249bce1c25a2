"""What stands for an archive's content in the cache key."""

from __future__ import annotations

import dataclasses

from components import files
from components.fma_example_gen import fma_features
from components.fma_example_gen.tracks import TRACKS_NAME, audio_pattern
from pipeline.config import DataConfig


def with_digests(data: DataConfig) -> DataConfig:
    """Returns the configuration with the digests of the files that it names, as they are now."""
    features = ""
    if data.fma_features:
        features = files.digest(files.join(data.metadata_dir, fma_features.FILE_NAME))
    return dataclasses.replace(
        data,
        metadata_digest=files.digest(files.join(data.metadata_dir, TRACKS_NAME)),
        fma_features_digest=features,
        audio_digest=files.fingerprint(audio_pattern(data.audio_dir)),
    )
