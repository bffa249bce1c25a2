"""What networks share: where clips are unpacked, what cannot be learned, on what."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from common.errors import InputError
from features import example_keys
from models.config import TrainConfig
from models.networks import network
from models.networks.cnn1d import MODEL
from models.spec import TrainingContext
from models.training import devices


def test_the_next_training_removes_what_a_killed_one_has_unpacked(tmp_path: Path) -> None:
    root = tmp_path / "checkpoints"
    left = root / "clips" / "train" / "7"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"a clip")
    (root / "cnn1d-0123").mkdir()
    with pytest.raises(KeyError), network._clips_folder(str(root / "fcn5-4567")) as folder:
        assert Path(folder) == root / "clips"
        assert os.listdir(folder) == []
        Path(folder, "7").write_bytes(b"a clip")
        raise KeyError  # what is unpacked is gone after a failure, too
    assert os.listdir(root) == ["cnn1d-0123"]


def test_clips_are_unpacked_on_this_machine_where_checkpoints_are_in_a_bucket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with network._clips_folder("gs://bucket/checkpoints/fcn5-4567") as folder:
        assert Path(folder).is_dir() and Path(folder).is_absolute()
        Path(folder, "7").write_bytes(b"a clip")
    assert not Path(folder).exists()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("empty", ["train", "eval"])
def test_a_split_without_a_clip_of_a_genre_is_named(
    empty: str, transformed: Any, tmp_path: Path
) -> None:
    example = tf.train.Example()
    feature = example.features.feature
    feature[example_keys.WINDOWS].bytes_list.value.append(b"\0\0")
    feature[example_keys.TRACK_ID].int64_list.value.append(1)
    feature[example_keys.LABEL].int64_list.value.append(-1)
    path = str(tmp_path / "unlabelled.gz")
    with tf.io.TFRecordWriter(path, "GZIP") as writer:
        writer.write(example.SerializeToString())
    files = {"train": [transformed.pattern], "eval": [transformed.pattern], empty: [path]}
    context = TrainingContext(
        name="cnn1d",
        n_classes=3,
        train_files=files["train"],
        eval_files=files["eval"],
        audio=transformed.config,
        train=TrainConfig(epochs=1),
        checkpoint_dir=str(tmp_path / "checkpoints" / "cnn1d"),
        log_dir=str(tmp_path / "logs"),
    )
    with pytest.raises(InputError, match=f"^no clip of {empty} has one of the genres"):
        MODEL.train(context)


def test_several_gpus_are_set_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []

    def mirrored() -> object:
        made.append(object())
        return made[-1]

    monkeypatch.setattr(
        tf.config, "list_physical_devices", lambda kind: ["0", "1"] if kind == "GPU" else []
    )
    monkeypatch.setattr(tf.distribute, "MirroredStrategy", mirrored)
    devices.training_strategy.cache_clear()
    try:
        assert devices.training_strategy() is devices.training_strategy()
    finally:
        devices.training_strategy.cache_clear()
    assert len(made) == 1
