"""Music of one's own to a pushed model, as the README does it."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

import corpus
from corpus import GENRES

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
SPEC = corpus.CorpusSpec(clips_per_genre=6, clip_seconds=4.0)
FLAGS = [
    "--models", "gaussian_nb", "--min-accuracy", "0.05", "--min-macro-f1", "0.01",
    "--min-genre-recall", "0", "--max-genre-drop", "1", "--max-drop", "1",
    "--max-credible-accuracy", "1",
]  # fmt: skip


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that the README's example lays out."""
    folder = tmp_path_factory.mktemp("own")
    demo = corpus.write_corpus(SPEC, folder / "demo")
    example = [sys.executable, str(ROOT / "examples/own_music.py"), str(demo), str(folder / "own")]
    subprocess.run(example, check=True)
    return folder / "own"


def run(output: Path, *flags: str) -> str:
    """Run the pipeline to a pushed model, or plan a run, and return what it printed."""
    runner = [sys.executable, str(ROOT / "local_runner.py"), "--output-dir", str(output)]
    done = subprocess.run([*runner, *FLAGS, *flags], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "--dry-run" in flags or "blessed and pushed" in done.stdout
    assert any((output / "serving_model").glob("*/saved_model.pb"))
    return done.stdout


def summary(output: Path) -> dict:
    """Return what the newest ingestion left."""
    found = (output / "pipeline").glob("FmaExampleGen/examples/*/ingest.json")
    return json.loads(max(found, key=lambda path: int(path.parent.name)).read_text())


def artifacts(output: Path, key: str) -> list[Path]:
    """Return the folders of a node's output, the oldest first."""
    return sorted(output.glob(f"pipeline/{key}/*"), key=lambda path: int(path.name))


def n_clips(output: Path) -> int:
    return sum(sum(genres.values()) for genres in summary(output)["clips"].values())


def test_a_folder_per_genre_ends_in_a_pushed_model(own: Path, tmp_path: Path) -> None:
    (own / "by_genre" / "cover.jpg").write_bytes(b"a picture")
    printed = run(tmp_path, "--audio-dir", str(own / "by_genre"))
    assert "in two splits: 0 artists, 0 recordings" in printed
    assert summary(tmp_path)["overlaps"] == {"artists": [], "audio": []}
    with open(tmp_path / "bad_files.csv", newline="") as file:
        kinds = sorted(row["kind"] for row in csv.DictReader(file))
    # Of the planted faults those that have a row and a genre in the corpus.
    assert kinds == ["empty_file", "silent", "too_short", "undecodable"]
    assert n_clips(tmp_path) == 48
    genres = {path.name for path in (own / "by_genre").iterdir() if path.is_dir()}
    for split in ("train", "eval", "test"):
        assert set(summary(tmp_path)["clips"][split]) == genres


def test_a_second_delivery_is_read_and_what_it_supersedes_is_pruned(
    own: Path, tmp_path: Path
) -> None:
    with open(own / "music.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    # Of four artists a genre has, three are enough to begin with.
    late = {max(row["artist"] for row in rows if row["genre"] == genre) for genre in GENRES[:4]}
    for row in rows:
        span = tmp_path / "music" / ("2" if row["artist"] in late else "1")
        target = span / row["path"]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.hardlink_to(own / row["path"])
    (tmp_path / "music" / "2").rename(tmp_path / "later")

    output = tmp_path / "output"
    flags = [
        "--audio-dir", str(tmp_path / "music" / "{SPAN}"), "--tracks-csv", str(own / "music.csv"),
    ]  # fmt: skip
    printed = run(output, *flags)
    assert "read again" not in printed
    before = n_clips(output)
    (tmp_path / "later").rename(tmp_path / "music" / "2")
    printed = run(output, *flags)
    assert "read again, for the audio files have changed (" in printed
    assert before < n_clips(output) == 48
    assert "stale artifacts hold " in printed

    old, new = artifacts(output, "FmaExampleGen/examples")
    baseline, _ = artifacts(output, "Refit/model")
    assert str(old) in run(output, *flags, "--prune", "--dry-run")
    printed = run(output, *flags, "--prune")
    assert "read again" not in printed
    assert "stale artifacts hold " not in printed
    for name in ("FmaExampleGen", "Trainer.gaussian_nb", "Evaluator", "GenreReport"):
        assert [line.split()[1] for line in printed.splitlines() if name in line] == ["cached"]
    assert new.exists() and baseline.exists() and not old.exists()
