"""The real executor on small real archives."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
import soundfile
import tensorflow as tf
from numpy.typing import NDArray
from tfx.dsl.components.base import base_beam_executor
from tfx.types import standard_artifacts, standard_component_specs
from tfx.utils import proto_utils

from common import progress
from common.errors import InputError
from components.fma_example_gen import executor, staging, staging_files
from components.fma_example_gen.copying import CopyClips
from dataset.audio.decoding import decode_clip
from dataset.bad_files import AudioError, FaultKind
from dataset.config import SPLITS, AudioConfig, DataConfig
from dataset.copy_plan import Copy
from dataset.track import Catalogue, Row, Track
from features import example_keys
from pipeline import beam_args
from tests.conftest import Archive, TracksCsv
from tests.dataset.audio.sounds import encode, encode_with_ffmpeg
from tests.features_csv import to_csv

ROOT = Path(__file__).parents[3]
AUDIO = AudioConfig(clip_seconds=2.0, min_clip_seconds=1.0)
IN_MEMORY, _ = beam_args.BeamConfig(workers=1).flags(1)

Rows = dict[int, dict[str, str]]
Feature = Mapping[str, tf.train.Feature]


def ingest(
    data: DataConfig, folder: Path, flags: tuple[str, ...] = IN_MEMORY
) -> standard_artifacts.Examples:
    """Run the executor as TFX does and return the Examples that it filled."""
    examples = standard_artifacts.Examples()
    examples.uri = str(folder / "examples")
    custom = executor.pack_custom_config(
        {
            "data": dataclasses.asdict(data),
            "audio": dataclasses.asdict(AUDIO),
            "bad_files_path": str(folder / "bad_files.csv"),
        }
    )
    context = base_beam_executor.BaseBeamExecutor.Context(
        beam_pipeline_args=list(flags), tmp_dir=str(folder / "tmp"), unique_id="1"
    )
    executor.Executor(context).Do(
        {},
        {standard_component_specs.EXAMPLES_KEY: [examples]},
        {standard_component_specs.CUSTOM_CONFIG_KEY: proto_utils.proto_to_json(custom)},
    )
    return examples


def contents(folder: str) -> dict[str, bytes]:
    """Return every file below a folder by its relative path."""
    found = (path for path in Path(folder).rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def records(uri: str, split: str) -> dict[int, Feature]:
    """Return the features of a split's Examples by track id, in the order of the files."""
    paths = sorted(str(path) for path in Path(uri, f"Split-{split}").iterdir())
    dataset = tf.data.TFRecordDataset(paths, compression_type="GZIP")
    found = [
        tf.train.Example.FromString(record).features.feature
        for record in dataset.as_numpy_iterator()
    ]
    by_id = {feature[example_keys.TRACK_ID].int64_list.value[0]: feature for feature in found}
    assert len(by_id) == len(found)
    return by_id


def splits_of(uri: str) -> dict[int, str]:
    """Return the split of each track."""
    return {track_id: split for split in SPLITS for track_id in records(uri, split)}


def pcm(feature: Feature) -> NDArray[np.int16]:
    """Return the samples of an Example."""
    return np.frombuffer(feature[example_keys.AUDIO].bytes_list.value[0], "<i2")


def listed(folder: str | Path) -> dict[str, str]:
    """Return the kind of each fault in the bad-file list by the name of its file."""
    with open(Path(folder, "bad_files.csv"), newline="") as file:
        return {Path(row["path"]).name: row["kind"] for row in csv.DictReader(file)}


def summary(uri: str) -> dict[str, object]:
    return dict(json.loads(Path(uri, "ingest.json").read_text()))


def noise(seed: int, seconds: float = 1.5, peak: float = 0.5, **settings: str) -> bytes:
    """Return noise of its own as an audio file, a WAV file unless told otherwise."""
    return encode(samples(seed, seconds, peak), 8_000, **settings)


def samples(seed: int, seconds: float = 1.5, peak: float = 0.5) -> NDArray[np.float64]:
    return np.random.default_rng(seed).uniform(-peak, peak, (round(8_000 * seconds), 1))


def rock_and_folk() -> tuple[Rows, dict[str, bytes]]:
    """Return rows and audio of two genres, a track of each in each split, by an artist each."""
    rows, audio = {}, {}
    for track_id in range(6):
        rows[track_id] = {
            "track.genre_top": ("Folk", "Rock")[track_id % 2],
            "set.split": ("training", "validation", "test")[track_id // 2],
            "artist.id": f"{track_id}", "album.id": f"{100 + track_id}",
            "track.title": "\u00c1 title", "album.date_released": "1999-05-01",
        }  # fmt: skip
        audio[f"000/{track_id:06d}.wav"] = noise(track_id)
    return rows, audio


# The samples as the WAV file has them: encoded anew from floats, some would be rounded otherwise.
AS_TRACK_0, _ = soundfile.read(io.BytesIO(noise(0)), dtype="int16")
GOOD = {
    "10.wav": noise(10, container="FLAC"),  # by its content, not by its name
    "11.m4a": encode_with_ffmpeg(samples(11), 8_000, "aac", "mp4"),
    "12.wav": noise(12, peak=5e-4, subtype="PCM_24"),  # near-silent
    "13.wav": noise(13, seconds=0.6),  # padded
}
BAD = {
    "20.wav": (b"", "empty_file"),
    "21.mp3": (b"<html>not found</html>" * 99, "undecodable"),
    "22.wav": (noise(22)[:2_000], "too_short"),
    "23.wav": (encode(samples(13) * [1, -1], 8_000), "out_of_phase"),
    "24.flac": (encode(AS_TRACK_0, 8_000, container="FLAC"), "duplicate_audio"),
    "25.wav": (noise(25), "no_features"),
    "26.wav": (noise(26), "no_genre"),
    "27.wav": (noise(27), "no_metadata"),
    "28.wav": (b"", "outside_folder"),
}


def own_features(track_id: int) -> NDArray[np.float64]:
    return np.random.default_rng(track_id).normal(size=518)


@pytest.fixture(scope="module")
def mixed(tracks_csv: TracksCsv, tmp_path_factory: pytest.TempPathFactory) -> DataConfig:
    """Return an archive of many formats and faults, with FMA's own features."""
    folder = tmp_path_factory.mktemp("mixed")
    rows, audio = rock_and_folk()
    rows[3]["artist.name"] = "\u00c1mbar"
    files = GOOD | {name: data for name, (data, _) in BAD.items()}
    audio |= {f"000/0000{name}": data for name, data in files.items()}
    rows |= {int(name[:2]): rows[0] for name in (*files, "30")}
    rows[26] = rows[0] | {"track.genre_top": ""}
    del rows[27]
    for name, data in audio.items():
        path = folder / "audio" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (folder / "secret.wav").write_bytes(noise(28))
    link = folder / "audio" / "000" / "000028.wav"
    link.unlink()
    link.symlink_to(folder / "secret.wav")
    (folder / "metadata").mkdir()
    (folder / "metadata" / "tracks.csv").write_bytes(tracks_csv(rows))
    features = {track_id: own_features(track_id) for track_id in rows if track_id != 25}
    (folder / "metadata" / "features.csv").write_bytes(to_csv(features))
    return DataConfig(
        str(folder / "audio"),
        str(folder / "metadata"),
        max_bad_fraction=1.0,
        on_fault=("too_short=pad", "out_of_phase=skip"),
        fma_features=True,
    )


@pytest.fixture(scope="module")
def ingested(
    mixed: DataConfig, tmp_path_factory: pytest.TempPathFactory
) -> standard_artifacts.Examples:
    """Return the Examples of the mixed archive."""
    return ingest(mixed, tmp_path_factory.mktemp("ingested"))


def test_the_artifact_declares_its_splits_and_its_payload(
    ingested: standard_artifacts.Examples,
) -> None:
    assert json.loads(ingested.split_names) == ["train", "eval", "test"]
    assert ingested.get_string_custom_property("payload_format") == "FORMAT_TF_EXAMPLE"
    assert sorted(contents(ingested.uri)) == [
        *(f"Split-{split}/data_tfrecord-00000-of-00001.gz" for split in sorted(SPLITS)),
        "bad_files.csv",
        "ingest.json",
    ]


def test_every_usable_clip_is_in_the_split_of_its_row_by_the_order_of_ids(
    ingested: standard_artifacts.Examples,
) -> None:
    assert list(splits_of(ingested.uri).items()) == [
        *((track_id, "train") for track_id in (0, 1, 10, 11, 12, 13)),
        (2, "eval"), (3, "eval"), (4, "test"), (5, "test"),
    ]  # fmt: skip


def test_every_fault_is_listed_and_counted(ingested: standard_artifacts.Examples) -> None:
    faults = {
        "000012.wav": "near_silent", "000013.wav": "padded",
        **{f"0000{name}": kind for name, (_, kind) in BAD.items()}, "000030.*": "missing_file",
    }  # fmt: skip
    assert listed(ingested.uri) == faults
    assert list(listed(ingested.uri)) == sorted(faults)
    found = summary(ingested.uri)
    assert found["faults"] == dict.fromkeys(sorted(faults.values()), 1)
    assert found["clips"] == {
        "train": {"Folk": 5, "Rock": 1}, "eval": {"Folk": 1, "Rock": 1},
        "test": {"Folk": 1, "Rock": 1},
    }  # fmt: skip


def test_an_example_holds_the_decoded_clip_and_its_row(
    ingested: standard_artifacts.Examples, mixed: DataConfig
) -> None:
    clip = decode_clip(Path(mixed.audio_dir, "000/000003.wav").read_bytes(), AUDIO)
    feature = records(ingested.uri, "eval")[3]
    assert {key: list(getattr(value, str(value.WhichOneof("kind"))).value)
            for key, value in feature.items()} == {
        example_keys.AUDIO: [clip.pcm16.tobytes()],
        example_keys.TRACK_ID: [3],
        example_keys.ARTIST: ["\u00c1mbar".encode()],
        example_keys.ARTIST_ID: [3],
        example_keys.ALBUM_ID: [103],
        example_keys.GENRE: [b"Rock"],
        example_keys.TITLE: ["\u00c1 title".encode()],
        example_keys.LICENSE: [b"CC BY"],
        example_keys.YEAR: [1999],
        example_keys.SOURCE_RATE_HZ: [8_000],
        example_keys.SOURCE_CHANNELS: [1],
        example_keys.DURATION_SECONDS: [1.5],
        example_keys.FMA_FEATURES: [own_features(3).astype("<f4").tobytes()],
    }  # fmt: skip
    assert len(clip.pcm16) == 1.5 * AUDIO.sample_rate_hz


def test_a_short_clip_is_padded_to_the_shortest_that_is_used(
    ingested: standard_artifacts.Examples,
) -> None:
    clip = pcm(records(ingested.uri, "train")[13])
    sounding = round(0.6 * AUDIO.sample_rate_hz)
    assert len(clip) == AUDIO.sample_rate_hz
    assert np.any(clip[sounding - 10 : sounding])
    assert not clip[sounding:].any()


def test_a_second_run_writes_the_same_bytes_and_reports_every_track_that_it_opens(
    ingested: standard_artifacts.Examples,
    mixed: DataConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(progress.FILE_VARIABLE, str(tmp_path / "progress"))
    again = ingest(mixed, tmp_path)
    assert contents(again.uri) == contents(ingested.uri)
    assert progress.read(tmp_path / "progress") == (15, 15)


@contextlib.contextmanager
def serving(module: str, *flags: str, is_ready: Callable[[], bool]) -> Iterator[None]:
    """Run one of Beam's servers, and end what it has started with it."""
    # Whatever `python` is on the path is what a pool of workers starts.
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    server = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", f"apache_beam.runners.{module}", *flags],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT), "PATH": path},
        start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        while not is_ready():
            assert server.poll() is None, f"{module} did not start"
            time.sleep(0.1)
        yield
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


@pytest.fixture
def job_endpoint(tmp_path: Path) -> Iterator[str]:
    """Return the address of a job service such as Flink and Spark have: Beam's own, in Python."""
    port = tmp_path / "port"
    flags = f"--port_file={port}", f"--staging_dir={tmp_path}/staging"
    with serving("portability.local_job_service_main", *flags, is_ready=port.exists):
        yield f"localhost:{port.read_text()}"


@pytest.fixture
def worker_pool() -> Iterator[str]:
    """Return the address of a pool that starts Beam's workers in processes of their own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = free.getsockname()

    def answers() -> bool:
        with socket.socket() as client:
            return client.connect_ex(address) == 0

    flag = f"--service_port={address[1]}"
    with serving("worker.worker_pool_main", flag, is_ready=answers):
        yield f"localhost:{address[1]}"


@pytest.mark.e2e
@pytest.mark.parametrize("runner", ["worker processes", "job service", "external workers"])
def test_every_runner_writes_the_same_bytes(
    ingested: standard_artifacts.Examples,
    mixed: DataConfig,
    tmp_path: Path,
    runner: str,
    request: pytest.FixtureRequest,
) -> None:
    if runner == "worker processes":
        flags, _ = beam_args.BeamConfig(workers=2).flags(1)
    else:
        endpoint = request.getfixturevalue("job_endpoint")
        external = runner == "external workers"
        pool = request.getfixturevalue("worker_pool") if external else ""
        flags, _ = beam_args.BeamConfig("PortableRunner", 1 + external, endpoint, pool).flags(1)
    assert contents(ingest(mixed, tmp_path, flags).uri) == contents(ingested.uri)


def test_too_many_bad_files_fail_the_run_and_leave_the_list(
    archive: Archive, tmp_path: Path
) -> None:
    rows, audio = rock_and_folk()
    rows[6], audio["000/000006.wav"] = rows[0], b"no audio"
    with pytest.raises(InputError, match=f"1 of 7 tracks .*; see {tmp_path}/bad_files.csv$"):
        ingest(archive(rows, audio, max_bad_fraction=0.1), tmp_path)
    assert listed(tmp_path) == listed(tmp_path / "examples") == {"000006.wav": "undecodable"}
    assert not (tmp_path / "examples" / "ingest.json").exists()


def test_a_folder_per_genre_is_split_by_artist_and_may_hold_what_is_no_audio(
    tmp_path: Path,
) -> None:
    for number in range(6):
        folder = tmp_path / "music" / ("Folk", "Rock")[number % 2] / f"artist {number}"
        folder.mkdir(parents=True)
        (folder / "song.wav").write_bytes(noise(number))
    (folder / "song.lrc").write_text("[00:01.00] la la la")
    (folder / "state.xyz").write_bytes(b"of some program")
    examples = ingest(DataConfig(str(tmp_path / "music"), max_bad_fraction=0.0), tmp_path)
    assert sorted(splits_of(examples.uri).values()) == ["eval"] * 2 + ["test"] * 2 + ["train"] * 2
    assert listed(tmp_path) == {"state.xyz": "not_audio"}
    assert summary(examples.uri)["left_out"] == {"*.lrc": 1}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"genres": ("Rock",)}, "holds a single genre, 'Rock'"),
        ({"audio_digest": "of before"}, "/audio has changed since the run began"),
    ],
)
def test_an_archive_that_cannot_be_used_is_refused_before_anything_is_decoded(
    archive: Archive, tmp_path: Path, settings: dict[str, object], expected: str
) -> None:
    with pytest.raises(InputError, match=expected):
        ingest(archive(*rock_and_folk(), **settings), tmp_path)
    assert not (tmp_path / "examples").exists()


def test_files_that_come_after_the_archive_was_listed_are_for_the_next_run(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, audio = rock_and_folk()
    rows |= {6: rows[0], 7: rows[0]}
    data = archive(rows, audio, max_bad_fraction=0.3)

    def add_during(module: object, name: str, track_id: int) -> None:
        original: Callable[..., object] = getattr(module, name)

        def adding(*arguments: object) -> object:
            found = original(*arguments)
            Path(data.audio_dir, f"000/{track_id:06d}.wav").write_bytes(noise(track_id))
            return found

        monkeypatch.setattr(module, name, adding)

    add_during(executor, "preview", 6)
    add_during(staging, "read_bounded", 7)
    examples = ingest(data, tmp_path)
    assert sorted(splits_of(examples.uri)) == [0, 1, 2, 3, 4, 5]
    assert listed(tmp_path) == {"000006.*": "missing_file", "000007.*": "missing_file"}


def test_a_file_beyond_the_size_limit_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"12345")
    monkeypatch.setattr(staging, "MAX_FILE_BYTES", 5)
    assert staging.read_bounded(str(path)) == b"12345"
    monkeypatch.setattr(staging, "MAX_FILE_BYTES", 4)
    with pytest.raises(AudioError) as caught:
        staging.read_bounded(str(path))
    assert caught.value.kind is FaultKind.TOO_LARGE


def test_tracks_are_staged_by_64_in_the_order_of_their_ids(tmp_path: Path) -> None:
    tracks = [Track(Row(track_id), f"{track_id}.wav") for track_id in range(130)]
    staging_files.write_catalogue(str(tmp_path), Catalogue(tracks, []))
    batches = list(staging.batches(str(tmp_path)))
    assert [(batch.index, len(batch.tracks)) for batch in batches] == [(0, 64), (1, 64), (2, 2)]
    assert [track for batch in batches for track in batch.tracks] == tracks


def test_a_staged_file_without_a_clip_that_is_wanted_is_no_silent_loss(tmp_path: Path) -> None:
    tf.io.TFRecordWriter(str(tmp_path / "staged-00000.tfrecord")).close()
    copy = Copy(0, {"train": "data.gz"}, {7: "train"})
    with pytest.raises(RuntimeError, match=r"has lost the clips of tracks \[7\]"):
        CopyClips(str(tmp_path), {"train": str(tmp_path)}).process(copy)
    assert not (tmp_path / "data.gz").exists()
