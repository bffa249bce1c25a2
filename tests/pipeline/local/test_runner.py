"""A run that fails leaves its reason in its folder, and nothing of an earlier run."""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ml_metadata.proto import metadata_store_pb2 as pb

import local_runner
from models import failure_notes
from pipeline import metadata_store
from pipeline.beam_args import BeamConfig
from pipeline.local import results, runner

IN_MEMORY = BeamConfig(workers=1)
PUBLISHED = ("leaderboard.json", "bad_files.csv", "report/index.html")


@pytest.fixture
def run(write_archive: Callable[..., list[str]], tmp_path: Path) -> Callable[..., int]:
    """Return a run of an archive of unreadable files, in a folder that has an earlier run's."""
    archive = write_archive()

    def run(*flags: str, beam: BeamConfig = IN_MEMORY, prune: bool = False) -> int:
        config = local_runner.parse([*archive, *flags])[0]
        return runner.run(config, tmp_path / "output", beam, resume=True, prune=prune)

    publish_earlier(tmp_path / "output")
    return run


@pytest.fixture
def junk(tmp_path: Path) -> str:
    """Return the flag of weights that are none."""
    (tmp_path / "junk.h5").write_bytes(b"no weights")
    return f"--mobilenet-weights={tmp_path}/junk.h5"


def publish_earlier(output: Path) -> None:
    for name in PUBLISHED:
        (output / name).parent.mkdir(parents=True, exist_ok=True)
        (output / name).write_text('{"blessed": true}')


def leave_stale(output: Path) -> Path:
    """Leaves a folder of an execution that died, 2 MB, of a node that the store knows."""
    stale = output / "pipeline" / "Transform" / "transformed_examples" / "7"
    stale.mkdir(parents=True)
    (stale / "file").write_bytes(b"x" * 2_000_000)
    store = metadata_store.open_store(str(output / "pipeline" / "metadata.sqlite"))
    type_id = store.put_execution_type(pb.ExecutionType(name="Transform"))
    (execution,) = store.put_executions([pb.Execution(type_id=type_id)])
    for kind, name in (("node", "music-genre.Transform"), ("pipeline_run", "died")):
        type_id = store.put_context_type(pb.ContextType(name=kind))
        (context,) = store.put_contexts([pb.Context(type_id=type_id, name=name)])
        of_it = pb.Association(context_id=context, execution_id=execution)
        store.put_attributions_and_associations([], [of_it])
    return stale


def board(output: Path) -> dict[str, Any]:
    found = json.loads((output / "leaderboard.json").read_text())
    assert isinstance(found, dict)
    return found


def test_a_run_with_too_many_bad_files_leaves_its_reason(
    run: Callable[..., int], tmp_path: Path
) -> None:
    output = tmp_path / "output"
    assert run("--models=knn") == 2
    assert board(output)["blessed"] is False
    (reason,) = board(output)["reasons"]
    assert "6 of 6" in reason
    assert not (output / "report" / "index.html").exists()
    assert (output / "bad_files.csv").read_text().count("undecodable") == 6


def test_a_run_that_fails_before_it_begins_leaves_its_reason_alone(
    run: Callable[..., int], junk: str, tmp_path: Path
) -> None:
    output = tmp_path / "output"
    assert run("--models=mobilenet_v2", junk) == 2
    for name in PUBLISHED[1:]:
        assert not (output / name).exists()
    (reason,) = board(output)["reasons"]
    assert "junk.h5 holds no MobileNetV2 weights" in reason
    assert (board(output)["models"], board(output)["blessed"]) == ([], False)


def test_a_flag_that_beam_refuses_is_the_reason(run: Callable[..., int], tmp_path: Path) -> None:
    beam = BeamConfig(workers=1, extra=("--direct_num_workers=two",))
    assert run("--models=knn", beam=beam) == 2
    (reason,) = board(tmp_path / "output")["reasons"]
    assert "Beam refused one of its flags" in reason and "--direct_num_workers" in reason


def test_a_refusal_before_the_start_touches_nothing(
    run: Callable[..., int], tmp_path: Path
) -> None:
    (tmp_path / "audio" / "000" / "000001.wav").unlink()
    assert run("--models=knn") == 2
    for name in PUBLISHED:
        assert (tmp_path / "output" / name).read_text() == '{"blessed": true}'


def test_stale_artifacts_are_removed_before_the_disk_is_looked_at(
    run: Callable[..., int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    stale = leave_stale(tmp_path / "output")

    def free(_: Path) -> SimpleNamespace:
        return SimpleNamespace(free=0 if stale.exists() else 10**15)

    monkeypatch.setattr(shutil, "disk_usage", free)
    assert run("--models=knn") == 2
    assert "; stale artifacts hold 2.00 MB; --prune removes them" in capfd.readouterr().err
    assert stale.exists()
    assert run("--models=knn", prune=True) == 2
    output, errors = capfd.readouterr()
    assert "  removed 2.00 MB of stale artifacts\n" in output
    assert "GB free" not in errors and not stale.exists()


def test_a_dry_run_tells_what_would_be_removed(
    write_archive: Callable[..., list[str]], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    stale = leave_stale(tmp_path / "output")
    assert local_runner.main([*write_archive(), "--models=knn", "--prune", "--dry-run"]) == 0
    *_, total, folder = capfd.readouterr().out.splitlines()
    assert total == "  would remove 2.00 MB of stale artifacts"
    assert folder.split() == ["2.00", "MB", str(stale)]
    assert [path.name for path in (tmp_path / "output").iterdir()] == ["pipeline"]
    assert (stale / "file").exists()


def test_nothing_is_removed_while_another_run_uses_the_folder(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unfinished = leave_stale(tmp_path / "output")
    with open(tmp_path / "output" / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert run("--models=knn", prune=True) == 2
    assert f"another run is using --output-dir {tmp_path}/output" in capsys.readouterr().err
    assert unfinished.exists()


def test_the_error_itself_is_shown_where_its_reason_cannot_be_published(
    run: Callable[..., int],
    junk: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def no_disk(*_: object) -> None:
        raise OSError("no more disk")

    monkeypatch.setattr(results, "publish_failure", no_disk)
    assert run("--models=mobilenet_v2", junk) == 2
    assert "junk.h5 holds no MobileNetV2 weights" in capsys.readouterr().err


def test_without_resume_checkpoints_go_and_notes_of_failed_trainings_stay(tmp_path: Path) -> None:
    failure_notes.write(str(tmp_path), "knn", "no memory")
    (tmp_path / "fcn5-0123").mkdir()
    runner._forget_checkpoints(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["failed"]
    assert failure_notes.fingerprints(str(tmp_path), ["knn"])
