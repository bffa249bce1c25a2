"""The command line as users meet it: exit status, and one line on one stream."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from corpus import CorpusSpec
from corpus.__main__ import main

ROOT = Path(__file__).resolve().parents[2]


def arguments(spec: CorpusSpec, folder: Path, *more: str) -> list[str]:
    """Return the arguments that ask for a spec."""
    return [
        f"--output-dir={folder}",
        f"--seed={spec.seed}",
        f"--clips-per-genre={spec.clips_per_genre}",
        f"--clip-seconds={spec.clip_seconds}",
        *more,
    ]


def test_an_equal_corpus_is_reported_in_one_line(
    spec: CorpusSpec, corpus_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments(spec, corpus_dir)) == 0
    out, err = capsys.readouterr()
    assert out == f"{corpus_dir} already holds this corpus; it is left as it is.\n"
    assert err == ""


@pytest.mark.parametrize(
    ("more", "word"),
    [
        (["--clips-per-genre=5"], "clips per genre"),
        (["--clip-seconds=nan"], "clip length"),
        (["--seed=-1"], "seed"),
        (["--workers=0"], "worker"),
        (["--seed=x"], "--seed"),
        (["--colour"], "--colour"),
    ],
)
def test_bad_arguments_are_one_sentence(
    spec: CorpusSpec,
    tmp_path: Path,
    more: list[str],
    word: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    try:
        status: object = main(arguments(spec, tmp_path / "c", *more))
    except SystemExit as stop:
        status = stop.code
    out, err = capsys.readouterr()
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert word in err
    assert not (tmp_path / "c").exists()


def test_a_foreign_folder_is_one_sentence(
    spec: CorpusSpec, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    assert main(arguments(spec, tmp_path, "--force")) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "not a corpus" in err


def test_a_place_that_cannot_be_written_is_one_sentence(
    spec: CorpusSpec, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert main(arguments(spec, tmp_path / "file" / "c")) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "could not be written" in err


@pytest.mark.parametrize("workers", [1, 2])
def test_no_room_for_a_file_is_one_sentence(spec: CorpusSpec, tmp_path: Path, workers: int) -> None:
    # Files may not grow beyond 100 kB, which the kernel reports much as it does a full disk.
    command = [sys.executable, "-m", "corpus", *arguments(spec, tmp_path / "c")]
    done = subprocess.run(
        [*command, f"--workers={workers}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    assert "could not be written" in done.stderr
    assert list(tmp_path.iterdir()) == []
