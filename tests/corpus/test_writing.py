"""Repeatability, and what happens to folders that are there already."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from corpus import CorpusError, CorpusSpec, write_corpus
from corpus.catalogue import build_catalogue
from corpus.clips import render_clip
from corpus.writer import AUDIO_DIR, is_current

ROOT = Path(__file__).resolve().parents[2]


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder by its relative path."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.fixture
def stale(spec: CorpusSpec, corpus_dir: Path, tmp_path: Path) -> Path:
    """Return a folder that looks like a corpus of another generator."""
    folder = tmp_path / "stale"
    folder.mkdir()
    stamp = json.loads((corpus_dir / "corpus.json").read_text())
    (folder / "corpus.json").write_text(json.dumps({**stamp, "generator_sha256": "0"}))
    (folder / "old.wav").write_bytes(b"old")
    return folder


def test_a_clip_does_not_depend_on_the_clips_before_it(spec: CorpusSpec) -> None:
    first, second = build_catalogue(spec)[:2]
    alone = render_clip(spec, second)
    render_clip(spec, first)
    assert (render_clip(spec, second) == alone).all()


def test_an_equal_corpus_is_left_as_it_is(spec: CorpusSpec, corpus_dir: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in corpus_dir.rglob("*")}
    assert is_current(spec, corpus_dir)
    assert write_corpus(spec, corpus_dir) == corpus_dir.resolve()
    assert {path: path.stat().st_mtime_ns for path in corpus_dir.rglob("*")} == before


def test_another_spec_is_not_current(spec: CorpusSpec, corpus_dir: Path) -> None:
    longer = CorpusSpec(spec.seed, spec.clips_per_genre, spec.clip_seconds + 1)
    assert not is_current(longer, corpus_dir)
    with pytest.raises(CorpusError, match="--force"):
        write_corpus(longer, corpus_dir)


def test_a_corpus_that_lacks_a_file_is_not_current(
    spec: CorpusSpec, corpus_dir: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "damaged"
    shutil.copytree(corpus_dir, folder)
    assert is_current(spec, folder)
    next((folder / AUDIO_DIR).rglob("*.wav")).unlink()
    assert not is_current(spec, folder)
    with pytest.raises(CorpusError, match="damaged"):
        write_corpus(spec, folder)


def test_the_command_replaces_by_force_and_two_workers_write_the_bytes_of_one(
    stale: Path, spec: CorpusSpec, corpus_dir: Path
) -> None:
    with pytest.raises(CorpusError, match="--force"):
        write_corpus(spec, stale)
    assert (stale / "old.wav").exists()
    command = [sys.executable, "-m", "corpus", "--force", "--workers=2", f"--output-dir={stale}"]
    command += [f"--seed={spec.seed}", f"--clips-per-genre={spec.clips_per_genre}"]
    command += [f"--clip-seconds={spec.clip_seconds}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 1)
    assert done.stdout.startswith("48 clips of 8 genres by 32 artists and 7 planted faults in ")
    assert contents(stale) == contents(corpus_dir)
    assert is_current(spec, stale)
    assert os.listdir(stale.parent) == ["stale"]


def test_foreign_folders_are_never_touched(spec: CorpusSpec, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    before = contents(tmp_path)
    for force in (False, True):
        with pytest.raises(CorpusError, match="not a corpus"):
            write_corpus(spec, tmp_path, force=force)
    assert contents(tmp_path) == before
