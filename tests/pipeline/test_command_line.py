"""The command line as users meet it: exit status 2, one line on stderr that names the thing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import local_runner
from dataset.config import DataConfig
from pipeline.config import TuneConfig

ROOT = Path(local_runner.__file__).parent
HEAVY = ("tensorflow", "tfx", "apache_beam", "pandas", "numpy", "librosa", "rich")

WriteArchive = Callable[..., list[str]]
Capture = pytest.CaptureFixture[str]


def run(*flags: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    command = [sys.executable, "local_runner.py", *flags]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def refusal(capfd: Capture, *flags: str) -> str:
    """Run the command in this process, and return the line with which it refuses its input."""
    try:
        status: object = local_runner.main(list(flags))
    except SystemExit as stop:
        status = stop.code
    out, err = capfd.readouterr()
    assert (status, out, err.count("\n")) == (2, "", 1), out + err
    assert err.endswith("\n")
    program, level, message = err.rstrip().split(": ", 2)
    assert program == "local_runner.py"
    assert level == "error"
    return message


@pytest.mark.parametrize(
    ("flags", "status"), [(["--help"], 0), (["--subset=tiny"], 2), (["--min-accuracy=2"], 2)]
)
def test_help_and_bad_flags_import_nothing_heavy(flags: list[str], status: int) -> None:
    needed = ["--audio-dir=a", "--metadata-dir=m", "--output-dir=o"]
    script = f"""
import json, sys
import local_runner
try:
    local_runner.main({[*needed, *flags]!r})
except SystemExit as stop:
    print()
    print(json.dumps([stop.code, sorted(set({HEAVY!r}) & set(sys.modules))]))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout.splitlines()[-1]) == [status, []]


def test_help_names_every_flag_and_the_exit_statuses() -> None:
    done = run("--help")
    assert (done.returncode, done.stderr) == (0, "")
    for flag in ("--audio-dir", "--split", "--models", "--push-unservable", "--dry-run"):
        assert flag in done.stdout
    assert "0 pushed, 2 usage or bad input, 3 the gate refused the model" in " ".join(
        done.stdout.split()
    )


@pytest.mark.parametrize(
    ("flag", "expected"),
    [
        ("--subset=tiny", "argument --subset: invalid choice: 'tiny'"),
        ("--split=random", "argument --split: invalid choice: 'random'"),
        (
            "--models=cnn1d,resnet",
            "argument --models: unknown model 'resnet', choose from logistic_regression,",
        ),
        ("--models=", "argument --models: unknown model ''"),
        ("--models=cnn1d,cnn1d", "models must not repeat"),
        ("--min-accuracy=2", "min_accuracy must be in [0, 1], got 2.0"),
        ("--max-genre-drop=-1", "max_genre_drop must be in [0, 1], got -1.0"),
        (
            "--max-credible-accuracy=75",
            "max_credible_accuracy must be in [0, 1], got 75.0",
        ),
        ("--max-bad-fraction=-1", "max_bad_fraction must be in [0, 1], got -1.0"),
        ("--clip-seconds=0.1", "min_clip_seconds must be in (0, clip_seconds = 0.1], got 1.0"),
        ("--epochs=many", "argument --epochs: invalid int value: 'many'"),
        ("--beam-workers=0", "argument --beam-workers: must be a whole number from 1, got '0'"),
        ("--epochs=0", "epochs must be positive and finite, got 0"),
        ("--feature-set=mine", "argument --feature-set: invalid choice: 'mine'"),
        ("--pca-components=-1", "pca_components must not be negative, got -1"),
        (
            "--mobilenet-weights=/no/such.h5",
            "mobilenet_weights must be imagenet, none or a file, got '/no/such.h5'",
        ),
        ("--tune=svm", "tune must be among ('cnn1d', "),
        ("--tuner-trials=0", "trials must be positive, got 0"),
        ("--mixup=-1", "mixup must not be negative, got -1.0"),
        ("--job-endpoint=h:1", "job_endpoint needs a --beam-runner other than DirectRunner"),
        ("--beam-runner=PortableRunner", "--beam-runner PortableRunner needs --job-endpoint HOST:"),
        ("--colour", "unrecognized arguments: --colour"),
        ("--epoch=1", "unrecognized arguments: --epoch=1"),
    ],
)
def test_bad_flags(capfd: Capture, flag: str, expected: str) -> None:
    needed = ["--audio-dir=a", "--metadata-dir=m", "--output-dir=o"]
    message = refusal(capfd, *needed, flag)
    assert message.startswith(expected)
    assert message.endswith("(see --help)")


def test_a_job_service_has_a_host_and_a_port(capfd: Capture) -> None:
    needed = ["--audio-dir=a", "--metadata-dir=m", "--output-dir=o", "--beam-runner=FlinkRunner"]
    message = refusal(capfd, *needed, "--job-endpoint=flink")
    assert message.startswith("job_endpoint must be HOST:PORT, got 'flink'")


def test_a_missing_flag_is_named(capfd: Capture) -> None:
    message = refusal(capfd, "--audio-dir=a", "--metadata-dir=m")
    assert message.startswith("the following arguments are required: --output-dir")


def test_a_missing_audio_folder(
    write_archive: WriteArchive, tmp_path: Path, capfd: Capture
) -> None:
    flags = [*write_archive(), f"--audio-dir={tmp_path}/nowhere"]
    assert refusal(capfd, *flags) == f"the audio folder {tmp_path}/nowhere does not exist"
    assert not (tmp_path / "output").exists()


def test_an_empty_audio_folder(write_archive: WriteArchive, tmp_path: Path, capfd: Capture) -> None:
    (tmp_path / "empty").mkdir()
    message = refusal(capfd, *write_archive(), f"--audio-dir={tmp_path}/empty")
    assert message == f"the audio folder {tmp_path}/empty holds no files like 000/000002.mp3"


def test_a_missing_table(write_archive: WriteArchive, tmp_path: Path, capfd: Capture) -> None:
    flags = write_archive()
    (tmp_path / "metadata" / "tracks.csv").unlink()
    assert refusal(capfd, *flags) == f"there is no tracks.csv in {tmp_path}/metadata"


@pytest.mark.parametrize(("text", "line"), [("", 1), ("id,title\n1,x\n2,y\n", 3)])
def test_another_table(
    write_archive: WriteArchive, tmp_path: Path, capfd: Capture, text: str, line: int
) -> None:
    flags = write_archive()
    (tmp_path / "metadata" / "tracks.csv").write_text(text)
    path = f"{tmp_path}/metadata/tracks.csv"
    expected = f"{path}, line {line}: column track_id is missing"
    assert refusal(capfd, *flags).startswith(expected)


def test_a_single_genre(write_archive: WriteArchive, tmp_path: Path, capfd: Capture) -> None:
    flags = write_archive({track_id: {"genre": "Folk"} for track_id in range(6)})
    expected = f"{tmp_path}/audio holds a single genre, 'Folk': nothing to tell apart"
    assert refusal(capfd, *flags) == expected


def test_a_genre_without_a_train_track(
    write_archive: WriteArchive, tmp_path: Path, capfd: Capture
) -> None:
    flags = write_archive({1: {"split": "test"}})
    expected = (
        f"genre 'Rock' has no usable train track in {tmp_path}/audio: it has 1 in eval and 2 in "
        "test, and needs at least 1 in train: name the other genres with --genre, or add music"
    )
    assert refusal(capfd, *flags) == expected


def test_an_empty_split(write_archive: WriteArchive, tmp_path: Path, capfd: Capture) -> None:
    flags = write_archive({2: {"split": "test"}, 3: {"split": "test"}})
    expected = f"the eval split of {tmp_path}/audio is empty: no usable clip is in it"
    assert refusal(capfd, *flags) == expected


def test_no_usable_audio(write_archive: WriteArchive, tmp_path: Path, capfd: Capture) -> None:
    flags = write_archive({track_id: {"subset": "large"} for track_id in range(6)})
    assert refusal(capfd, *flags) == f"there is no usable audio in {tmp_path}/audio"


@pytest.mark.parametrize("extra", [[], ["--dry-run"]])
def test_a_dry_run_refuses_what_a_run_refuses(
    write_archive: WriteArchive, capfd: Capture, extra: list[str]
) -> None:
    flags = write_archive({3: {"artist": "x"}})
    message = refusal(capfd, *flags, *extra)
    assert message.endswith("tracks.csv, line 7: artist.id is 'x', expected an id, or -1")


def test_an_output_folder_that_cannot_be_written(
    write_archive: WriteArchive, tmp_path: Path, capfd: Capture
) -> None:
    (tmp_path / "file").write_text("in the way")
    flags = [*write_archive(), f"--output-dir={tmp_path}/file/output"]
    expected = f"cannot write to --output-dir {tmp_path}/file/output: Not a directory"
    assert refusal(capfd, *flags) == expected


def test_a_refusal_in_a_process_of_its_own_is_one_line(tmp_path: Path) -> None:
    done = run(
        f"--audio-dir={tmp_path}/a", f"--metadata-dir={tmp_path}", f"--output-dir={tmp_path}/o"
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"local_runner.py: error: the audio folder {tmp_path}/a does not exist\n"


def test_a_second_run_in_the_same_output_folder(
    write_archive: WriteArchive, tmp_path: Path, capfd: Capture
) -> None:
    import fcntl

    flags = write_archive()
    (tmp_path / "output").mkdir()
    with open(tmp_path / "output" / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        expected = f"another run is using --output-dir {tmp_path}/output"
        assert refusal(capfd, *flags) == expected


def test_a_dry_run_prints_the_table_and_touches_nothing(
    write_archive: WriteArchive, tmp_path: Path
) -> None:
    before = sorted(os.listdir(tmp_path))
    done = run(*write_archive(), "--dry-run")
    assert (done.returncode, done.stderr) == (0, "")
    rows = [line.split() for line in done.stdout.splitlines() if line.strip()]
    assert rows[:4] == [
        ["clips/artists", "train", "eval", "test"],
        ["Folk", "1/1", "1/1", "1/1"],
        ["Rock", "1/1", "1/1", "1/1"],
        ["total", "2/2", "2/2", "2/2"],
    ]
    assert ["Beam", "in", "memory", "(6", "clips,", "fewer", "than", "2000)"] in rows
    assert sorted(os.listdir(tmp_path)) == sorted([*before, "audio", "metadata"])


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ([], 0.75),
        (["--subset=medium"], 1.0),
        (["--max-credible-accuracy=1"], 1.0),
        (["--subset=medium", "--max-credible-accuracy=0.8"], 0.8),
    ],
)
def test_what_is_credible_depends_on_the_subset(flags: list[str], expected: float) -> None:
    needed = ["--audio-dir=a", "--metadata-dir=m", "--output-dir=o"]
    config = local_runner.make_config(local_runner.build_parser().parse_args([*needed, *flags]))
    assert config.contest.max_credible_accuracy == expected


def test_the_flags_of_the_data_arrive() -> None:
    flags = [
        "--audio-dir=some/music", "--tracks-csv=music.csv", "--output-dir=o", "--span=2-5",
        "--label-policy=tree", "--license=CC-BY", "--license=commercial", "--genre=Rock",
        "--genre=Folk", "--min-clips-per-genre=3", "--max-clips-per-genre=9", "--split=file",
        "--allow-leaks", "--on-fault=too_short=pad", "--on-fault=silent=fail",
        "--pad-floor-seconds=0.5", "--seed=7", "--follow-links",
    ]  # fmt: skip
    data = local_runner.make_config(local_runner.build_parser().parse_args(flags)).data
    assert data == DataConfig(
        audio_dir=str(Path("some/music").absolute()),
        tracks_csv=str(Path("music.csv").absolute()),
        follow_links=True,
        labels="tree",
        split="file",
        allow_leaks=True,
        licenses=("CC-BY", "commercial"),
        genres=("Rock", "Folk"),
        min_clips_per_genre=3,
        max_clips_per_genre=9,
        seed=7,
        span="2-5",
        on_fault=("too_short=pad", "silent=fail"),
        pad_floor_seconds=0.5,
    )


def test_the_seed_is_part_of_the_data_only_where_clips_are_drawn() -> None:
    flags = ["--audio-dir=a", "--output-dir=o", "--seed=7"]
    config = local_runner.make_config(local_runner.build_parser().parse_args(flags))
    assert (config.data.seed, config.train.seed) == (0, 7)


@pytest.mark.parametrize(
    ("flag", "expected"),
    [
        ("--on-fault=loud=skip", "on_fault must be KIND=POLICY, KIND one of empty_file, "),
        ("--on-fault=silent=pad", "on_fault silent must be skip or fail, got 'pad'"),
        ("--on-fault=padded=skip", "on_fault must be KIND=POLICY, KIND one of "),
        ("--tracks-csv=t.csv", "tracks_csv goes without metadata_dir"),
        ("--split=random", "argument --split: invalid choice: 'random'"),
    ],
)
def test_wrong_flags_of_the_data(
    write_archive: WriteArchive, capfd: Capture, flag: str, expected: str
) -> None:
    assert refusal(capfd, *write_archive(), flag).startswith(expected)


def test_an_archive_that_leaks_is_refused_with_the_artist_unless_allowed(
    write_archive: WriteArchive, tmp_path: Path, capfd: Capture
) -> None:
    flags = write_archive({4: {"artist": "2"}})
    assert refusal(capfd, *flags) == (
        f"{tmp_path}/audio: its own splits share 1 artist (artist 2: 1 eval, 1 test): use --split "
        "artist-grouped, or --allow-leaks to go on with a warning in the report"
    )
    done = run(*flags, "--allow-leaks", "--dry-run")
    assert done.returncode == 0
    assert "in two splits: 1 artist" in done.stdout


def test_the_former_name_of_a_split_policy_is_accepted_and_not_shown(
    write_archive: WriteArchive,
) -> None:
    parser = local_runner.build_parser()
    flags = parser.parse_args([*write_archive(), "--split=artist-hash"])
    assert local_runner.make_config(flags).data.split == "artist-grouped"
    assert "artist-hash" not in parser.format_help()


def test_paths_become_absolute_and_flags_arrive(write_archive: WriteArchive) -> None:
    flags = [
        *write_archive(), "--audio-dir=some/audio", "--metadata-dir=gs://b/m", "--seed=7",
        "--subset=large", "--split=artist-grouped", "--models=mobilenet_v2,cnn1d", "--epochs=3",
        "--mixup=0", "--label-smoothing=0.2", "--dropout=0.1", "--no-augmentation",
        "--tune=cnn1d", "--tuner-trials=3", "--tuner-epochs=2",
        "--min-genre-recall=0", "--max-genre-drop=0.5", "--push-unservable", "--no-cache",
        "--mobilenet-weights=none", "--clip-seconds=12",
        "--feature-set=fma", "--pca-components=20",
    ]  # fmt: skip
    config = local_runner.make_config(local_runner.build_parser().parse_args(flags))
    assert config.data.audio_dir == str(Path("some/audio").absolute())
    assert config.data.metadata_dir == "gs://b/m"
    assert (config.data.subset, config.data.split) == ("large", "artist-grouped")
    assert config.models == ("mobilenet_v2", "cnn1d")
    assert (config.train.epochs, config.train.seed) == (3, 7)
    assert config.train.mobilenet_weights == "none"
    assert (config.train.feature_set, config.data.fma_features) == ("fma", True)
    assert config.train.pca_components == 20
    assert (config.train.mixup, config.train.label_smoothing, config.train.dropout) == (0, 0.2, 0.1)
    assert not config.train.augmentation
    assert config.tune == TuneConfig(("cnn1d",), trials=3, epochs=2)
    assert (config.gate.min_genre_recall, config.gate.max_genre_drop) == (0.0, 0.5)
    assert config.contest.push_unservable
    assert config.audio.clip_seconds == 12.0
    assert not config.enable_cache


@pytest.mark.parametrize("name", ["a*", "a?b", "x[y]", "a\\b"])
def test_an_output_folder_that_tensorflow_takes_for_a_pattern_is_refused(
    write_archive: WriteArchive, tmp_path: Path, capfd: Capture, name: str
) -> None:
    output = tmp_path / name / "output"
    message = refusal(capfd, *write_archive(), f"--output-dir={output}")
    assert message == (
        "output_dir must not have * ? [ or \\ in its path, which TensorFlow takes for a pattern, "
        f"got {str(output)!r} (see --help)"
    )
    assert not output.parent.exists()


def test_an_output_folder_that_is_not_utf8_is_refused(
    write_archive: WriteArchive, tmp_path: Path, capfd: Capture
) -> None:
    output = tmp_path / os.fsdecode(b"\xff")
    message = refusal(capfd, *write_archive(), f"--output-dir={output}")
    assert message.startswith("output_dir must be UTF-8, which TensorFlow needs, got '/")
    assert message.endswith("/\\udcff' (see --help)")


@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_an_output_folder_in_the_archive_is_refused_before_anything_is_written(
    write_archive: WriteArchive, tmp_path: Path, capfd: Capture, more: list[str]
) -> None:
    flags = [*write_archive(), f"--output-dir={tmp_path}/audio/out", *more]
    before = sorted(tmp_path.rglob("*"))
    assert "/audio/out is in the audio folder " in refusal(capfd, *flags)
    assert sorted(tmp_path.rglob("*")) == before


def test_help_tells_how_long_a_clip_of_fma_must_be() -> None:
    assert "raised to 28.5 for FMA's small" in " ".join(run("--help").stdout.split())
