"""The real executor on a small real corpus."""

from __future__ import annotations

import csv
import dataclasses
import errno
import hashlib
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
import tensorflow as tf
from tfx.dsl.components.base import base_beam_executor
from tfx.types import standard_artifacts, standard_component_specs
from tfx.utils import proto_utils

from common import progress
from common.errors import InputError
from components.fma_example_gen import executor, staging, staging_files
from components.fma_example_gen.copying import CopyClips
from corpus import GENRES, CorpusSpec, build_catalogue, planted_faults
from dataset.audio.decoding import decode_clip
from dataset.bad_files import AudioError, Fault, FaultKind
from dataset.catalogue.plan import plan_ingest
from dataset.config import SPLITS, AudioConfig, DataConfig
from dataset.copy_plan import Copy, plan_copies
from dataset.digests import with_digests
from dataset.finalize import check_faults, preview
from dataset.track import Catalogue, Row, Track
from dataset.validation import Outcome, judge
from features import example_keys
from pipeline import beam_args
from tests.features_csv import to_csv, write_features_csv

Archive = Callable[..., DataConfig]

ROOT = Path(__file__).parents[3]
AUDIO = AudioConfig(clip_seconds=2.0, min_clip_seconds=1.0)
IN_MEMORY, _ = beam_args.direct_runner(1, workers=1)


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


def records(uri: str, split: str) -> list[Mapping[str, tf.train.Feature]]:
    """Return the features of a split's Examples, in the order of the files."""
    paths = sorted(str(path) for path in Path(uri, f"Split-{split}").iterdir())
    dataset = tf.data.TFRecordDataset(paths, compression_type="GZIP")
    return [
        tf.train.Example.FromString(record).features.feature
        for record in dataset.as_numpy_iterator()
    ]


def whole(feature: tf.train.Feature) -> int:
    """Return the only integer of a feature."""
    (value,) = feature.int64_list.value
    return value


def blob(feature: tf.train.Feature) -> bytes:
    """Return the only bytes of a feature."""
    (value,) = feature.bytes_list.value
    return value


@pytest.fixture(scope="module")
def ingested(
    corpus_data: DataConfig, tmp_path_factory: pytest.TempPathFactory
) -> standard_artifacts.Examples:
    """Return the Examples of the small corpus."""
    return ingest(corpus_data, tmp_path_factory.mktemp("ingested"))


def noise(seed: int, seconds: float = 1.5, **settings: str) -> bytes:
    """Return noise of its own as an audio file, a WAV file unless told otherwise."""
    samples = np.random.default_rng(seed).uniform(-0.5, 0.5, round(8_000 * seconds))
    data = io.BytesIO()
    soundfile.write(data, samples, 8_000, **{"format": "WAV", **settings})
    return data.getvalue()


@pytest.fixture
def rock_and_folk() -> tuple[dict[int, dict[str, str]], dict[str, bytes]]:
    """Return rows and audio of two genres, a track of each in each split, by an artist each."""
    rows, audio = {}, {}
    for track_id in range(6):
        genre = ("Folk", "Rock")[track_id % 2]
        split = ("training", "validation", "test")[track_id // 2]
        rows[track_id] = {
            "track.genre_top": genre, "set.split": split,
            "artist.id": f"{track_id}", "album.id": f"{track_id}",
        }  # fmt: skip
        audio[f"000/{track_id:06d}.wav"] = noise(track_id)
    return rows, audio


def listed(folder: Path) -> dict[str, str]:
    """Return the kind of each fault in the bad-file list by the name of its file."""
    with open(folder / "bad_files.csv", newline="") as file:
        return {Path(row["path"]).name: row["kind"] for row in csv.DictReader(file)}


def splits_of(uri: str) -> dict[int, str]:
    """Return the split of each track."""
    return {
        whole(record[example_keys.TRACK_ID]): split
        for split in SPLITS
        for record in records(uri, split)
    }


def test_every_good_track_is_in_the_split_of_its_row(
    ingested: standard_artifacts.Examples, spec: CorpusSpec
) -> None:
    names = {"training": "train", "validation": "eval", "test": "test"}
    expected = defaultdict(list)
    for track in build_catalogue(spec):
        if track.fault is None:
            expected[names[track.artist.split]].append((track.track_id, track.genre))
    for split in SPLITS:
        found = [
            (whole(record[example_keys.TRACK_ID]), blob(record[example_keys.GENRE]).decode())
            for record in records(ingested.uri, split)
        ]
        # By the order of the ids, not by that in which they were decoded.
        assert found == sorted(expected[split])
    assert {split: len(expected[split]) for split in SPLITS} == {"train": 32, "eval": 8, "test": 8}


@pytest.fixture
def job_endpoint(tmp_path: Path) -> Iterator[str]:
    """Return the address of a job service such as Flink and Spark have: Beam's own, in Python."""
    port_file = tmp_path / "port"
    server = subprocess.Popen(
        [
            sys.executable, "-W", "ignore", "-m",
            "apache_beam.runners.portability.local_job_service_main",
            f"--port_file={port_file}", f"--staging_dir={tmp_path}/staging",
        ],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        while not port_file.exists():
            assert server.poll() is None, "the job service did not start"
            time.sleep(0.1)
        yield f"localhost:{port_file.read_text()}"
    finally:
        server.terminate()
        server.wait()


@pytest.fixture
def worker_pool() -> Iterator[str]:
    """Return the address of a pool that starts Beam's workers in processes of their own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # The pool starts whatever `python` is on the path.
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    server = subprocess.Popen(
        [
            sys.executable, "-W", "ignore", "-m",
            "apache_beam.runners.worker.worker_pool_main", f"--service_port={port}",
        ],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT), "PATH": path},
        start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        while not _answers(port):
            assert server.poll() is None, "the worker pool did not start"
            time.sleep(0.1)
        yield f"localhost:{port}"
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def _answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("localhost", port)) == 0


@pytest.mark.e2e
def test_external_worker_processes_write_the_same_bytes(
    ingested: standard_artifacts.Examples,
    corpus_data: DataConfig,
    tmp_path: Path,
    job_endpoint: str,
    worker_pool: str,
) -> None:
    flags, _ = beam_args.portable("PortableRunner", job_endpoint, worker_pool, workers=2)
    found = ingest(corpus_data, tmp_path, flags)
    assert contents(found.uri) == contents(ingested.uri)


def test_behind_a_job_service_the_examples_are_the_same(
    ingested: standard_artifacts.Examples,
    corpus_data: DataConfig,
    tmp_path: Path,
    job_endpoint: str,
) -> None:
    flags, _ = beam_args.portable("PortableRunner", job_endpoint, "", workers=1)
    found = ingest(corpus_data, tmp_path, flags)
    for split in SPLITS:
        assert records(found.uri, split) == records(ingested.uri, split)
    for name in ("bad_files.csv", "ingest.json"):
        assert contents(found.uri)[name] == contents(ingested.uri)[name]


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


def test_an_example_holds_the_decoded_clip_and_its_row(
    ingested: standard_artifacts.Examples, corpus_data: DataConfig, spec: CorpusSpec
) -> None:
    catalogue = {track.track_id: track for track in build_catalogue(spec)}
    kinds = {
        example_keys.AUDIO: "bytes_list", example_keys.TRACK_ID: "int64_list",
        example_keys.ARTIST_ID: "int64_list", example_keys.ALBUM_ID: "int64_list",
        example_keys.GENRE: "bytes_list", example_keys.TITLE: "bytes_list",
        example_keys.LICENSE: "bytes_list", example_keys.YEAR: "int64_list",
        example_keys.SOURCE_RATE_HZ: "int64_list", example_keys.SOURCE_CHANNELS: "int64_list",
        example_keys.DURATION_SECONDS: "float_list", example_keys.FMA_FEATURES: "bytes_list",
    }  # fmt: skip
    for record in records(ingested.uri, "train"):
        assert {key: value.WhichOneof("kind") for key, value in record.items()} == kinds
        track = catalogue[whole(record[example_keys.TRACK_ID])]
        clip = decode_clip(Path(corpus_data.audio_dir, track.file_name).read_bytes(), AUDIO)
        assert blob(record[example_keys.AUDIO]) == clip.pcm16.tobytes()
        assert len(blob(record[example_keys.AUDIO])) == 2 * AUDIO.clip_samples
        assert whole(record[example_keys.ARTIST_ID]) == track.artist.artist_id
        assert whole(record[example_keys.ALBUM_ID]) == track.album.album_id
        assert blob(record[example_keys.TITLE]).decode() == track.title
        assert blob(record[example_keys.LICENSE]) == b"CC0 1.0 Universal"
        assert f"{whole(record[example_keys.YEAR])}" == track.album.released[:4]
        assert whole(record[example_keys.SOURCE_RATE_HZ]) == 44_100
        assert whole(record[example_keys.SOURCE_CHANNELS]) == track.channels
        assert list(record[example_keys.DURATION_SECONDS].float_list.value) == [2.0]
        assert blob(record[example_keys.FMA_FEATURES]) == b""


def test_no_artist_and_no_audio_is_in_two_splits(ingested: standard_artifacts.Examples) -> None:
    artists, digests = defaultdict(set), defaultdict(set)
    for split in SPLITS:
        for record in records(ingested.uri, split):
            artists[whole(record[example_keys.ARTIST_ID])].add(split)
            digests[hashlib.sha256(blob(record[example_keys.AUDIO])).digest()].add(split)
    assert len(digests) == 48
    assert len(artists) == 32
    assert {len(splits) for splits in (artists | digests).values()} == {1}


def test_by_artist_no_artist_and_no_audio_is_in_two_splits(
    corpus_data: DataConfig, tmp_path: Path
) -> None:
    examples = ingest(dataclasses.replace(corpus_data, split="artist-grouped"), tmp_path)
    splits = defaultdict(set)
    for split in SPLITS:
        found = records(examples.uri, split)
        assert {blob(record[example_keys.GENRE]).decode() for record in found} == set(GENRES)
        for record in found:
            splits[whole(record[example_keys.ARTIST_ID])].add(split)
            splits[blob(record[example_keys.AUDIO])].add(split)
    assert len(splits) == 32 + 48
    assert {len(found) for found in splits.values()} == {1}


def test_every_planted_fault_is_listed(
    ingested: standard_artifacts.Examples, spec: CorpusSpec
) -> None:
    with open(Path(ingested.uri, "bad_files.csv"), newline="") as file:
        rows = list(csv.DictReader(file))
    assert {int(row["track_id"]): row["kind"] for row in rows} == planted_faults(spec)
    assert len(rows) == 7
    assert [row["path"] for row in rows] == sorted(row["path"] for row in rows)
    assert all(row["detail"] for row in rows)


def test_the_summary_counts_clips_and_faults(ingested: standard_artifacts.Examples) -> None:
    summary = json.loads(Path(ingested.uri, "ingest.json").read_text())
    counts = summary.pop("splits")
    assert counts["eval"][GENRES[0]] == {"clips": 1, "artists": 1}
    assert summary == {
        "left_out": {},
        "clips": {
            "train": dict.fromkeys(sorted(GENRES), 4),
            "eval": dict.fromkeys(sorted(GENRES), 1),
            "test": dict.fromkeys(sorted(GENRES), 1),
        },
        "faults": dict.fromkeys(
            ["empty_file", "missing_file", "no_genre", "no_metadata", "silent", "too_short",
             "undecodable"], 1,
        ),
        "overlaps": {"artists": [], "audio": []},
    }  # fmt: skip


def test_the_summary_names_genres_that_differ_only_in_case_and_keeps_them_apart(
    rock_and_folk: tuple[dict[int, dict[str, str]], dict[str, bytes]],
    archive: Archive,
    tmp_path: Path,
) -> None:
    rows, audio = rock_and_folk
    for track_id in (1, 3, 5):
        rows[track_id]["track.genre_top"] = "folk\n"
    examples = ingest(archive(rows, audio), tmp_path)
    summary = json.loads(Path(examples.uri, "ingest.json").read_text())
    assert summary["splits"]["genres_alike_but_for_case"] == [["Folk", "folk"]]
    assert summary["clips"]["train"] == {"Folk": 1, "folk": 1}


def test_splits_that_share_an_artist_or_audio_are_refused_and_the_list_is_left(
    rock_and_folk: tuple[dict[int, dict[str, str]], dict[str, bytes]],
    archive: Archive,
    tmp_path: Path,
) -> None:
    rows, audio = rock_and_folk
    rows[0]["artist.id"] = rows[2]["artist.id"] = "77"  # in train and eval
    rows[6], audio["000/000006.wav"] = rows[4], b"no audio"
    data = archive(rows, audio, max_bad_fraction=1.0)
    with pytest.raises(InputError, match=r"77.*--allow-leaks"):
        ingest(data, tmp_path)
    assert not (tmp_path / "examples" / "ingest.json").exists()

    examples = ingest(dataclasses.replace(data, allow_leaks=True), tmp_path)
    summary = json.loads(Path(examples.uri, "ingest.json").read_text())
    assert summary["overlaps"] == {"artists": [77], "audio": []}
    assert splits_of(examples.uri)[0] == "train"
    assert splits_of(examples.uri)[2] == "eval"


def test_audio_in_two_splits_is_seen_only_once_it_is_decoded(
    rock_and_folk: tuple[dict[int, dict[str, str]], dict[str, bytes]],
    archive: Archive,
    tmp_path: Path,
) -> None:
    rows, audio = rock_and_folk
    # The same samples in another container: train 6, test 4.
    samples, rate_hz = soundfile.read(io.BytesIO(audio["000/000004.wav"]), dtype="int16")
    flac = io.BytesIO()
    soundfile.write(flac, samples, rate_hz, format="FLAC")
    rows[6], audio["000/000006.flac"] = rows[0], flac.getvalue()
    data = archive(rows, audio)
    with pytest.raises(InputError, match=r"4.*6.*--allow-leaks"):
        ingest(data, tmp_path)
    assert (tmp_path / "bad_files.csv").exists()
    examples = ingest(dataclasses.replace(data, allow_leaks=True), tmp_path)
    summary = json.loads(Path(examples.uri, "ingest.json").read_text())
    assert summary["overlaps"] == {"artists": [], "audio": [[4, 6]]}
    assert 6 not in splits_of(examples.uri)
    assert listed(tmp_path) == {"000006.flac": "duplicate_audio"}


def test_the_same_audio_within_a_split_is_kept_once(
    rock_and_folk: tuple[dict[int, dict[str, str]], dict[str, bytes]],
    archive: Archive,
    tmp_path: Path,
) -> None:
    rows, audio = rock_and_folk
    rows[6], audio["000/000006.wav"] = rows[0], audio["000/000000.wav"]
    examples = ingest(archive(rows, audio, max_bad_fraction=0.0), tmp_path)
    assert splits_of(examples.uri) == {
        0: "train",
        1: "train",
        2: "eval",
        3: "eval",
        4: "test",
        5: "test",
    }
    assert listed(tmp_path) == {"000006.wav": "duplicate_audio"}


def test_short_clips_are_padded_from_the_floor_on(
    rock_and_folk: tuple[dict[int, dict[str, str]], dict[str, bytes]],
    archive: Archive,
    tmp_path: Path,
) -> None:
    rows, audio = rock_and_folk
    for track_id, seconds in ((6, 0.6), (7, 0.4)):
        rows[track_id], audio[f"000/00000{track_id}.wav"] = rows[0], noise(track_id, seconds)
    data = archive(rows, audio, max_bad_fraction=1.0)
    ingest(data, tmp_path)
    assert listed(tmp_path) == {"000006.wav": "too_short", "000007.wav": "too_short"}

    data = dataclasses.replace(data, on_fault=("too_short=pad",), pad_floor_seconds=0.5)
    examples = ingest(data, tmp_path / "padded")
    assert listed(tmp_path / "padded") == {"000006.wav": "padded", "000007.wav": "too_short"}
    (clip,) = (
        np.frombuffer(blob(record[example_keys.AUDIO]), "<i2")
        for record in records(examples.uri, "train")
        if whole(record[example_keys.TRACK_ID]) == 6
    )
    sounding = round(0.6 * AUDIO.sample_rate_hz)
    assert len(clip) == AUDIO.sample_rate_hz  # as long as min_clip_seconds
    assert np.any(clip[sounding - 10 : sounding])
    assert not clip[sounding:].any()


@pytest.mark.parametrize("kind", ["too_short", "undecodable"])
def test_a_fault_that_is_to_fail_the_run_does(
    rock_and_folk: tuple[dict[int, dict[str, str]], dict[str, bytes]],
    archive: Archive,
    tmp_path: Path,
    kind: str,
) -> None:
    rows, audio = rock_and_folk
    rows[6], audio["000/000006.wav"] = rows[0], noise(6, 0.1)
    data = archive(rows, audio, max_bad_fraction=1.0, on_fault=(f"{kind}=fail",))
    if kind == "too_short":
        with pytest.raises(InputError, match=r"too_short: 1 found, the first is .*000006\.wav"):
            ingest(data, tmp_path)
    else:
        ingest(data, tmp_path)
    assert listed(tmp_path) == {"000006.wav": "too_short"}


@pytest.mark.parametrize("kind", ["near_silent", "out_of_phase"])
def test_odd_clips_are_flagged_and_left_out_only_if_told(
    kind: str,
    rock_and_folk: tuple[dict[int, dict[str, str]], dict[str, bytes]],
    archive: Archive,
    tmp_path: Path,
) -> None:
    rows, audio = rock_and_folk
    data = io.BytesIO()
    sound = np.random.default_rng(6).uniform(-5e-4, 5e-4, (12_000, 1))
    odd = sound if kind == "near_silent" else 100 * sound * [1, -1]
    soundfile.write(data, odd, 8_000, format="WAV", subtype="PCM_24")
    rows[6], audio["000/000006.wav"] = rows[0], data.getvalue()
    config = archive(rows, audio, max_bad_fraction=0.0)
    assert 6 in splits_of(ingest(config, tmp_path).uri)
    assert listed(tmp_path) == {"000006.wav": kind}
    without = dataclasses.replace(config, on_fault=(f"{kind}=skip",))
    assert 6 not in splits_of(ingest(without, tmp_path / "without").uri)
    assert listed(tmp_path / "without") == {"000006.wav": kind}


def test_a_mixed_archive_with_every_fault_goes_through_and_lists_each(
    rock_and_folk: tuple[dict[int, dict[str, str]], dict[str, bytes]],
    archive: Archive,
    tmp_path: Path,
) -> None:
    rows, audio = rock_and_folk
    good = {
        "10.flac": noise(10, format="FLAC"), "11.ogg": noise(11, format="OGG"),
        "12.mp3": noise(12, format="MP3"), "13.wav": noise(13, subtype="FLOAT"),
        "14.wav": noise(14, format="WAVEX"),
        "15.mp3": b"ID3\4\0\0\0\0\0\1\0" + noise(15, format="MP3"),
        "16.wav": noise(16, format="FLAC"),  # by its content, not by its name
        "17.m4a": m4a(17),
    }  # fmt: skip
    lying = bytearray(noise(20, 0.2))
    lying[40:44] = (0xFFFFFFF0).to_bytes(4, "little")  # claims three days
    bad = {
        "20.wav": (bytes(lying), "too_short"), "21.wav": (b"", "empty_file"),
        "22.mp3": (b"<html>not found</html>" * 99, "undecodable"),
        "23.wav": (noise(23, 0.5), "too_short"),
        "24.wav": (noise(24)[:2_000], "too_short"),
        "25.mp3": (noise(25, format="MP3")[:40], "undecodable"),
    }  # fmt: skip
    for name, data in good.items() | {name: data for name, (data, _) in bad.items()}.items():
        rows[int(name[:2])] = rows[0]
        audio[f"000/0000{name}"] = data
    rows[30] = rows[0]
    rows[31], audio["000/000031.wav"] = rows[0] | {"track.genre_top": ""}, noise(31)
    audio["000/000032.wav"] = noise(32)
    rows[33], audio["000/000033.wav"] = rows[0], b"replaced by a link"
    config = archive(rows, audio, max_bad_fraction=1.0)
    (tmp_path / "secret.wav").write_bytes(noise(33))
    outside = Path(config.audio_dir, "000/000033.wav")
    outside.unlink()
    outside.symlink_to(tmp_path / "secret.wav")

    examples = ingest(config, tmp_path)
    assert splits_of(examples.uri) == {
        0: "train", 1: "train", 2: "eval", 3: "eval", 4: "test", 5: "test",
        **{int(name[:2]): "train" for name in good},
    }  # fmt: skip
    assert listed(tmp_path) == {
        **{f"0000{name}": kind for name, (_, kind) in bad.items()},
        "000030.*": "missing_file", "000031.wav": "no_genre", "000032.wav": "no_metadata",
        "000033.wav": "outside_folder",
    }  # fmt: skip
    summary = json.loads(Path(examples.uri, "ingest.json").read_text())
    assert sum(summary["faults"].values()) == 10


def m4a(seed: int) -> bytes:
    """Return 1.5 s of noise as AAC in MP4, which libsndfile cannot read."""
    samples = np.random.default_rng(seed).uniform(-0.5, 0.5, (1, 12_000)).astype("f4")
    data = io.BytesIO()
    with av.open(data, "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=8_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
        frame.sample_rate = 8_000
        container.mux([*stream.encode(frame), *stream.encode(None)])
    return data.getvalue()


def test_clips_far_shorter_than_all_others_of_fma_are_found_without_a_list(
    rock_and_folk: tuple[dict[int, dict[str, str]], dict[str, bytes]],
    archive: Archive,
    tmp_path: Path,
) -> None:
    rows, audio = rock_and_folk
    template = rows[0]
    for track_id in range(40):
        rows.setdefault(track_id, template)
        # As 98565, 98567 and 98569 of fma_small, which last 1.6, 0.5 and 1.5 s.
        seconds = {7: 1.6, 8: 0.5}.get(track_id, 30.0)
        audio[f"000/{track_id:06d}.wav"] = noise(track_id, seconds)
    ingest(archive(rows, audio), tmp_path)
    assert listed(tmp_path) == {"000007.wav": "too_short", "000008.wav": "too_short"}


def test_a_second_run_writes_the_same_bytes_and_reports_every_track_that_it_opens(
    ingested: standard_artifacts.Examples,
    corpus_data: DataConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(progress.FILE_VARIABLE, str(tmp_path / "progress"))
    again = ingest(corpus_data, tmp_path)
    assert contents(again.uri) == contents(ingested.uri)
    assert progress.read(tmp_path / "progress") == (52, 52)


@pytest.mark.e2e
def test_worker_processes_write_the_same_bytes(
    ingested: standard_artifacts.Examples, corpus_data: DataConfig, tmp_path: Path
) -> None:
    flags, _ = beam_args.direct_runner(1, workers=2)
    again = ingest(corpus_data, tmp_path, flags)
    assert contents(again.uri) == contents(ingested.uri)


def test_too_many_bad_files_fail_the_run_and_leave_the_list(
    rock_and_folk: tuple[dict[int, dict[str, str]], dict[str, bytes]],
    archive: Archive,
    tmp_path: Path,
) -> None:
    rows, audio = rock_and_folk
    rows |= {6: rows[0], 7: rows[0]}
    audio |= {"000/000006.wav": b"", "000/000007.wav": b"no audio"}
    with pytest.raises(InputError) as caught:
        ingest(archive(rows, audio, max_bad_fraction=0.2), tmp_path)
    path = tmp_path / "bad_files.csv"
    assert str(caught.value) == (
        f"2 of 8 tracks are bad, more than the 20% that --max-bad-fraction allows; see {path}"
    )
    with open(path, newline="") as file:
        found = {row["track_id"]: row["kind"] for row in csv.DictReader(file)}
    assert found == {"6": "empty_file", "7": "undecodable"}
    assert (tmp_path / "examples" / "bad_files.csv").read_bytes() == path.read_bytes()


def tolerant(max_bad_fraction: float) -> DataConfig:
    """Return a configuration that tolerates so much."""
    return DataConfig(audio_dir="a", max_bad_fraction=max_bad_fraction)


@pytest.mark.parametrize(("n_good", "allowed"), [(6, True), (5, False)])
def test_the_allowed_share_itself_is_not_too_many(
    tmp_path: Path, n_good: int, allowed: bool
) -> None:
    faults = [Fault("a", n, FaultKind.SILENT, "") for n in range(2)]
    path = tmp_path / "list.csv"
    if allowed:
        check_faults(faults, n_good, tolerant(0.25), str(path))
    else:
        with pytest.raises(InputError, match="2 of 7 tracks are bad, more than the 25% that"):
            check_faults(faults, n_good, tolerant(0.25), str(path))


def test_tracks_without_a_label_do_not_count_as_bad(tmp_path: Path) -> None:
    faults = [Fault("a", n, FaultKind.NO_GENRE, "") for n in range(50)]
    check_faults(faults, 1, tolerant(0.0), str(tmp_path / "list.csv"))
    assert list(tmp_path.iterdir()) == []


def test_fmas_own_features_reach_the_examples_and_those_without_are_left_out(
    rock_and_folk: tuple[dict[int, dict[str, str]], dict[str, bytes]],
    archive: Archive,
    tmp_path: Path,
) -> None:
    rows, audio = rock_and_folk
    rows[6], audio["000/000006.wav"] = rows[0], noise(6)
    data = archive(rows, audio, fma_features=True, max_bad_fraction=0.0)
    own = {track_id: np.random.default_rng(track_id).normal(size=518) for track_id in range(6)}
    Path(data.metadata_dir, "features.csv").write_bytes(to_csv(own))
    examples = ingest(data, tmp_path)
    found = {
        whole(record[example_keys.TRACK_ID]): np.frombuffer(
            blob(record[example_keys.FMA_FEATURES]), "<f4"
        )
        for split in SPLITS
        for record in records(examples.uri, split)
    }
    assert sorted(found) == list(range(6))
    for track_id, values in found.items():
        np.testing.assert_array_equal(values, own[track_id].astype("f4"))
    listed = (tmp_path / "bad_files.csv").read_text()
    assert listed.splitlines()[1:] == [
        f"{data.audio_dir}/000/000006.wav,6,no_features,no row in features.csv"
    ]


def test_a_corpus_has_features_of_its_own_that_tell_genres_apart(
    corpus_dir: Path, corpus_data: DataConfig, tmp_path: Path
) -> None:
    shutil.copytree(corpus_dir, tmp_path / "corpus")
    write_features_csv(tmp_path / "corpus", AUDIO)
    metadata = str(tmp_path / "corpus" / "fma_metadata")
    data = dataclasses.replace(corpus_data, metadata_dir=metadata, fma_features=True)
    plan = plan_ingest(data)
    vectors = np.stack([np.frombuffer(track.fma_features, "<f4") for track in plan.tracks])
    standard = (vectors - vectors.mean(axis=0)) / (vectors.std(axis=0) + 1e-6)
    distance = np.square(standard[:, np.newaxis] - standard).sum(axis=2)
    np.fill_diagonal(distance, np.inf)
    genres = np.array([track.row.genre for track in plan.tracks])
    assert len(genres) == 48
    assert np.mean(genres[distance.argmin(axis=1)] == genres) > 0.3  # by chance 1 of 8


def test_a_genre_whose_only_train_clip_is_bad_fails_the_run(
    rock_and_folk: tuple[dict[int, dict[str, str]], dict[str, bytes]],
    archive: Archive,
    tmp_path: Path,
) -> None:
    rows, audio = rock_and_folk
    audio["000/000001.wav"] = b"no audio"
    data = archive(rows, audio, max_bad_fraction=1.0)
    with pytest.raises(InputError, match="genre 'Rock' has no usable train track in "):
        ingest(data, tmp_path)


@pytest.fixture
def by_genre(tmp_path: Path) -> Path:
    """Return a folder per genre with three artists each, a song each."""
    for number in range(6):
        folder = tmp_path / "music" / ("Folk", "Rock")[number % 2] / f"artist {number}"
        folder.mkdir(parents=True)
        (folder / "song.wav").write_bytes(noise(number))
    return tmp_path / "music"


def test_what_turns_out_to_be_no_audio_is_listed_and_does_not_count(
    by_genre: Path, tmp_path: Path
) -> None:
    (by_genre / "Rock" / "artist 1" / "song.lrc").write_text("[00:01.00] la la la")
    (by_genre / "Rock" / "artist 1" / "state.xyz").write_bytes(b"of some program")
    (by_genre / "Folk" / "artist 0" / "marker").write_bytes(b"")
    data = DataConfig(str(by_genre), max_bad_fraction=0.0)
    examples = ingest(data, tmp_path)
    assert len(splits_of(examples.uri)) == 6
    assert listed(tmp_path) == {"state.xyz": "not_audio", "marker": "not_audio"}
    summary = json.loads(Path(examples.uri, "ingest.json").read_text())
    assert summary["left_out"] == {"*.lrc": 1}

    (by_genre / "Rock" / "artist 1" / "damaged.MP3").write_bytes(b"no audio")
    with pytest.raises(InputError, match=r"1 of 7 tracks are bad"):
        ingest(data, tmp_path / "damaged")
    assert listed(tmp_path / "damaged")["damaged.MP3"] == "undecodable"
    with pytest.raises(InputError, match=r"--on-fault lets the run fail for not_audio: 2 found"):
        ingest(dataclasses.replace(data, on_fault=("not_audio=fail",)), tmp_path / "fail")


def test_what_a_table_names_is_audio_whatever_its_name(by_genre: Path, tmp_path: Path) -> None:
    songs = [path.relative_to(by_genre) for path in by_genre.rglob("song.wav")]
    rows = [f"{song},{song.parts[0]},{song.parts[1]}" for song in songs]
    (by_genre / "state.xyz").write_bytes(b"of some program")
    (tmp_path / "t.csv").write_text("\n".join(["path,genre,artist", *rows, "state.xyz,Rock,A"]))
    data = DataConfig(str(by_genre), tracks_csv=str(tmp_path / "t.csv"), max_bad_fraction=0.2)
    ingest(data, tmp_path)
    assert listed(tmp_path) == {"state.xyz": "undecodable"}


def test_a_genre_that_lacks_clips_is_told_the_folders_that_cannot_be_read(
    by_genre: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Root may read any folder, so the refusal is made here.
    denied, scandir = {str(by_genre / "Rock" / f"artist {n}") for n in (1, 3)}, os.scandir

    def refusing(path: str) -> object:
        if path in denied:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    data = DataConfig(str(by_genre), max_bad_fraction=1.0)
    expected = (
        rf"genre 'Rock' has 1 clip by 1 artist: .* or add music; folders cannot be read \(2, the "
        rf"first is {by_genre}/Rock/artist 1: Permission denied\): make them readable$"
    )
    with pytest.raises(InputError, match=expected):
        preview(plan_ingest(data), data)


def test_a_genre_that_lacks_clips_is_told_the_links_that_are_not_followed(
    by_genre: Path, tmp_path: Path
) -> None:
    (by_genre / "Rock").rename(tmp_path / "elsewhere")
    (by_genre / "Rock").symlink_to(tmp_path / "elsewhere")
    data = DataConfig(str(by_genre), max_bad_fraction=1.0)
    expected = (
        r"{}.*; links out of the audio folder .*\(1, the first is .*/Rock\): use --follow-links"
    )
    with pytest.raises(InputError, match=expected.format("holds a single genre, 'Folk'")):
        preview(plan_ingest(data), data)
    few = dataclasses.replace(data, max_bad_fraction=0.1)
    with pytest.raises(InputError, match=expected.format("1 of 4 tracks are bad")):
        preview(plan_ingest(few), few)
    followed = dataclasses.replace(data, follow_links=True)
    assert len(splits_of(ingest(followed, tmp_path).uri)) == 6


def test_a_folder_per_genre_one_level_too_high_is_told_the_one_that_fits(by_genre: Path) -> None:
    data = DataConfig(str(by_genre.parent))
    expected = (
        rf"genre 'music' has 6 clips by 2 artists: .*; if the folders in music are the genres, "
        rf"use --audio-dir {by_genre}$"
    )
    with pytest.raises(InputError, match=expected):
        preview(plan_ingest(data), data)


def test_a_single_genre_fails_before_anything_is_decoded(archive: Archive, tmp_path: Path) -> None:
    data = archive({2: {}}, {"000/000002.wav": b"never looked at"})
    with pytest.raises(InputError, match="holds a single genre, 'Rock'"):
        ingest(data, tmp_path)


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


def test_the_files_of_a_split_are_numbered_without_a_gap() -> None:
    batch_of = {1: 0, 2: 0, 3: 1, 4: 2, 5: 3}
    split_of = {1: "train", 2: "test", 3: "train", 5: "test"}
    copies = plan_copies(batch_of, split_of, padded={3: 100})
    assert copies == [
        Copy(
            0,
            {"train": "data_tfrecord-00000-of-00002.gz", "test": "data_tfrecord-00000-of-00002.gz"},
            {1: "train", 2: "test"},
        ),
        Copy(1, {"train": "data_tfrecord-00001-of-00002.gz"}, {3: "train"}, {3: 100}),
        Copy(3, {"test": "data_tfrecord-00001-of-00002.gz"}, {5: "test"}),
    ]


def test_a_staged_file_without_a_clip_that_is_wanted_is_no_silent_loss(tmp_path: Path) -> None:
    tf.io.TFRecordWriter(str(tmp_path / "staged-00000.tfrecord")).close()
    copy = Copy(0, {"train": "data.gz"}, {7: "train"})
    with pytest.raises(RuntimeError, match=r"has lost the clips of tracks \[7\]"):
        CopyClips(str(tmp_path), {"train": str(tmp_path)}).process(copy)
    assert not (tmp_path / "data.gz").exists()


@pytest.mark.parametrize("when", ["planned", "decoded"])
def test_files_that_come_after_the_archive_was_listed_are_for_the_next_run(
    rock_and_folk: tuple[dict[int, dict[str, str]], dict[str, bytes]],
    archive: Archive,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    when: str,
) -> None:
    rows, audio = rock_and_folk
    rows[6] = rows[0]
    data = archive(rows, audio, max_bad_fraction=0.2)
    where, name = {"planned": (executor, "preview"), "decoded": (staging, "read_bounded")}[when]
    as_it_is = getattr(where, name)

    def and_a_file_appears(*arguments: object) -> object:
        found = as_it_is(*arguments)
        Path(data.audio_dir, "000/000006.wav").write_bytes(noise(6))
        return found

    monkeypatch.setattr(where, name, and_a_file_appears)
    examples = ingest(data, tmp_path)
    assert sorted(splits_of(examples.uri)) == [0, 1, 2, 3, 4, 5]
    assert listed(tmp_path) == {"000006.*": "missing_file"}
    summary = json.loads(Path(examples.uri, "ingest.json").read_text())
    assert summary["splits"]["totals"]["train"] == {"clips": 2, "artists": 2}


@pytest.mark.parametrize("name", ["audio/000/000006.wav", "metadata/tracks.csv"])
def test_an_archive_that_has_changed_since_the_run_began_is_refused(
    rock_and_folk: tuple[dict[int, dict[str, str]], dict[str, bytes]],
    archive: Archive,
    tmp_path: Path,
    name: str,
) -> None:
    data = with_digests(archive(*rock_and_folk))
    ingest(data, tmp_path)
    with open(tmp_path / name, "ab") as file:
        file.write(b"\n")
    with pytest.raises(InputError) as caught:
        ingest(data, tmp_path)
    place = {"audio": data.audio_dir, "metadata": data.metadata_dir}[name.partition("/")[0]]
    assert str(caught.value) == (
        f"{place} has changed since the run began; run the same command again"
    )


def test_a_lost_outcome_is_no_silent_loss(
    rock_and_folk: tuple[dict[int, dict[str, str]], dict[str, bytes]], archive: Archive
) -> None:
    data = archive(*rock_and_folk)
    outcomes = [Outcome(track_id, 0, digest=str(track_id), seconds=1.5) for track_id in range(5)]
    with pytest.raises(RuntimeError, match="not those of the tracks"):
        judge(plan_ingest(data), outcomes, data, AUDIO)


def test_a_padded_clip_can_be_near_silent_too() -> None:
    row = Row(1, genre="Rock")
    catalogue = Catalogue([Track(row, "a.wav")], [])
    data = DataConfig("a", on_fault=("too_short=pad", "near_silent=skip"))
    outcome = Outcome(1, 0, digest="d", seconds=0.6, near_silent=True)
    judged = judge(catalogue, [outcome], data, AUDIO)
    assert [fault.kind for fault in judged.faults] == [FaultKind.PADDED, FaultKind.NEAR_SILENT]
    assert judged.clips == []


def test_what_is_bad_before_a_file_is_opened_is_refused_at_once(
    rock_and_folk: tuple[dict[int, dict[str, str]], dict[str, bytes]], archive: Archive
) -> None:
    rows, audio = rock_and_folk
    rows |= dict.fromkeys((6, 7, 8), rows[0])  # no files
    data = archive(rows, audio)
    with pytest.raises(InputError, match=r"3 of 9 tracks are bad.*000006\.\*: missing_file"):
        preview(plan_ingest(data), data)
