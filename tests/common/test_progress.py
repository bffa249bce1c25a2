"""Progress through a file."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from common import progress


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file that the environment names."""
    monkeypatch.setenv(progress.FILE_VARIABLE, str(tmp_path / "progress"))
    return tmp_path / "progress"


def test_the_units_of_the_last_step_are_counted(path: Path) -> None:
    assert progress.read(path) is None
    for total, done in ((3, 0), (20, 2)):
        progress.start(total)
        for _ in range(done):
            progress.advance()
        assert progress.read(path) == (done, total)


@pytest.mark.parametrize("text", ["", "..", "=", "=1", "=3\n..=2"])
def test_a_report_that_is_not_whole_is_no_report(tmp_path: Path, text: str) -> None:
    (tmp_path / "p").write_text(text)
    assert progress.read(tmp_path / "p") is None


def _advance(times: int) -> None:
    for _ in range(times):
        progress.advance()


def test_no_report_of_a_worker_process_is_lost(path: Path) -> None:
    progress.start(400)
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_advance, args=(100,)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert progress.read(path) == (400, 400)


def test_without_a_file_nothing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(progress.FILE_VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    progress.start(3)
    progress.advance()
    assert list(tmp_path.iterdir()) == []
