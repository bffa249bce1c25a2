"""Which SavedModel is used, and what is said of one that cannot be."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from common.errors import InputError
from dataset.bad_files import AudioError
from dataset.config import AUDIO_CONFIG_NAME
from models.config import TrainConfig
from serving import model
from tests.models.trainer import train_and_export
from tests.serving.conftest import transformed  # noqa: F401 - a fixture


def test_the_newest_version_is_used_that_is_a_model(serving_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "a" / "serving_model"
    shutil.copytree(serving_model, folder)
    for name in ("200", "latest"):
        (folder / name).mkdir()
    assert model.find(folder) == folder / "100"
    assert model.find(folder / "9") == folder / "9"
    shutil.copytree(serving_model / "9", tmp_path / "b" / "serving_model" / "101")
    assert model.find_pushed(tmp_path) == tmp_path / "b" / "serving_model" / "101"


def test_where_there_is_none_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no model in"):
        model.find(tmp_path / "nowhere")
    with pytest.raises(InputError, match="--model DIR"):
        model.find_pushed(tmp_path)


def test_a_damaged_model_is_named(serving_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "1"
    shutil.copytree(serving_model / "9", folder)
    (folder / "saved_model.pb").write_bytes(b"no model")
    with pytest.raises(InputError, match=f"cannot load the model in {folder}"):
        model.GenreModel(folder)


@pytest.mark.parametrize("content", ["{", "[]", '{"clip_seconds": -1}', '{"loudness": 1}'])
def test_a_damaged_audio_config_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / AUDIO_CONFIG_NAME
    path.parent.mkdir()
    path.write_text(content)
    with pytest.raises(InputError, match=f"cannot read {path}"):
        model.audio_config(tmp_path)


def test_a_model_without_an_audio_config_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="run the pipeline again"):
        model.audio_config(tmp_path)


class FailingModel(tf.Module):
    """A model of others, whose one signature for Examples always fails."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def serve(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Fail."""
        with tf.control_dependencies([tf.debugging.Assert(False, ["out of order"])]):
            return {"classes": tf.identity(examples), "scores": tf.identity(examples)}


@pytest.mark.parametrize("name", ["predict_wav", "serving_default"])
def test_a_model_of_others_that_lacks_a_signature_is_refused(tmp_path: Path, name: str) -> None:
    made = FailingModel()
    (other,) = {"predict_wav", "serving_default"} - {name}
    tf.saved_model.save(made, str(tmp_path), signatures={other: made.serve})
    with pytest.raises(InputError, match=f"no signature {name}"):
        model.GenreModel(tmp_path)


def test_an_error_of_tensorflow_is_a_fault_of_the_song(tmp_path: Path) -> None:
    made = FailingModel()
    signatures = {"predict_wav": made.serve, "serving_default": made.serve}
    tf.saved_model.save(made, str(tmp_path), signatures=signatures)
    with pytest.raises(AudioError, match="model failed: .*out of order"):
        model.GenreModel(tmp_path).scores([np.zeros(9, np.int16)])


def test_a_model_of_fmas_features_cannot_listen(transformed, tmp_path: Path) -> None:  # noqa: F811
    done = train_and_export("gaussian_nb", transformed, tmp_path, TrainConfig(feature_set="fma"))
    with pytest.raises(InputError, match="no signature predict_wav"):
        model.GenreModel(Path(done.fn_args.serving_model_dir))
