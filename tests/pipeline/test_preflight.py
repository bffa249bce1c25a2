"""What is looked at before anything is computed."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from ml_metadata.proto import metadata_store_pb2 as pb
from rich.console import Console

import local_runner
from components import failure_notes
from components.fma_example_gen.tables import echonest
from pipeline import preflight, prune, results
from pipeline.config import AudioConfig
from pipeline.errors import InputError
from pipeline.run_config import PipelineConfig
from tests.features_csv import to_csv

WriteArchive = Callable[..., list[str]]


def configuration(flags: list[str]) -> PipelineConfig:
    """Return the configuration of a command line."""
    return local_runner.make_config(local_runner.build_parser().parse_args(flags))


def test_the_digest_of_the_table_gets_into_the_configuration(
    write_archive: WriteArchive, tmp_path: Path
) -> None:
    config = configuration(write_archive())
    table = tmp_path / "metadata" / "tracks.csv"
    checked, plan = preflight.check(config)
    assert checked.data.metadata_digest == hashlib.sha256(table.read_bytes()).hexdigest()
    assert plan.n_clips == 6
    with table.open("a") as file:
        file.write("\n")
    assert preflight.check(config)[0].data.metadata_digest != checked.data.metadata_digest


def test_the_digest_of_fmas_own_features_gets_into_the_configuration(
    write_archive: WriteArchive, tmp_path: Path
) -> None:
    config = configuration(write_archive())
    table = tmp_path / "metadata" / "features.csv"
    table.write_bytes(to_csv({track_id: [1.0] * 518 for track_id in range(6)}))
    assert preflight.check(config)[0].data.fma_features_digest == ""
    data = dataclasses.replace(config.data, fma_features=True)
    checked, plan = preflight.check(dataclasses.replace(config, data=data))
    assert checked.data.fma_features_digest == hashlib.sha256(table.read_bytes()).hexdigest()
    assert {len(track.fma_features) for track in plan.catalogue.tracks} == {4 * 518}


def test_an_archive_that_cannot_train_is_refused(
    write_archive: WriteArchive, tmp_path: Path
) -> None:
    config = configuration([*write_archive(), "--max-bad-fraction=0.2"])
    (tmp_path / "audio" / "000" / "000001.wav").unlink()
    with pytest.raises(InputError, match="genre 'Rock' has no usable train track in .*/audio"):
        preflight.check(config)


def test_the_output_folder_is_made_and_left_clean(tmp_path: Path) -> None:
    output = tmp_path / "deep" / "output"
    for _ in range(2):
        preflight.prepare_output(output)
        assert [path.relative_to(output).as_posix() for path in output.rglob("*")] == ["logs"]


def test_an_output_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    output = tmp_path / "file" / "output"
    with pytest.raises(InputError) as caught:
        preflight.prepare_output(output)
    assert str(caught.value) == f"cannot write to --output-dir {output}: Not a directory"


def test_a_disk_that_is_too_small_is_told_in_numbers(
    write_archive: WriteArchive, tmp_path: Path
) -> None:
    free = shutil.disk_usage(tmp_path).free
    with pytest.raises(InputError) as caught:
        preflight.check_disk(configuration(write_archive()), tmp_path, needed_bytes=10**18)
    message = str(caught.value)
    assert message.startswith(f"--output-dir {tmp_path} has ")
    assert message.endswith(" GB free, the run needs about 1000000000.0 GB")
    assert float(message.split(" has ")[1].split()[0]) == pytest.approx(free / 1e9, rel=0.2)


def disk_with(free: int) -> Callable[[Path], SimpleNamespace]:
    """Return what tells the free bytes of a disk."""
    return lambda _: SimpleNamespace(free=free)


def test_what_no_run_can_use_again_is_no_room_on_the_disk(
    write_archive: WriteArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, output = configuration(write_archive()), tmp_path / "output"
    monkeypatch.setattr(shutil, "disk_usage", disk_with(free=1_000_000))
    past = prune.Execution(6, "Transform", is_done=True, properties={}, inputs={}, outputs={})
    monkeypatch.setattr(prune, "read_history", lambda *_: prune.History(executions=[past]))
    for stale in ("pipeline/Transform/transformed_examples/7", "logs", "serving_model/1"):
        (output / stale).mkdir(parents=True)
        (output / stale / "file").write_bytes(b"x" * 2_000_000)
    with pytest.raises(InputError) as caught:
        preflight.check_disk(config, output, needed_bytes=2_500_000)
    assert str(caught.value).endswith("; stale artifacts hold 2.00 MB; --prune removes them")
    preflight.check_disk(config, output, needed_bytes=1_000_000)


def test_what_a_training_goes_on_from_is_not_needed_again(
    write_archive: WriteArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, output = configuration(write_archive()), tmp_path / "output"
    monkeypatch.setattr(shutil, "disk_usage", disk_with(free=1_000_000))
    clips = Path(config.checkpoint_dir) / "clips"
    clips.mkdir(parents=True)
    (clips / "train").write_bytes(b"x" * 2_000_000)
    preflight.check_disk(config, output, needed_bytes=3_000_000)
    with pytest.raises(InputError, match="1000000.0 GB"):
        preflight.check_disk(config, output, needed_bytes=10**15 + 2_000_000)


def test_the_need_grows_with_clips_length_and_models() -> None:
    audio = AudioConfig(clip_seconds=10.0)
    base = preflight.bytes_needed(100, 1, audio)
    assert preflight.bytes_needed(200, 1, audio) - base == 100 * (6 * 220_500 + 250_000)
    assert preflight.bytes_needed(100, 2, audio) > base
    assert preflight.bytes_needed(100, 1, AudioConfig(clip_seconds=20.0)) > base


def test_the_plan_counts_clips_by_genre_and_split(
    write_archive: WriteArchive, tmp_path: Path
) -> None:
    config = configuration([*write_archive({5: {"genre": ""}}), "--models=cnn1d"])
    checked, plan = preflight.check(config)
    output = io.StringIO()
    preflight.print_plan(Console(file=output, width=100), checked, plan, "in memory (why)")
    lines = [line.split() for line in output.getvalue().splitlines() if line.strip()]
    assert lines[:4] == [
        ["clips/artists", "train", "eval", "test"],
        ["Folk", "1/1", "1/1", "1/1"],
        ["Rock", "1/1", "1/1", "0/0"],
        ["total", "2/2", "2/2", "1/1"],
    ]
    assert ["models", "cnn1d"] in lines
    assert ["Beam", "in", "memory", "(why)"] in lines
    assert ["left", "out", "no_genre:", "1"] in lines


@pytest.mark.parametrize(
    ("flags", "warned"),
    [
        (["--mobilenet-weights=none"], True),
        (["--mobilenet-weights=imagenet"], False),
        (["--mobilenet-weights=none", "--models=cnn1d"], False),
    ],
)
def test_an_untrained_base_is_mentioned(
    write_archive: WriteArchive, flags: list[str], warned: bool
) -> None:
    config, plan = preflight.check(configuration([*write_archive(), *flags]))
    output = io.StringIO()
    preflight.print_plan(Console(file=output, width=100), config, plan, "")
    assert ("untrained" in output.getvalue()) == warned


def test_a_genre_may_hold_markup(write_archive: WriteArchive) -> None:
    config = configuration(write_archive({i: {"genre": "Rock[/b]"} for i in (1, 3, 5)}))
    checked, plan = preflight.check(config)
    output = io.StringIO()
    preflight.print_plan(Console(file=output, width=100), checked, plan, "in memory")
    assert "Rock[/b]" in output.getvalue()


def test_the_plan_names_genres_that_differ_only_in_case_once(write_archive: WriteArchive) -> None:
    flags = write_archive({3: {"genre": "rock", "split": "training"}})
    checked, plan = preflight.check(configuration(flags))
    output = io.StringIO()
    preflight.print_plan(Console(file=output, width=100), checked, plan, "in memory")
    assert output.getvalue().count("'Rock' and 'rock'") == 1


def test_the_digest_of_the_weights_gets_into_the_configuration(
    write_archive: WriteArchive, tmp_path: Path
) -> None:
    weights = tmp_path / "base.weights.h5"
    weights.write_bytes(b"weights")
    config = configuration([*write_archive(), f"--mobilenet-weights={weights}"])
    checked, _ = preflight.check(config)
    expected = hashlib.sha256(b"weights").hexdigest()
    assert checked.train.mobilenet_weights_digest == expected


def test_renaming_a_file_changes_the_digest_of_the_audio(
    write_archive: WriteArchive, tmp_path: Path
) -> None:
    config = configuration(write_archive())
    files = sorted((tmp_path / "audio").glob("*/*"))
    for file in files:
        os.utime(file, (1, 1))  # equal sizes and times: only the names are left to tell
    before = preflight.check(config)[0].data.audio_digest
    assert preflight.check(config)[0].data.audio_digest == before
    files[0].with_name("000099.mp3").write_bytes(files[0].read_bytes())
    os.utime(files[0].with_name("000099.mp3"), (1, 1))
    added = preflight.check(config)[0].data.audio_digest
    files[0].with_name("000099.mp3").rename(files[0].with_name("000098.mp3"))
    assert len({before, added, preflight.check(config)[0].data.audio_digest}) == 3


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
    assert preflight._bucket_path("/home/weights.h5") == "/home/weights.h5"


def test_a_dry_run_looks_at_echonest_csv_where_there_is_one(
    write_archive: WriteArchive, tmp_path: Path
) -> None:
    config = configuration(write_archive())
    assert preflight.check_echonest(config) is None
    path = tmp_path / "metadata" / "echonest.csv"
    heads = zip(*echonest.COLUMNS, strict=True)
    rows = [["", *head] for head in heads] + [["track_id", *[""] * 249], ["2", *["0.5"] * 249]]
    path.write_text("".join(",".join(row) + "\n" for row in rows))
    assert preflight.check_echonest(config) == (
        "echonest.csv is FMA's, with 1 rows; no model reads it"
    )
    path.write_text("no table")
    with pytest.raises(InputError, match="echonest.csv"):
        preflight.check_echonest(config)


def refused_output(output: Path, *flags: str) -> str:
    """Return why an output folder is refused before anything is written."""
    config = configuration([*flags, f"--output-dir={output}"])
    with pytest.raises(InputError) as caught:
        preflight.check_output(output, config)
    return str(caught.value)


@pytest.mark.parametrize("below", ["", "out", "000/out", "../audio/out", "../link/out"])
def test_an_output_folder_in_the_archive_is_refused(
    write_archive: WriteArchive, tmp_path: Path, below: str
) -> None:
    flags = write_archive()[:2]
    (tmp_path / "link").symlink_to(tmp_path / "audio")
    before = sorted(tmp_path.rglob("*"))
    output = tmp_path / "audio" / below
    assert refused_output(output, *flags) == (
        f"--output-dir {output} is in the audio folder {tmp_path}/audio, where the next run would "
        "read it: choose a folder outside of it"
    )
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("output", "is_refused"),
    [
        ("music", False),
        ("music/out", False),
        ("music/1", True),
        ("music/2/out", True),  # a delivery that is a link
        ("elsewhere/out", True),
        ("music/7/out", True),  # it would become a delivery
        ("link/7", True),
        ("music/7th", False),
    ],
)
def test_an_output_folder_in_a_delivery_is_refused(
    tmp_path: Path, output: str, is_refused: bool
) -> None:
    for folder in ("music/1", "elsewhere"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "music" / "2").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "link").symlink_to(tmp_path / "music")
    flags = [f"--audio-dir={tmp_path}/music/{{SPAN}}"]
    if is_refused:
        assert "is in the audio folder" in refused_output(tmp_path / output, *flags)
    else:
        config = configuration([*flags, f"--output-dir={tmp_path / output}"])
        preflight.check_output(tmp_path / output, config)


def test_an_output_folder_beside_a_bucket_is_none_of_its_folders(tmp_path: Path) -> None:
    config = configuration(["--audio-dir=gs://bucket/music", f"--output-dir={tmp_path}"])
    preflight.check_output(tmp_path, config)


def folder_of_length(base: Path, n_bytes: int) -> Path:
    """Return a folder below `base` whose path has so many bytes."""
    while (missing := n_bytes - len(os.fsencode(base))) > 0:
        base /= "x" * min(missing - 1, 100 if missing != 102 else 50)
    return base


def test_the_longest_output_folder_is_the_longest_that_sqlite_can_use(tmp_path: Path) -> None:
    flags = ["--audio-dir=a"]
    longest = folder_of_length(tmp_path, 504 - len("/pipeline/metadata.sqlite"))
    too_long = folder_of_length(tmp_path, 505 - len("/pipeline/metadata.sqlite"))
    link = tmp_path / "link"
    link.symlink_to(too_long)
    for output in (too_long, link):
        message = refused_output(output, *flags)
        assert message.startswith(f"--output-dir {output} is too long: SQLite takes paths of up to")
        assert message.endswith(" has 505: choose a path with 1 fewer")
    config = configuration([*flags, f"--output-dir={longest}"])
    preflight.check_output(longest, config)
    Path(config.metadata_path).parent.mkdir(parents=True)
    results.open_store(config.metadata_path).put_artifact_type(pb.ArtifactType(name="a"))


@pytest.mark.parametrize(
    ("flags", "note"),
    [
        ([], "files shorter than 28.5 s are bad, whatever --min-clip-seconds says"),
        (["--clip-seconds=9"], "files shorter than 9 s are bad"),
        (["--subset=full"], None),
        (["--min-clip-seconds=29"], None),
    ],
)
def test_the_plan_tells_how_long_a_clip_of_fma_must_be(
    write_archive: WriteArchive, flags: list[str], note: str | None
) -> None:
    checked, plan = preflight.check(configuration([*write_archive(), *flags]))
    output = io.StringIO()
    preflight.print_plan(Console(file=output), checked, plan, "in memory")
    said = " ".join(output.getvalue().split())
    assert (note in said) if note else ("whatever" not in said)
