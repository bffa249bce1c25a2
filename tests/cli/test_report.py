"""Listing, reopening and comparing past runs, from a real metadata store."""

from __future__ import annotations

import dataclasses
import webbrowser
from collections.abc import Sequence
from pathlib import Path

import pytest
from ml_metadata.proto import metadata_store_pb2 as pb

from cli.main import main
from common.exit_status import BAD_INPUT
from pipeline import metadata_store
from report.data import DATA_NAME, PAGE_NAME, ReportData, to_json
from tests.report.sample import report_data


def record(output: Path, reports: Sequence[int | None]) -> None:
    """Write a metadata store as TFX does: a pipeline run for each number of a report.

    Args:
        output: the output folder.
        reports: the execution whose report a run has (twice the same: from the cache), None where
            the run ended before.
    """
    path = output / "pipeline" / "metadata.sqlite"
    path.parent.mkdir(parents=True, exist_ok=True)
    store = metadata_store.open_store(path)
    run_type, node_type = (
        store.put_context_type(pb.ContextType(name=name)) for name in ("pipeline_run", "node")
    )
    execution_type = store.put_execution_type(pb.ExecutionType(name="any"))
    artifact_type = store.put_artifact_type(pb.ArtifactType(name="system.Artifact"))
    (node,) = store.put_contexts([pb.Context(type_id=node_type, name="music-genre.GenreReport")])
    artifacts: dict[int, int] = {}
    for place, number in enumerate(reports):
        (run,) = store.put_contexts([pb.Context(type_id=run_type, name=f"run {place}")])
        if number is None:
            continue
        if number not in artifacts:
            uri = f"/somewhere/else/pipeline/GenreReport/report/{number}"
            (artifacts[number],) = store.put_artifacts(
                [pb.Artifact(type_id=artifact_type, uri=uri)]
            )
        (execution,) = store.put_executions([pb.Execution(type_id=execution_type)])
        of_it = [pb.Association(execution_id=execution, context_id=one) for one in (run, node)]
        store.put_attributions_and_associations([], of_it)
        event = pb.Event(
            artifact_id=artifacts[number], execution_id=execution, type=pb.Event.OUTPUT
        )
        event.path.steps.add().key = "report"
        store.put_events([event])


def write_report(output: Path, number: int, data: ReportData) -> Path:
    """Write the report of an execution; return its page."""
    folder = output / "pipeline" / "GenreReport" / "report" / str(number)
    folder.mkdir(parents=True)
    (folder / PAGE_NAME).write_text(f"page {number}")
    (folder / DATA_NAME).write_text(to_json(data))
    return folder / PAGE_NAME


@pytest.fixture(scope="module")
def data() -> ReportData:
    return report_data(n_tunes=1, examples=[], mistakes=[])


@pytest.fixture
def output(tmp_path: Path, data: ReportData) -> Path:
    """Return a folder of four runs: blessed, broken off, refused, and the first one's cached."""
    folder = tmp_path / "output"
    record(folder, [5, None, 9, 5])
    write_report(folder, 5, data)
    refused = dataclasses.replace(data, best="svm", blessed=False)
    write_report(folder, 9, refused)
    return folder


def page_of(output: Path, number: int) -> str:
    return str(output / "pipeline" / "GenreReport" / "report" / str(number) / PAGE_NAME)


def test_the_newest_run_is_the_one_that_ran_last_and_its_page_is_where_the_folder_is_now(
    output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(output)]) == 0
    assert capsys.readouterr().out.strip() == page_of(output, 5)


def test_a_run_is_picked_by_its_number(output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(output), "--run", "2"]) == 0
    assert capsys.readouterr().out.strip() == page_of(output, 9)
    assert main(["report", str(output), "--run", "4"]) == BAD_INPUT
    assert "there is no run 4, only 1 to 3" in capsys.readouterr().err


def test_runs_are_listed_with_their_verdicts(
    output: Path, data: ReportData, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(output), "--list"]) == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.split() == ["run", "started", "model", "verdict", "accuracy", "macro-F1"]
    accuracy = f"{data.test['overall']['accuracy']:.3f}"
    cells = [row.split() for row in rows]
    assert [(row[0], *row[3:6]) for row in cells] == [
        ("1", "logistic_regression", "blessed", accuracy),
        ("2", "svm", "refused", accuracy),
        ("3", "logistic_regression", "blessed", accuracy),
    ]


@pytest.mark.parametrize("content", ["{", None])
def test_a_run_that_cannot_be_read_hides_no_other(
    output: Path, capsys: pytest.CaptureFixture[str], content: str | None
) -> None:
    broken = output / "pipeline" / "GenreReport" / "report" / "9" / DATA_NAME
    if content is None:
        broken.unlink()
    else:
        broken.write_text(content)
    assert main(["report", str(output), "--list"]) == 0
    printed = capsys.readouterr()
    rows = [line.split() for line in printed.out.splitlines()[1:]]
    assert [(row[0], row[4]) for row in rows] == [
        ("1", "blessed"), ("2", "unreadable"), ("3", "blessed"),
    ]  # fmt: skip
    assert printed.err.startswith(f"music-genre report: run 2: cannot read {broken}: ")


@pytest.mark.parametrize("there_is_one", [True, False])
def test_a_page_opens_in_the_browser(
    output: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    there_is_one: bool,
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda url: opened.append(url) or there_is_one)
    assert main(["report", str(output), "--open"]) == (0 if there_is_one else BAD_INPUT)
    assert opened == [Path(page_of(output, 5)).as_uri()]
    printed = capsys.readouterr()
    assert printed.out.strip() == page_of(output, 5)
    assert ("no web browser" in printed.err) == (not there_is_one)


def test_two_runs_are_compared_and_of_one_folder_the_last_two(
    output: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", str(output), str(output)]) == 0
    path = output / "report" / "compare.html"
    assert capsys.readouterr().out.strip() == str(path)
    text = path.read_text()
    assert f"First: {output}, run 2" in text
    assert f"Second: {output}, run 3" in text
    elsewhere = tmp_path / "new" / "pair.html"
    flags = ["--run-a", "1", "--run-b", "2", "--output", str(elsewhere)]
    assert main(["compare", str(output), str(output), *flags]) == 0
    assert f"First: {output}, run 1" in elsewhere.read_text()


def test_what_is_not_there_is_said_in_a_sentence(
    data: ReportData, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def refusal(*words: str) -> str:
        assert main(list(words)) == BAD_INPUT
        return capsys.readouterr().err

    assert "there is no folder" in refusal("report", str(tmp_path / "nowhere"))
    (tmp_path / "empty").mkdir()
    assert "no run yet in" in refusal("report", str(tmp_path / "empty"))
    (tmp_path / "damaged" / "pipeline").mkdir(parents=True)
    store = tmp_path / "damaged" / "pipeline" / "metadata.sqlite"
    store.write_bytes(b"no database" * 99)
    assert f"{store}: file is not a database" in refusal("report", str(tmp_path / "damaged"))
    record(tmp_path / "early", [None])
    assert "has come to a report yet" in refusal("report", str(tmp_path / "early"))
    record(tmp_path / "one", [1])
    write_report(tmp_path / "one", 1, data)
    assert "a single run" in refusal("compare", str(tmp_path / "one"), str(tmp_path / "one"))
