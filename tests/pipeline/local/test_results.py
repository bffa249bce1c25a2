"""What a run leaves in its folder: its model and verdict, or why it failed; nothing of another."""

import csv
import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ml_metadata.proto import metadata_store_pb2
from tfx import v1 as tfx
from tfx.utils import path_utils

from common.errors import InputError, in_a_line
from dataset.bad_files import BAD_FILES_NAME, SUMMARY_NAME
from evaluation.config import GateConfig
from models.training import fit_record
from models.training.fit_record import FitRecord
from pipeline import metadata_store
from pipeline.local import results


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
    outputs = metadata_store.latest_outputs(metadata)
    # Of a run that has not come to its first component there is nothing, not what another has.
    latest = metadata_store.latest_run(metadata)
    assert latest > 0 and metadata_store.latest_outputs(metadata, after=latest) == {}
    assert metadata_store.latest_outputs(metadata, after=latest - 1).keys() == outputs.keys()
    results.publish_failure(outputs, str(tmp_path), in_a_line(caught.value))
    board = json.loads((tmp_path / "leaderboard.json").read_text())
    assert (board["best"], board["test"], board["blessed"]) == (None, None, False)
    assert board["reasons"] == ["no candidate could be trained"]
    assert board["gate"] == []
    found = {
        entry["name"]: (entry["status"], entry["reason"], entry["eval"])
        for entry in board["models"]
    }
    assert found == {"knn": ("failed", "too few clips", None), "svm": ("trained", None, None)}
    with open(tmp_path / BAD_FILES_NAME) as file:
        assert list(csv.reader(file)) == [["path", "track_id", "kind", "detail"]]


class Artifact(SimpleNamespace):
    """What `publish` reads of an artifact in the metadata store."""

    def __init__(self, folder: Path, **properties: Any) -> None:
        folder.mkdir(exist_ok=True)
        values = {
            name: metadata_store_pb2.Value(**{kind: value})
            for name, value in properties.items()
            for kind in ["int_value" if isinstance(value, int) else "string_value"]
        }
        super().__init__(uri=str(folder), custom_properties=values)


@pytest.fixture
def blessed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, str], Any]:
    """The outputs of a run whose model is blessed and was pushed."""
    examples, board = Artifact(tmp_path / "examples"), Artifact(tmp_path / "board")
    (tmp_path / "examples" / BAD_FILES_NAME).write_text("path,track_id,kind,detail\n")
    summary = {"overlaps": {}, "clips": {}, "faults": {}}
    (tmp_path / "examples" / SUMMARY_NAME).write_text(json.dumps(summary))
    (tmp_path / "board" / "leaderboard.json").write_text(json.dumps({"best": "knn"}))
    (tmp_path / "board" / "fits.json").write_text(json.dumps({"knn": {"genres": ["Folk"]}}))
    report = Artifact(tmp_path / "page")
    (tmp_path / "page" / "index.html").write_text("the page")
    model = Artifact(tmp_path / "model", pushed_destination=f"{tmp_path}/serving/7")
    (tmp_path / "model" / "saved_model.pb").write_bytes(b"graph")
    judged = {"best": "knn", "blessed": True, "accuracy": math.nan}
    monkeypatch.setattr(results, "complete_board", lambda *_, **__: judged)
    return {
        ("FmaExampleGen", "examples"): examples,
        ("CandidateRanker", "leaderboard"): board,
        ("CandidateRanker", "best_model"): Artifact(tmp_path / "best"),
        ("Evaluator", "evaluation"): Artifact(tmp_path / "evaluation"),
        ("Evaluator", "blessing"): Artifact(tmp_path / "blessing", blessed=1),
        ("AtomicPusher", "pushed_model"): model,
        ("GenreReport", "report"): report,
    }


def test_what_is_published_is_served_and_json(
    blessed: dict[tuple[str, str], Any], tmp_path: Path
) -> None:
    result = results.publish(blessed, str(tmp_path), GateConfig(), 0.75)
    (version,) = (tmp_path / "serving").iterdir()
    assert result.pushed_to == str(version)
    assert result.note and "version 7, of an earlier run, was changed" in result.note
    found = json.loads((tmp_path / "leaderboard.json").read_text())
    assert found == {"best": "knn", "blessed": True, "accuracy": None}
    assert (tmp_path / "report" / "index.html").read_text() == "the page"
    assert results.publish(blessed, str(tmp_path), GateConfig(), 0.75).note is None


def test_no_board_says_blessed_of_a_model_that_cannot_be_served(
    blessed: dict[tuple[str, str], Any], tmp_path: Path
) -> None:
    (tmp_path / "serving").write_text("in the way")
    with pytest.raises(Exception, match="serving"):
        results.publish(blessed, str(tmp_path), GateConfig(), 0.75)
    assert not (tmp_path / "leaderboard.json").exists()


def test_what_an_earlier_run_has_published_is_withdrawn(tmp_path: Path) -> None:
    results.withdraw(str(tmp_path))
    (tmp_path / "report").mkdir()
    published = ["leaderboard.json", "bad_files.csv", "report/index.html"]
    for name in (*published, "notes.txt"):
        (tmp_path / name).write_text("of an earlier run")
    results.withdraw(str(tmp_path))
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["notes.txt"]
