"""What the container of a custom job does before and after the job."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from tfx.extensions.google_cloud_ai_platform import runner
from tfx.types import standard_artifacts
from tfx.utils import path_utils

from components import custom_jobs, failure_notes
from models import fit_record
from models.fit_record import FitRecord
from pipeline.vertex import jobs
from pipeline.vertex.settings import VertexConfig

VERTEX = VertexConfig("my-project", "us-central1", "gcr.io/my-project/genre:1")


def run_trainer(folder: Path, monkeypatch: pytest.MonkeyPatch, record: FitRecord) -> dict[str, Any]:
    """Run the executor whose job leaves a record; return what the service was asked for."""
    model = standard_artifacts.Model()
    model.uri = str(folder / "model")
    custom = {
        "checkpoint_dir": str(folder / "checkpoints"),
        **jobs.custom_config(VERTEX, "Trainer-svm", "svm"),
    }
    asked: dict[str, Any] = {}

    def job_at_the_service(project: str, training_job: dict[str, Any], **where: Any) -> None:
        asked.update(project=project, job=training_job, **where)
        fit_record.write(path_utils.serving_model_dir(model.uri), record)

    class Client:
        """Stands where the client logs in: the real one, without credentials."""

        def __init__(self, region: str):
            self.create_training_job = object.__new__(
                runner.training_clients.VertexJobClient
            ).create_training_job

    monkeypatch.setattr(runner.training_clients, "get_job_client", lambda *_: Client("r"))
    monkeypatch.setattr(runner, "_launch_cloud_training", job_at_the_service)
    custom_jobs.TrainerExecutor().Do({}, {"model": [model]}, {"custom_config": json.dumps(custom)})
    return asked


def test_a_job_runs_the_trainer_of_tfx_in_our_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = run_trainer(tmp_path, monkeypatch, FitRecord("svm"))
    assert (asked["project"], asked["vertex_region"]) == ("my-project", "us-central1")
    (pool,) = asked["job"]["job_spec"]["worker_pool_specs"]
    assert pool["container_spec"]["image_uri"] == VERTEX.image
    command = pool["container_spec"]["command"]
    assert command[:3] == ["python", "-m", "tfx.scripts.run_executor"]
    assert "tfx.components.trainer.executor.GenericExecutor" in command
    assert not failure_notes.fingerprints(str(tmp_path / "checkpoints"), ["svm"])


def test_a_model_that_failed_to_train_is_trained_again_by_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = FitRecord("svm", fit_record.FAILED, reason="no weights")
    run_trainer(tmp_path, monkeypatch, failed)
    notes = failure_notes.fingerprints(str(tmp_path / "checkpoints"), ["knn", "svm"])
    assert [model for model, _ in notes] == ["svm"]
    (note,) = (tmp_path / "checkpoints" / "failed").iterdir()
    assert note.read_text() == "no weights\n"
    os.utime(note, (0, 0))  # as another failure would, at another time
    again = failure_notes.fingerprints(str(tmp_path / "checkpoints"), ["svm"])
    assert again != notes
    assert failure_notes.fingerprints(str(tmp_path / "checkpoints"), ["svm"]) == again


def test_a_tuner_has_a_folder_for_its_trials_though_a_job_is_given_none() -> None:
    executor_class = custom_jobs.TunerExecutor()._GetExecutorClass()
    context = executor_class.Context(tmp_dir=None, unique_id="")
    folder = executor_class(context)._get_tmp_dir()
    assert os.listdir(folder) == []
    os.rmdir(folder)
