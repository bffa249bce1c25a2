"""Transform's `preprocessing_fn`: the graph that computes features in Beam and serves them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from common.config import from_json
from dataset.config import AudioConfig
from features import clip_statistics, example_keys, log_mel, pcm, waveform

# Clips in work at once: enough to keep two cores busy, few enough to bound memory (a 30-s clip
# takes about 50 MB on its way).
_PARALLEL_CLIPS = 2


def preprocessing_fn(
    inputs: Mapping[str, tf.Tensor], custom_config: Mapping[str, Any]
) -> dict[str, tf.Tensor]:
    """Returns the transformed features of a batch of raw Examples.

    Args:
        inputs: raw features, each [batch]; `audio` is PCM16 bytes.
        custom_config: holds the `AudioConfig` as JSON under `audio`.

    Returns:
        `log_mel`, `windows`, `statistics` and `fma_features`: string [batch], packed bytes (see
        `features.example_keys`); `label`, `track_id` and `artist_id`: int64 [batch]. The label's
        vocabulary comes from the data; a genre outside of it is -1.
    """
    config = from_json(AudioConfig, custom_config["audio"])
    label = tft.compute_and_apply_vocabulary(
        inputs[example_keys.GENRE], vocab_filename=example_keys.GENRE_VOCABULARY, default_value=-1
    )
    return {
        # One loop a feature, at the price of a second spectrogram in Transform: a model that serves
        # then computes its own feature only, since nothing prunes what a loop computes.
        example_keys.LOG_MEL: each_clip(log_mel_image, inputs[example_keys.AUDIO], config),
        example_keys.WINDOWS: each_clip(windows, inputs[example_keys.AUDIO], config),
        example_keys.STATISTICS: each_clip(summary, inputs[example_keys.AUDIO], config),
        example_keys.FMA_FEATURES: tf.identity(inputs[example_keys.FMA_FEATURES]),
        example_keys.LABEL: label,
        example_keys.TRACK_ID: tf.identity(inputs[example_keys.TRACK_ID]),
        example_keys.ARTIST_ID: tf.identity(inputs[example_keys.ARTIST_ID]),
    }


def each_clip(
    feature: Callable[[tf.Tensor, AudioConfig], tf.Tensor], pcm16: tf.Tensor, config: AudioConfig
) -> tf.Tensor:
    """Returns string [batch]: a feature of every clip in `pcm16`, string [batch]."""
    return tf.map_fn(
        lambda clip: feature(pcm.decode_pcm16(clip), config),
        pcm16,
        fn_output_signature=tf.string,
        parallel_iterations=_PARALLEL_CLIPS,
    )


def log_mel_image(signal: tf.Tensor, config: AudioConfig) -> tf.Tensor:
    """Returns the packed log-mel spectrogram of float32 [samples], scalar bytes."""
    return pcm.pack(log_mel.log_mel_image(log_mel.power_spectrogram(signal, config), config))


def windows(signal: tf.Tensor, config: AudioConfig) -> tf.Tensor:
    """Returns the packed windows of float32 [samples], scalar bytes."""
    return pcm.pack(waveform.raw_windows(signal, config))


def summary(signal: tf.Tensor, config: AudioConfig) -> tf.Tensor:
    """Returns the packed statistics of float32 [samples], scalar bytes."""
    power = log_mel.power_spectrogram(signal, config)
    return pcm.pack(clip_statistics.clip_statistics(signal, power, config))
