"""TFX's cache does not serve a failed training: real runs of a pipeline of one component."""

from pathlib import Path

import pytest
from tfx import v1 as tfx
from tfx.utils import path_utils

from models.training import fit_record
from models.training.fit_record import FitRecord
from pipeline.local import failed_trainings


@tfx.dsl.components.component
def StandInTrainer(  # noqa: N802 - a component's name
    model: tfx.dsl.components.OutputArtifact[tfx.types.standard_artifacts.Model],
    log: tfx.dsl.components.OutputArtifact[tfx.types.standard_artifacts.ModelRun],
    folder: tfx.dsl.components.Parameter[str],
) -> None:
    """Fail as long as there is no file `weights`, as a Trainer does; count the trainings."""
    Path(log.uri).mkdir(parents=True, exist_ok=True)
    count = Path(folder, "count")
    count.write_text(str(int(count.read_text()) + 1))
    trained = Path(folder, "weights").exists()
    status = fit_record.TRAINED if trained else fit_record.FAILED
    record = FitRecord("stand_in", status, reason=None if trained else "no weights")
    fit_record.write(path_utils.serving_model_dir(model.uri), record)


@pytest.fixture
def run(tmp_path: Path):
    """Return a runner of the pipeline, which returns how many trainings there were so far."""
    (tmp_path / "count").write_text("0")

    def run_once() -> int:
        dag = tfx.dsl.Pipeline(
            pipeline_name="failing",
            pipeline_root=str(tmp_path / "root"),
            components=[StandInTrainer(folder=str(tmp_path))],
            enable_cache=True,
            metadata_connection_config=tfx.orchestration.metadata.sqlite_metadata_connection_config(
                str(tmp_path / "metadata.sqlite")
            ),
        )
        tfx.orchestration.LocalDagRunner().run(dag)
        return int((tmp_path / "count").read_text())

    return run_once


def test_a_failed_training_is_done_again_and_a_good_one_is_not(run, tmp_path: Path) -> None:
    metadata = str(tmp_path / "metadata.sqlite")
    assert failed_trainings.forget(metadata) == []
    assert run() == 1
    assert run() == 1  # the failure comes from the cache
    assert failed_trainings.forget(metadata) == ["stand_in"]
    (tmp_path / "weights").touch()
    assert run() == 2
    assert failed_trainings.forget(metadata) == []
    assert run() == 2
