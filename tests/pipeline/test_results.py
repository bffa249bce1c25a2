"""What a run that fails leaves in its folder: nothing of an earlier one, and why it failed."""

import csv
import json
from pathlib import Path

import pytest
from tfx import v1 as tfx
from tfx.utils import path_utils

from components.fma_example_gen.faults import BAD_FILES_NAME
from models import fit_record
from models.fit_record import FitRecord
from pipeline import results
from pipeline.errors import InputError, in_a_line


@tfx.dsl.components.component
def FmaExampleGen(  # noqa: N802 - a component's name
    examples: tfx.dsl.components.OutputArtifact[tfx.types.standard_artifacts.Examples],
) -> None:
    """Leave a list of bad files and no Examples."""
    Path(examples.uri).mkdir(parents=True, exist_ok=True)
    Path(examples.uri, BAD_FILES_NAME).write_text("path,track_id,kind,detail\n")


@tfx.dsl.components.component
def StandInTrainer(  # noqa: N802 - a component's name
    model: tfx.dsl.components.OutputArtifact[tfx.types.standard_artifacts.Model],
    name: tfx.dsl.components.Parameter[str],
    reason: tfx.dsl.components.Parameter[str],
) -> None:
    """Leave the record of a training, a failed one if there is a reason."""
    status = fit_record.FAILED if reason else fit_record.TRAINED
    record = FitRecord(name, status, reason=reason or None, parameters=7)
    fit_record.write(path_utils.serving_model_dir(model.uri), record)


@tfx.dsl.components.component
def StandInRanker(  # noqa: N802 - a component's name
    one: tfx.dsl.components.InputArtifact[tfx.types.standard_artifacts.Model],
    other: tfx.dsl.components.InputArtifact[tfx.types.standard_artifacts.Model],
) -> None:
    """Find nothing to rank."""
    raise InputError("no candidate could be trained")


def test_a_run_that_fails_leaves_its_reasons(tmp_path: Path) -> None:
    trainers = [
        StandInTrainer(name=name, reason=reason).with_id(f"Trainer.{name}")
        for name, reason in (("knn", "too few clips"), ("svm", ""))
    ]
    one, other = (trainer.outputs["model"] for trainer in trainers)
    metadata = str(tmp_path / "metadata.sqlite")
    connection = tfx.orchestration.metadata.sqlite_metadata_connection_config(metadata)
    dag = tfx.dsl.Pipeline(
        pipeline_name="failing",
        pipeline_root=str(tmp_path / "root"),
        components=[FmaExampleGen(), *trainers, StandInRanker(one=one, other=other)],
        metadata_connection_config=connection,
    )
    with pytest.raises(Exception, match="no candidate could be trained") as caught:
        tfx.orchestration.LocalDagRunner().run(dag)
    outputs = results.latest_outputs(metadata, "failing")
    results.publish_failure(outputs, str(tmp_path), in_a_line(caught.value))
    board = json.loads((tmp_path / "leaderboard.json").read_text())
    assert (board["best"], board["test"], board["blessed"]) == (None, None, False)
    assert board["reasons"] == ["no candidate could be trained"]
    found = {
        entry["name"]: (entry["status"], entry["reason"], entry["eval"])
        for entry in board["models"]
    }
    assert found == {"knn": ("failed", "too few clips", None), "svm": ("trained", None, None)}
    with open(tmp_path / BAD_FILES_NAME) as file:
        assert list(csv.reader(file)) == [["path", "track_id", "kind", "detail"]]


def test_what_an_earlier_run_has_published_is_withdrawn(tmp_path: Path) -> None:
    results.withdraw(str(tmp_path))
    (tmp_path / "report").mkdir()
    published = ["leaderboard.json", "bad_files.csv", "report/index.html"]
    for name in (*published, "notes.txt"):
        (tmp_path / name).write_text("of an earlier run")
    results.withdraw(str(tmp_path))
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["notes.txt"]
