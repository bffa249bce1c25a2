"""What arrives at a network: every clip, in static shapes, with randomness that a seed fixes."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import keras
import numpy as np
import pytest
import tensorflow as tf

from features import example_keys
from models.config import TrainConfig
from models.networks import cnn1d, fcn5
from models.networks.network import Network
from models.registry import NETWORKS
from models.spec import load
from models.training import input_fn
from models.training.clip_store import StoredClips

MODELS = {name: cast(Network, load(module)) for name, module in NETWORKS.items()}


def record(packed: bytes, track: int, label: int) -> bytes:
    example = tf.train.Example()
    example.features.feature["x"].bytes_list.value.append(packed)
    example.features.feature[example_keys.TRACK_ID].int64_list.value.append(track)
    example.features.feature[example_keys.LABEL].int64_list.value.append(label)
    return example.SerializeToString()


def write_records(path: Path, records: Sequence[bytes]) -> None:
    with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
        for one in records:
            writer.write(one)


def packed_clips(network: Network, transformed: Any, folder: Path) -> StoredClips:
    """Returns the clips in a new folder."""
    place = folder / str(len(list(folder.iterdir())))
    return input_fn.store([transformed.pattern], network.view.feature, str(place))


def segments_of(network: Network, transformed: Any, folder: Path) -> StoredClips:
    clips = packed_clips(network, transformed, folder)
    return clips.then(lambda packed: network.view.segments(packed, transformed.config))


def training(
    network: Network,
    transformed: Any,
    folder: Path,
    *,
    batch_size: int = 5,
    augmented: bool = True,
    mixup: float = 0.0,
    class_weights: tuple[float, ...] = (1, 1, 1),
    first_seed: int = 7,
) -> tf.data.Dataset:
    train = TrainConfig(mixup=mixup, label_smoothing=0.0)
    source_of = segments_of if network.view.crops is None else packed_clips
    return input_fn.training_batches(
        source_of(network, transformed, folder),
        network.view,
        transformed.config,
        network.recipe(train, {}, 24),
        augmented=augmented,
        class_weights=np.array(class_weights, "f4"),
        batch_size=batch_size,
        steps=input_fn.steps_per_epoch(24, network.view.inputs_per_clip, batch_size),
        seeds=range(first_seed, first_seed + 4),
    )


@pytest.mark.parametrize("name", MODELS)
def test_batches_are_static_whole_and_the_same_for_the_same_seeds(
    name: str, transformed: Any, tmp_path: Path
) -> None:
    network = MODELS[name]

    def read(first_seed: int) -> list[list[tuple[np.ndarray, ...]]]:
        dataset = training(network, transformed, tmp_path, mixup=0.2, first_seed=first_seed)
        shapes = [spec.shape.as_list() for spec in dataset.element_spec]
        assert all(None not in shape for shape in shapes), shapes
        assert shapes[0][0] == 5
        return [list(dataset.as_numpy_iterator()) for _ in range(2)]

    first, second = read(7), read(7)
    assert len(first[0]) == -(-24 * network.view.inputs_per_clip // 5)
    for epoch, again in zip(first, second, strict=True):
        for batch, batch_again in zip(epoch, again, strict=True):
            for part, part_again in zip(batch, batch_again, strict=True):
                np.testing.assert_array_equal(part, part_again)
    assert not np.array_equal(first[0][0][0], first[1][0][0])
    assert not np.array_equal(first[0][0][0], read(8)[0][0][0])


@pytest.mark.parametrize("name", MODELS)
def test_an_epoch_sees_every_clip_equally_often(
    name: str, transformed: Any, tmp_path: Path
) -> None:
    network = MODELS[name]
    dataset = training(network, transformed, tmp_path, batch_size=4, augmented=False)
    seen = np.concatenate([targets for _, targets, _ in dataset.as_numpy_iterator()])
    np.testing.assert_array_equal(seen.sum(axis=0), [8 * network.view.inputs_per_clip] * 3)


def test_spectrograms_are_shuffled(transformed: Any, tmp_path: Path) -> None:
    network = fcn5.MODEL
    dataset = training(network, transformed, tmp_path, batch_size=4, augmented=False)
    first, second = (
        np.concatenate([inputs for inputs, _, _ in dataset.as_numpy_iterator()]) for _ in range(2)
    )
    in_order = [
        spectrogram.numpy().astype("f4")
        for spectrograms, _ in segments_of(network, transformed, tmp_path).in_order()
        for spectrogram in spectrograms
    ]
    for epoch in (first, second):
        assert not np.array_equal(epoch, in_order)
        assert sorted(map(np.sum, epoch)) == sorted(map(np.sum, in_order))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("name", MODELS)
def test_the_order_and_the_files_of_the_records_are_nothing(
    name: str, transformed: Any, tmp_path: Path
) -> None:
    network = MODELS[name]
    [path] = tf.io.gfile.glob(transformed.pattern)
    found = [record.numpy() for record in tf.data.TFRecordDataset(path, "GZIP")]
    order = np.random.default_rng(0).permutation(len(found))
    for shard, places in enumerate(np.split(order, [3, 11])):
        write_records(tmp_path / f"shard-{shard}", [found[place] for place in places])
    other = dataclasses.replace(transformed, pattern=f"{tmp_path}/shard-*")

    def batches(source: Any) -> list[tuple[np.ndarray, ...]]:
        dataset = training(network, source, tmp_path, mixup=0.2)
        validation = input_fn.evaluation_batches(
            segments_of(network, source, tmp_path), network.view, n_classes=3, batch_size=5
        )
        return [*dataset.as_numpy_iterator(), *validation.as_numpy_iterator()]

    for batch, of_other in zip(batches(transformed), batches(other), strict=True):
        for part, part_of_other in zip(batch, of_other, strict=True):
            np.testing.assert_array_equal(part, part_of_other)


def test_clips_are_stored_by_track_and_those_without_a_genre_are_left_out(tmp_path: Path) -> None:
    rows = [(50, 1), (7, -1), (300, 0), (4, 2)]  # track, label
    for name, part in (("a", rows[:2]), ("b", rows[2:])):
        write_records(tmp_path / name, [record(str(t).encode(), t, label) for t, label in part])
    stored = input_fn.store([f"{tmp_path}/?"], "x", str(tmp_path / "clips"))
    assert (stored.keys.tolist(), stored.labels.tolist()) == ([4, 50, 300], [2, 1, 0])
    for _ in range(2):
        read = [(clip.numpy(), int(label)) for clip, label in stored.in_order()]
        assert read == [(b"4", 2), (b"50", 1), (b"300", 0)]


def test_a_shuffle_reaches_from_the_first_clip_to_the_last() -> None:
    clips = StoredClips(np.arange(2_000), np.zeros(2_000, np.int64), lambda key: key)
    orders = [[int(key) for key, _ in clips.shuffled(seed)] for seed in (1, 1, 2)]
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[0]) == list(range(2_000))
    assert 800 < np.mean(orders[0][:200]) < 1_200


def test_several_files_are_read_in_turn(tmp_path: Path) -> None:
    for file in range(3):
        found = [record(b"", number, 100 * file + number) for number in range(20)]
        write_records(tmp_path / f"{file}.gz", found)
    labels = [int(label) for _, label in input_fn.clips([f"{tmp_path}/*.gz"], "x")]
    assert sorted(labels) == [100 * file + number for file in range(3) for number in range(20)]
    assert labels[:3] == [0, 100, 200]


def test_mixed_inputs_weigh_what_their_genres_do(transformed: Any, tmp_path: Path) -> None:
    dataset = training(fcn5.MODEL, transformed, tmp_path, mixup=1.0, class_weights=(1.0, 2.0, 4.0))
    for _, targets, weights in dataset.as_numpy_iterator():
        np.testing.assert_allclose(weights, targets @ [1, 2, 4], rtol=1e-6)
        assert ((targets > 0).sum(axis=1) <= 2).all()


def test_without_augmentation_windows_are_the_clips_own(transformed: Any, tmp_path: Path) -> None:
    dataset = training(cnn1d.MODEL, transformed, tmp_path, augmented=False, mixup=1.0)
    inputs, targets, _ = next(dataset.as_numpy_iterator())
    assert set(np.unique(targets)) == {0.0, 1.0}
    held = [
        packed.numpy() for packed, _ in input_fn.clips([transformed.pattern], example_keys.WINDOWS)
    ]
    for window in inputs[..., 0]:
        samples = np.rint(window * 3_276.7).astype("<i2").tobytes()
        assert any(samples in clip for clip in held)


def test_validation_is_plain(transformed: Any, tmp_path: Path) -> None:
    network, config = cnn1d.MODEL, transformed.config
    stored = segments_of(network, transformed, tmp_path)
    assert stored.n_segments == 24 * config.n_windows
    for _ in range(2):
        dataset = input_fn.evaluation_batches(stored, network.view, n_classes=3, batch_size=7)
        inputs, targets = map(np.concatenate, zip(*dataset.as_numpy_iterator(), strict=True))
        assert inputs.shape == (24 * config.n_windows, config.window_samples, 1)
        expected, labels = zip(*stored.in_order(), strict=True)
        np.testing.assert_allclose(inputs[..., 0], np.concatenate(expected) / 3_276.7, rtol=1e-5)
        np.testing.assert_array_equal(
            targets, np.repeat(np.eye(3)[list(map(int, labels))], config.n_windows, axis=0)
        )


def test_the_outputs_of_a_trunk_stand_for_the_inputs(transformed: Any, tmp_path: Path) -> None:
    inputs = keras.layers.Input([96, 96])
    trunk = keras.Model(inputs, keras.layers.Flatten()(keras.layers.Rescaling(2.0)(inputs)))
    stored = segments_of(fcn5.MODEL, transformed, tmp_path)
    assert stored.n_segments == 24
    outputs = input_fn.outputs_of(trunk, stored, fcn5.MODEL.view, batch_size=7)
    for (found, label), (spectrogram, label_of_spectrogram) in zip(
        outputs.in_order(), stored.in_order(), strict=True
    ):
        np.testing.assert_allclose(found[0], spectrogram.numpy().reshape(-1) * 2.0)
        assert int(label) == int(label_of_spectrogram)
