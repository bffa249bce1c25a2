"""Transform's `preprocessing_fn`: the graph that computes features in Beam and serves them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from common.config import from_json
from dataset.config import AudioConfig
from features import (
    clip_statistics,
    example_keys,
    log_mel,
    musicnn,
    musicnn_weights,
    pcm,
    waveform,
)

# Clips in work at once: enough to keep two cores busy, few enough to bound memory (a 30-s clip
# takes about 50 MB on its way).
_PARALLEL_CLIPS = 2


def preprocessing_fn(
    inputs: Mapping[str, tf.Tensor], custom_config: Mapping[str, Any]
) -> dict[str, tf.Tensor]:
    """Returns the transformed features of a batch of raw Examples.

    Args:
        inputs: raw features, each [batch]; `audio` is PCM16 bytes.
        custom_config: holds the `AudioConfig` as JSON under `audio`, and under `features` what is
            wanted of `FEATURES` and `fma_features`. `musicnn` is left out
            where its weights are missing.

    Returns:
        Those features: string [batch], packed bytes (see `features.example_keys`); `label`,
        `track_id` and `artist_id`: int64 [batch]. The label's vocabulary comes from the data; a
        genre outside of it is -1.
    """
    config = from_json(AudioConfig, custom_config["audio"])
    label = tft.compute_and_apply_vocabulary(
        inputs[example_keys.GENRE], vocab_filename=example_keys.GENRE_VOCABULARY, default_value=-1
    )
    # One loop a feature, at the price of a second spectrogram in Transform: a model that serves
    # then computes its own feature only, since nothing prunes what a loop computes.
    wanted = set(custom_config["features"])
    if not musicnn_weights.FILE.is_file():
        wanted.discard(example_keys.MUSICNN)
    as_they_are = {example_keys.TRACK_ID, example_keys.ARTIST_ID} | wanted - FEATURES.keys()
    return {
        **{
            key: each_clip(FEATURES[key], inputs[example_keys.AUDIO], config)
            for key in sorted(wanted & FEATURES.keys())
        },
        **{key: tf.identity(inputs[key]) for key in sorted(as_they_are)},
        example_keys.LABEL: label,
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


def musicnn_values(signal: tf.Tensor, config: AudioConfig) -> tf.Tensor:
    """Returns the packed values of musicnn for float32 [samples], scalar bytes."""
    return pcm.pack(musicnn.clip_values(signal, config, musicnn_weights.load()))


FEATURES: Mapping[str, Callable[[tf.Tensor, AudioConfig], tf.Tensor]] = {
    example_keys.LOG_MEL: log_mel_image,
    example_keys.WINDOWS: windows,
    example_keys.STATISTICS: summary,
    example_keys.MUSICNN: musicnn_values,
}
