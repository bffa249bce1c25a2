"""What the trainer leaves behind where a training fails."""

import errno
import os
from types import SimpleNamespace

import pytest

from components.endpoint_deployer.target import Machine
from models import failure_notes, run_fn, saved_model
from models.config import TrainConfig
from models.training import fit_record
from pipeline.vertex import jobs
from pipeline.vertex.settings import VertexConfig
from tests.models.trainer import train_and_export


def test_a_training_that_fails_leaves_its_reason_and_no_model(transformed, tmp_path) -> None:
    wrong = tmp_path / "wrong.h5"
    wrong.write_bytes(b"no weights")
    config = TrainConfig(mobilenet_weights=str(wrong))
    done = train_and_export("mobilenet_v2", transformed, tmp_path, config)
    assert os.listdir(done.fn_args.serving_model_dir) == ["assets.extra"]
    record = fit_record.read(done.fn_args.serving_model_dir)
    assert (record.name, record.status) == ("mobilenet_v2", "failed")
    assert "wrong.h5 holds no MobileNetV2 weights" in record.reason
    checkpoint_dir = done.fn_args.custom_config["checkpoint_dir"]
    ((model, note),) = failure_notes.fingerprints(checkpoint_dir, ["mobilenet_v2", "knn"])
    assert model == "mobilenet_v2" and note


def test_half_an_export_is_removed(transformed, tmp_path, monkeypatch) -> None:
    def half_an_export(directory: str, **_: object) -> None:
        os.makedirs(directory)
        (tmp_path / "model" / "saved_model.pb").write_bytes(b"half")
        raise RuntimeError("the rest went wrong\nin many lines")

    monkeypatch.setattr(saved_model, "export", half_an_export)
    done = train_and_export("gaussian_nb", transformed, tmp_path, TrainConfig())
    assert os.listdir(done.fn_args.serving_model_dir) == ["assets.extra"]
    record = fit_record.read(done.fn_args.serving_model_dir)
    assert record.reason == "RuntimeError: the rest went wrong"


def test_a_full_disk_ends_the_run(transformed, tmp_path, monkeypatch) -> None:
    def no_space(directory: str, **_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(saved_model, "export", no_space)
    with pytest.raises(OSError, match="No space left"):
        train_and_export("gaussian_nb", transformed, tmp_path, TrainConfig())


def test_a_training_goes_on_on_another_machine_but_not_with_other_settings() -> None:
    def folder(machine: str, *, epochs: int = 3, **more: str) -> str:
        vertex = VertexConfig(
            "my-project", "us-central1", "gcr.io/my-project/genre:1",
            network_machine=Machine(machine), labels=(("size", machine),),
        )  # fmt: skip
        custom = {
            "model": "fcn5",
            "train": {"epochs": epochs},
            "checkpoint_dir": "gs://bucket/checkpoints",
            **jobs.custom_config(vertex, "Trainer-fcn5", ["fcn5"]),
            **more,
        }
        fn_args = SimpleNamespace(
            custom_config=custom,
            transform_output="gs://bucket/transform",
            train_files=["gs://bucket/examples"],
            hyperparameters=None,
        )
        return run_fn._checkpoint_dir(fn_args)

    assert folder("n1-standard-8") == folder("n1-highmem-16", retried="a note's digest")
    assert folder("n1-standard-8") != folder("n1-standard-8", epochs=4)
