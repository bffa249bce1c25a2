"""The Transform graph, through TFT and Beam."""

import numpy as np
import tensorflow as tf

from features import clip_statistics, example_keys, log_mel, pcm, waveform
from models.networks.log_mel_input import unpack as unpack_log_mel
from tests.models.conftest import fma_features


def read(transformed) -> list[tf.train.Example]:
    dataset = tf.data.TFRecordDataset(tf.io.gfile.glob(transformed.pattern), "GZIP")
    examples = [tf.train.Example.FromString(record.numpy()) for record in dataset]
    key = example_keys.TRACK_ID
    return sorted(examples, key=lambda example: example.features.feature[key].int64_list.value[0])


def packed(example: tf.train.Example, key: str) -> bytes:
    (value,) = example.features.feature[key].bytes_list.value
    return value


def test_every_clip_gets_the_features_of_the_pure_functions(transformed) -> None:
    examples = read(transformed)
    assert len(examples) == len(transformed.raw)
    for example, raw in zip(examples, transformed.raw, strict=True):
        pcm16 = packed(tf.train.Example.FromString(raw), example_keys.AUDIO)
        signal = pcm.decode_pcm16(tf.constant(pcm16))
        power = log_mel.power_spectrogram(signal, transformed.config)
        spectrogram = np.frombuffer(packed(example, example_keys.LOG_MEL), np.uint8).reshape(96, 96)
        expected = log_mel.log_mel_image(power, transformed.config).numpy()
        assert np.abs(spectrogram.astype(int) - expected).max() <= 1
        windows = np.frombuffer(packed(example, example_keys.WINDOWS), "<i2").reshape(-1, 2_000)
        expected = waveform.raw_windows(signal, transformed.config).numpy()
        assert np.abs(windows.astype(int) - expected).max() <= 1
        summary = np.frombuffer(packed(example, example_keys.STATISTICS), "<f4")
        expected = clip_statistics.clip_statistics(signal, power, transformed.config).numpy()
        np.testing.assert_allclose(summary, expected, rtol=1e-3, atol=1e-3)


def test_fmas_own_features_go_through_as_they_are(transformed) -> None:
    for example in read(transformed):
        (track_id,) = example.features.feature[example_keys.TRACK_ID].int64_list.value
        assert packed(example, example_keys.FMA_FEATURES) == fma_features(track_id).tobytes()


def test_labels_follow_a_vocabulary_from_the_data(transformed) -> None:
    vocabulary = transformed.output.vocabulary_by_name(example_keys.GENRE_VOCABULARY)
    assert sorted(vocabulary) == [b"high", b"low", b"noise"]
    for example, genre in zip(read(transformed), transformed.genres, strict=True):
        (label,) = example.features.feature[example_keys.LABEL].int64_list.value
        assert vocabulary[label].decode() == genre


def test_the_graph_serves_without_a_genre_and_without_fmas_own_features(transformed) -> None:
    layer = transformed.output.transform_features_layer()
    pcm16 = packed(tf.train.Example.FromString(transformed.raw[0]), example_keys.AUDIO)
    got = layer({example_keys.AUDIO: tf.constant([pcm16]), example_keys.GENRE: tf.constant([""])})
    assert got[example_keys.LABEL].numpy().tolist() == [-1]
    spectrogram = unpack_log_mel(got[example_keys.LOG_MEL], transformed.config)
    assert spectrogram.shape == (1, 96, 96)
    summary = tf.io.decode_raw(got[example_keys.STATISTICS], tf.float32)
    assert summary.shape == (1, clip_statistics.N_STATISTICS)
    assert example_keys.FMA_FEATURES not in got
