"""musicnn in the graph: the same as the original network, and its values of whole clips."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from common.errors import InputError
from dataset.config import AudioConfig
from features import musicnn, musicnn_weights
from features.resampling import resample
from tests.features import musicnn_reference

TAGS_TOLERANCE = 1e-4
# Of layers whose values reach 10.
LAYER_TOLERANCE = 1e-3


def test_tags_and_layers_are_the_original_networks() -> None:
    weights = musicnn_weights.load()
    spectrogram = musicnn.log_mel_spectrogram(tf.constant(musicnn_reference.signal()))
    n_patches = len(spectrogram) // musicnn.PATCH_FRAMES
    patches = tf.reshape(
        spectrogram[: n_patches * musicnn.PATCH_FRAMES], [n_patches, musicnn.PATCH_FRAMES, 96]
    )
    pooled, penultimate = musicnn.network(patches, weights)
    tags = tf.sigmoid(penultimate @ weights["dense_1/kernel"] + weights["dense_1/bias"])
    with np.load(musicnn_reference.FILE) as expected:
        assert expected["tags"].shape == (n_patches, 50)
        assert np.abs(tags - expected["tags"]).max() <= TAGS_TOLERANCE
        assert np.abs(penultimate - expected["penultimate"]).max() <= LAYER_TOLERANCE
        # Of each channel the maximum, then the mean.
        by_channel = tf.reshape(pooled, [n_patches, -1, 2])
        assert np.abs(by_channel[:, :, 0] - expected["maximum"]).max() <= LAYER_TOLERANCE
        assert np.abs(by_channel[:, :, 1] - expected["mean"]).max() <= LAYER_TOLERANCE
        assert expected["tags"].max() > 0.2  # it does hear something


def test_a_clips_values_are_the_mean_over_its_patches() -> None:
    weights = musicnn_weights.load()
    signal = tf.constant(musicnn_reference.signal())
    values = musicnn.clip_values(signal, musicnn.AUDIO, weights).numpy()
    patches = musicnn.patches(musicnn.log_mel_spectrogram(signal))
    pooled, penultimate = musicnn.network(patches, weights)
    np.testing.assert_allclose(values[:200], np.mean(penultimate, axis=0), atol=1e-4)
    np.testing.assert_allclose(values[200:], np.mean(pooled, axis=0), atol=1e-4)


def test_a_signal_of_another_rate_sounds_the_same() -> None:
    weights, audio = musicnn_weights.load(), AudioConfig()
    signal = tf.constant(musicnn_reference.signal())
    at_22_khz = resample(signal, tf.constant(16_000), audio.sample_rate_hz)
    expected = musicnn.clip_values(signal, musicnn.AUDIO, weights).numpy()[:200]
    values = musicnn.clip_values(at_22_khz, audio, weights).numpy()[:200]
    assert np.corrcoef(values, expected)[0, 1] > 0.99


@pytest.mark.parametrize("n_frames", [1, 100, 187, 188, 400])
def test_patches_reach_from_the_first_frame_to_the_last(n_frames: int) -> None:
    frames = tf.range(n_frames, dtype=tf.float32)[:, tf.newaxis] * tf.ones([1, 96])
    found = musicnn.patches(frames).numpy()
    assert found.shape == (musicnn.N_PATCHES, musicnn.PATCH_FRAMES, 96)
    assert found[0, 0, 0] == 0
    assert found.max() == n_frames - 1
    assert np.ptp(np.diff(found[:, 0, 0])) <= 1  # evenly spread
    steps = np.diff(found[:, :, 0], axis=1)
    assert set(np.unique(steps)) <= {1.0, float(1 - n_frames)}


def test_loud_music_does_not_overflow() -> None:
    signal = tf.constant(musicnn_reference.signal() * 30)
    values = musicnn.clip_values(signal, musicnn.AUDIO, musicnn_weights.load())
    assert np.isfinite(values).all()


def test_missing_weights_are_an_error_with_the_command_that_gets_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(musicnn_weights, "FILE", tmp_path / "musicnn.npz")
    assert musicnn_weights.digest() == ""
    with pytest.raises(InputError, match=re.escape("make weights")):
        musicnn_weights.load.__wrapped__()
