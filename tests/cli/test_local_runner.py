"""local_runner.py as users meet it: flags, and one line that names what is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import local_runner
from common.config import fields_of
from dataset.config import DataConfig
from pipeline.config import PipelineConfig, TuneConfig
from tests.cli.refusals import ROOT, heavy_imports, refusal

NEEDED = ("--audio-dir=a", "--metadata-dir=m", "--output-dir=o")

WriteArchive = Callable[..., list[str]]
Refuse = Callable[..., str]


@pytest.fixture
def refuse(capfd: pytest.CaptureFixture[str]) -> Refuse:
    """Return a run of the command that returns the line with which it refuses its input."""
    return lambda *flags: refusal(capfd, local_runner.main, *flags)


def configuration(*flags: str) -> PipelineConfig:
    """Return what a command line configures."""
    return local_runner.parse(flags)[0]


def run(*flags: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    command = [sys.executable, "local_runner.py", *flags]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("flag", "status"), [("--help", 0), ("--subset=tiny", 2)])
def test_help_and_bad_flags_import_nothing_heavy(flag: str, status: int) -> None:
    assert heavy_imports("local_runner.py", *NEEDED, flag)[:2] == (status, set())


def test_help_has_every_flag_its_default_and_the_exit_statuses() -> None:
    said = " ".join(run("--help").stdout.split())
    flags = [field.name for field in fields_of(local_runner.LocalConfig)]
    for flag in (*flags, "audio-dir", "label-policy", "genre", "tune", "no-cache", "max-drop"):
        assert f"--{flag.replace('_', '-')}" in said
    for text in (
        "Exit status: 0 pushed, 2 usage",
        "epochs without improvement before training stops (default: 8)",
        "raised to 28.5 for FMA's small",
        "gate, on the test split:",
    ):
        assert text in said


@pytest.mark.parametrize(
    ("flag", "expected"),
    [
        ("--subset=tiny", "--subset should be 'small', 'medium', 'large' or 'full', got 'tiny'"),
        ("--models=cnn1d,resnet", "--models must be among fast, article, all, logistic_regression"),
        ("--models=cnn1d,cnn1d", "--models must not repeat"),
        ("--min-accuracy=2", "--min-accuracy must be at least 0 and at most 1, got 2.0"),
        ("--max-bad-fraction=nan", "--max-bad-fraction must be finite, got nan"),
        ("--clip-seconds=0.1", "--min-clip-seconds must be at most clip_seconds = 0.1, got 1.0"),
        ("--epochs=many", "--epochs should be a valid integer"),
        ("--beam-workers=0", "--beam-workers must be greater than 0, got 0"),
        ("--mobilenet-weights=/no/such.h5", "--mobilenet-weights must be imagenet, none or a file"),
        ("--tune=svm", "--tune must be among cnn1d, "),
        ("--job-endpoint=h:1", "--job-endpoint needs a --beam-runner other than DirectRunner"),
        ("--beam-runner=PortableRunner", "--job-endpoint must be HOST:PORT with --beam-runner"),
        ("--on-fault=loud=skip", "--on-fault must be KIND=POLICY, KIND one of empty_file, "),
        ("--on-fault=silent=pad", "--on-fault silent must be skip or fail, got 'pad'"),
        ("--tracks-csv=t.csv", "--tracks-csv goes without metadata_dir"),
        ("--output-dir=a*", "--output-dir must not have * ? [ or \\ in its path"),
        ("--colour", "unrecognized arguments: --colour"),
        ("--epoch=1", "unrecognized arguments: --epoch=1"),
        ("--colour=\x1b[31m\n", "unrecognized arguments: --colour=\\x1b[31m"),
    ],
)
def test_bad_flags(refuse: Refuse, flag: str, expected: str) -> None:
    message = refuse(*NEEDED, flag)
    assert message.startswith(expected)
    assert message.endswith("(see --help)")


def test_a_missing_flag_is_named(refuse: Refuse) -> None:
    assert refuse("--audio-dir=a").startswith("--output-dir is required")
    assert refuse("--output-dir=o").startswith("--audio-dir is required")


def test_a_wrong_table(write_archive: WriteArchive, tmp_path: Path, refuse: Refuse) -> None:
    flags = write_archive()
    path = tmp_path / "metadata" / "tracks.csv"
    path.write_text("id,title\n1,x\n2,y\n")
    assert f"{path}, line 3: column track_id is missing" in refuse(*flags)
    path.unlink()
    assert f"there is no tracks.csv in {path.parent}" in refuse(*flags)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {track_id: {"track.genre_top": "Folk"} for track_id in range(6)},
            "holds a single genre, 'Folk': nothing to tell apart",
        ),
        ({1: {"set.split": "test"}}, "genre 'Rock' has no usable train track in "),
        ({3: {"artist.id": "x"}}, "line 7: artist.id is 'x', expected an id, or -1"),
    ],
)
def test_an_archive_that_nothing_can_be_learned_from(
    write_archive: WriteArchive, refuse: Refuse, changes: dict[int, dict[str, str]], expected: str
) -> None:
    flags = write_archive(changes)
    message = refuse(*flags)
    assert expected in message
    assert refuse(*flags, "--dry-run") == message


def test_folders_that_do_not_serve(
    write_archive: WriteArchive, tmp_path: Path, refuse: Refuse
) -> None:
    flags = write_archive()
    before = sorted(tmp_path.rglob("*"))
    nowhere = f"{tmp_path}/nowhere"
    assert f"{nowhere} does not exist" in refuse(*flags, f"--audio-dir={nowhere}")
    inside = f"--output-dir={tmp_path}/audio/out"
    for more in ([], ["--dry-run"]):
        assert "/audio/out is in the audio folder " in refuse(*flags, inside, *more)
    assert sorted(tmp_path.rglob("*")) == before
    in_a_file = f"{tmp_path}/metadata/tracks.csv/output"
    assert f"cannot write to --output-dir {in_a_file}" in refuse(
        *flags, f"--output-dir={in_a_file}"
    )


def test_a_dry_run_prints_the_table_and_touches_nothing(
    write_archive: WriteArchive, tmp_path: Path
) -> None:
    flags = write_archive()
    before = sorted(os.listdir(tmp_path))
    done = run(*flags, "--dry-run")
    assert (done.returncode, done.stderr) == (0, "")
    rows = [line.split() for line in done.stdout.splitlines() if line.strip()]
    assert rows[:4] == [
        ["clips/artists", "train", "eval", "test"],
        ["Folk", "1/1", "1/1", "1/1"],
        ["Rock", "1/1", "1/1", "1/1"],
        ["total", "2/2", "2/2", "2/2"],
    ]
    assert ["Beam", "in", "memory", "(6", "clips,", "fewer", "than", "2000)"] in rows
    assert sorted(os.listdir(tmp_path)) == before


def test_an_archive_that_leaks_is_refused_with_the_artist_unless_allowed(
    write_archive: WriteArchive, refuse: Refuse
) -> None:
    flags = write_archive({4: {"artist.id": "2"}})
    message = refuse(*flags)
    assert "1 artist (artist 2: 1 eval, 1 test)" in message
    assert "--allow-leaks to go on" in message
    done = run(*flags, "--allow-leaks", "--dry-run")
    assert done.returncode == 0
    assert "in two splits: 1 artist" in done.stdout


def test_the_former_name_of_a_split_policy_is_accepted_and_not_shown() -> None:
    assert configuration(*NEEDED, "--split=artist-hash").data.split == "artist-grouped"
    assert "artist-hash" not in local_runner.COMMAND.parser.format_help()


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ([], 0.75),
        (["--subset=medium"], 1.0),
        (["--metadata-dir="], 1.0),
        (["--max-credible-accuracy=1"], 1.0),
        (["--subset=medium", "--max-credible-accuracy=0.8"], 0.8),
    ],
)
def test_what_is_credible_depends_on_the_subset(flags: list[str], expected: float) -> None:
    assert configuration(*NEEDED, *flags).contest.max_credible_accuracy == expected


def test_the_flags_of_the_data_arrive() -> None:
    data = configuration(
        "--audio-dir=some/music", "--tracks-csv=music.csv", "--output-dir=o", "--span=2-5",
        "--label-policy=tree", "--license=CC-BY", "--license=commercial", "--genre=Rock, Pop",
        "--max-clips-per-genre=9", "--on-fault=too_short=pad", "--on-fault=silent=fail",
        "--seed=7", "--follow-links",
    ).data  # fmt: skip
    assert data == DataConfig(
        audio_dir=str(Path("some/music").absolute()),
        tracks_csv=str(Path("music.csv").absolute()),
        follow_links=True,
        labels="tree",
        licenses=("CC-BY", "commercial"),
        genres=("Rock, Pop",),
        max_clips_per_genre=9,
        seed=7,
        span="2-5",
        on_fault=("too_short=pad", "silent=fail"),
    )


def test_the_seed_is_part_of_the_data_only_where_clips_are_drawn() -> None:
    config = configuration(*NEEDED, "--seed=7")
    assert (config.data.seed, config.train.seed) == (0, 7)


def test_the_flags_of_models_and_run_arrive() -> None:
    config, local = local_runner.parse([
        *NEEDED, "--metadata-dir=gs://b/m", "--seed=7", "--models=mobilenet_v2, cnn1d",
        "--epochs=3", "--mixup=0", "--label-smoothing=0.2", "--no-augmentation",
        "--tune=cnn1d", "--tuner-trials=3", "--tuner-epochs=2", "--min-genre-recall=0",
        "--push-unservable", "--no-cache", "--mobilenet-weights=none", "--clip-seconds=12",
        "--feature-set=fma", "--no-resume", "--beam-arg=--a=b", "--beam-workers=2", "--dry-run",
    ])  # fmt: skip
    train = config.train
    assert config.data.metadata_dir == "gs://b/m"
    assert config.pipeline_root == str(Path("o/pipeline").absolute())
    assert config.models == ("mobilenet_v2", "cnn1d")
    assert (train.epochs, train.seed, train.mobilenet_weights) == (3, 7, "none")
    assert (train.mixup, train.label_smoothing, train.augmentation) == (0, 0.2, False)
    assert (train.feature_set, config.data.fma_features) == ("fma", True)
    assert config.tune == TuneConfig(("cnn1d",), trials=3, epochs=2)
    assert config.gate.min_genre_recall == 0
    assert config.contest.push_unservable
    assert config.audio.clip_seconds == 12
    assert not config.enable_cache
    assert (local.resume, local.dry_run, local.prune) == (False, True, False)
    assert (local.beam.extra, local.beam.workers) == (("--a=b",), 2)
