"""What is looked at before anything is computed."""

from __future__ import annotations

import dataclasses
import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

import local_runner
from models import failure_notes
from pipeline import preflight
from pipeline.config import PipelineConfig
from tests.features_csv import to_csv

WriteArchive = Callable[..., list[str]]


def configuration(flags: list[str]) -> PipelineConfig:
    """Return the configuration of a command line."""
    return local_runner.parse(flags)[0]


def test_digests_of_the_input_get_into_the_configuration(
    write_archive: WriteArchive, tmp_path: Path
) -> None:
    weights, features = tmp_path / "base.weights.h5", tmp_path / "metadata" / "features.csv"
    weights.write_bytes(b"weights")
    config = configuration([*write_archive(), f"--mobilenet-weights={weights}"])
    features.write_bytes(to_csv({track_id: [1.0] * 518 for track_id in range(6)}))
    checked, plan = preflight.check(config)
    assert plan.n_clips == 6
    assert checked.train.mobilenet_weights_digest == sha256(weights)
    assert checked.data.metadata_digest == sha256(tmp_path / "metadata" / "tracks.csv")
    assert checked.data.fma_features_digest == ""
    data = dataclasses.replace(config.data, fma_features=True)
    checked, plan = preflight.check(dataclasses.replace(config, data=data))
    assert checked.data.fma_features_digest == sha256(features)
    assert {len(track.fma_features) for track in plan.catalogue.tracks} == {4 * 518}


def plan_of(flags: list[str]) -> str:
    """Return what is printed before a run."""
    checked, plan = preflight.check(configuration(flags))
    output = io.StringIO()
    preflight.print_plan(Console(file=output, width=100), checked, plan, "in memory (why)")
    return output.getvalue()


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_plan_counts_clips_by_genre_and_split(write_archive: WriteArchive) -> None:
    genres = {3: "Rock[/b]", 1: "Rock[/b]", 5: ""}
    changes = {track_id: {"track.genre_top": genre} for track_id, genre in genres.items()}
    text = plan_of([*write_archive(changes), "--models=cnn1d"])
    lines = [line.split() for line in text.splitlines() if line.strip()]
    assert lines[:4] == [
        ["clips/artists", "train", "eval", "test"],
        ["Folk", "1/1", "1/1", "1/1"],
        ["Rock[/b]", "1/1", "1/1", "0/0"],
        ["total", "2/2", "2/2", "1/1"],
    ]
    assert ["models", "cnn1d"] in lines
    assert ["Beam", "in", "memory", "(why)"] in lines
    assert ["left", "out", "no_genre:", "1"] in lines


def test_the_note_of_a_failed_training_gets_into_the_configuration(
    write_archive: WriteArchive,
) -> None:
    config = configuration(write_archive())
    assert preflight.check(config)[0].retried == ()
    failure_notes.write(config.checkpoint_dir, "knn", "no memory")
    (retried,) = preflight.check(config)[0].retried
    assert retried[0] == "knn"
    assert len(retried[1]) == 64


def test_weights_in_a_bucket_are_read_there_and_not_where_jobs_have_them() -> None:
    assert preflight._bucket_path("/gcs/bucket/weights.h5") == "gs://bucket/weights.h5"


@pytest.mark.parametrize(
    ("flags", "note", "is_there"),
    [
        ([], "files shorter than 28.5 s are bad", True),
        (["--clip-seconds=9"], "files shorter than 9 s are bad", True),
        (["--subset=full"], "files shorter than", False),
        (["--min-clip-seconds=29"], "files shorter than", False),
        (["--mobilenet-weights=none"], "untrained", True),
        (["--mobilenet-weights=none", "--models=cnn1d"], "untrained", False),
    ],
)
def test_the_plan_tells_what_one_may_not_expect(
    write_archive: WriteArchive, flags: list[str], note: str, is_there: bool
) -> None:
    text = " ".join(plan_of([*write_archive(), *flags]).split())
    assert (note in text) == is_there
