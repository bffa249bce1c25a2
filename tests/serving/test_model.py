"""Which SavedModel is used, and what is said of one that cannot be."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from common.errors import InputError
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


def test_a_model_of_fmas_features_cannot_listen(transformed, tmp_path: Path) -> None:  # noqa: F811
    done = train_and_export("gaussian_nb", transformed, tmp_path, TrainConfig(feature_set="fma"))
    with pytest.raises(InputError, match="no signature predict_wav"):
        model.GenreModel(Path(done.fn_args.serving_model_dir))
