"""Transform's `preprocessing_fn`: the graph that computes features in Beam and serves them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from models import audio, features, statistics
from pipeline.config import AudioConfig, from_json

# Clips in work at once: enough to keep two cores busy, few enough to bound memory (a 30-s clip's
# spectrum takes about 10 MB).
_PARALLEL_CLIPS = 2


def preprocessing_fn(
    inputs: Mapping[str, tf.Tensor], custom_config: Mapping[str, Any]
) -> dict[str, tf.Tensor]:
    """Returns the transformed features of a batch of raw Examples.

    Args:
        inputs: raw features, each [batch]; `audio` is PCM16 bytes.
        custom_config: holds the `AudioConfig` as JSON under `audio`.

    Returns:
        `picture`, `windows`, `statistics` and `fma_features`: string [batch], packed bytes (see
        `models.features`); `label`, `track_id` and `artist_id`: int64 [batch]. The label's
        vocabulary comes from the data; a genre outside of it is -1.
    """
    config = from_json(AudioConfig, custom_config["audio"])
    picture, windows, summary = tf.map_fn(
        lambda pcm16: clip_features(pcm16, config),
        inputs[features.AUDIO],
        fn_output_signature=(tf.string, tf.string, tf.string),
        parallel_iterations=_PARALLEL_CLIPS,
    )
    label = tft.compute_and_apply_vocabulary(
        inputs[features.GENRE], vocab_filename=features.GENRE_VOCABULARY, default_value=-1
    )
    return {
        features.PICTURE: picture,
        features.WINDOWS: windows,
        features.STATISTICS: summary,
        features.FMA_FEATURES: tf.identity(inputs[features.FMA_FEATURES]),
        features.LABEL: label,
        features.TRACK_ID: tf.identity(inputs[features.TRACK_ID]),
        features.ARTIST_ID: tf.identity(inputs[features.ARTIST_ID]),
    }


def clip_features(pcm16: tf.Tensor, config: AudioConfig) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Returns the packed picture, windows and statistics of a clip's PCM16, all scalar bytes."""
    signal = audio.decode_pcm16(pcm16)
    power = audio.power_spectrogram(signal, config)
    return (
        audio.pack(audio.picture(power, config)),
        audio.pack(audio.raw_windows(signal, config)),
        audio.pack(statistics.clip_statistics(signal, power, config)),
    )
