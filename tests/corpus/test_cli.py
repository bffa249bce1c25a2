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
    assert out.startswith(f"{corpus_dir} already holds this corpus")
    assert (out.count("\n"), err) == (1, "")


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ("--clips-per-genre=5", "clips per genre"),
        ("--clip-seconds=nan", "clip length"),
        ("--seed=-1", "seed"),
        ("--workers=0", "worker"),
        ("--colour", "--colour"),
        ("--output-dir=.", "not a corpus"),
        ("--output-dir=file/c", "could not be written"),
    ],
)
def test_refusals_are_one_sentence(
    spec: CorpusSpec,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    more: str,
    word: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("in the way")
    with pytest.raises(SystemExit) as stop:
        main(arguments(spec, tmp_path / "c", "--force", more))
    out, err = capsys.readouterr()
    assert (stop.value.code, out, err.count("\n")) == (2, "", 1)
    assert word in err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_no_room_for_a_file_is_one_sentence(spec: CorpusSpec, tmp_path: Path) -> None:
    # Files may not grow beyond 100 kB, which the kernel reports much as it does a full disk.
    command = [sys.executable, "-m", "corpus", *arguments(spec, tmp_path / "c", "--workers=2")]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    assert "could not be written" in done.stderr
    assert list(tmp_path.iterdir()) == []
