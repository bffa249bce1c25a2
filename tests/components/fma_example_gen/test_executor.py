"""The real executor on a small real corpus."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import json
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tfx.dsl.components.base import base_beam_executor
from tfx.types import standard_artifacts, standard_component_specs
from tfx.utils import proto_utils

from components.fma_example_gen import executor
from components.fma_example_gen.audio_io import decode_clip
from components.fma_example_gen.faults import Fault, FaultKind
from components.fma_example_gen.tracks import plan_ingest
from corpus import GENRES, CorpusSpec, build_catalogue, planted_faults
from models import features
from pipeline import beam_args, progress
from pipeline.config import SPLITS, AudioConfig, DataConfig
from pipeline.errors import InputError
from tests.features_csv import to_csv, write_features_csv

Archive = Callable[..., DataConfig]

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


@pytest.fixture
def rock_and_folk(noise_wav: bytes) -> tuple[dict[int, dict[str, str]], dict[str, bytes]]:
    """Return rows and audio of two genres, a track of each in each split."""
    rows, audio = {}, {}
    for track_id in range(6):
        genre = ("Folk", "Rock")[track_id % 2]
        split = ("training", "validation", "test")[track_id // 2]
        rows[track_id] = {"track.genre_top": genre, "set.split": split}
        audio[f"000/{track_id:06d}.wav"] = noise_wav
    return rows, audio


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
            (whole(record[features.TRACK_ID]), blob(record[features.GENRE]).decode())
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
        features.AUDIO: "bytes_list", features.TRACK_ID: "int64_list",
        features.ARTIST_ID: "int64_list", features.ALBUM_ID: "int64_list",
        features.GENRE: "bytes_list", features.TITLE: "bytes_list",
        features.LICENSE: "bytes_list", features.YEAR: "int64_list",
        features.SOURCE_RATE_HZ: "int64_list", features.SOURCE_CHANNELS: "int64_list",
        features.DURATION_SECONDS: "float_list", features.FMA_FEATURES: "bytes_list",
    }  # fmt: skip
    for record in records(ingested.uri, "train"):
        assert {key: value.WhichOneof("kind") for key, value in record.items()} == kinds
        track = catalogue[whole(record[features.TRACK_ID])]
        clip = decode_clip(Path(corpus_data.audio_dir, track.file_name).read_bytes(), AUDIO)
        assert blob(record[features.AUDIO]) == clip.pcm16.tobytes()
        assert len(blob(record[features.AUDIO])) == 2 * AUDIO.clip_samples
        assert whole(record[features.ARTIST_ID]) == track.artist.artist_id
        assert whole(record[features.ALBUM_ID]) == track.album.album_id
        assert blob(record[features.TITLE]).decode() == track.title
        assert blob(record[features.LICENSE]) == b"CC0 1.0 Universal"
        assert f"{whole(record[features.YEAR])}" == track.album.released[:4]
        assert whole(record[features.SOURCE_RATE_HZ]) == 44_100
        assert whole(record[features.SOURCE_CHANNELS]) == track.channels
        assert list(record[features.DURATION_SECONDS].float_list.value) == [2.0]
        assert blob(record[features.FMA_FEATURES]) == b""


def test_no_artist_and_no_audio_is_in_two_splits(ingested: standard_artifacts.Examples) -> None:
    artists, digests = defaultdict(set), defaultdict(set)
    for split in SPLITS:
        for record in records(ingested.uri, split):
            artists[whole(record[features.ARTIST_ID])].add(split)
            digests[hashlib.sha256(blob(record[features.AUDIO])).digest()].add(split)
    assert len(digests) == 48
    assert len(artists) == 32
    assert {len(splits) for splits in (artists | digests).values()} == {1}


def test_no_artist_is_in_two_splits_by_the_artist_hash(corpus_data: DataConfig) -> None:
    plan = plan_ingest(dataclasses.replace(corpus_data, split="artist-hash"))
    splits = defaultdict(set)
    for track in plan.tracks:
        splits[track.row.artist_id].add(track.split)
    assert {len(found) for found in splits.values()} == {1}
    assert set.union(*splits.values()) == set(SPLITS)


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
    assert summary == {
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


def test_the_summary_names_artists_and_audio_in_more_than_one_split(
    rock_and_folk: tuple[dict[int, dict[str, str]], dict[str, bytes]],
    archive: Archive,
    tmp_path: Path,
) -> None:
    rows, audio = rock_and_folk  # one artist, and the same noise under every id
    examples = ingest(archive(rows, audio), tmp_path)
    summary = json.loads(Path(examples.uri, "ingest.json").read_text())
    assert summary["overlaps"] == {"artists": [1], "audio": [[0, 1, 2, 3, 4, 5]]}


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
    rows |= {6: {}, 7: {}}
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


@pytest.mark.parametrize(("n_good", "allowed"), [(6, True), (5, False)])
def test_the_allowed_share_itself_is_not_too_many(
    tmp_path: Path, n_good: int, allowed: bool
) -> None:
    faults = [Fault("a", n, FaultKind.SILENT, "") for n in range(2)]
    path = tmp_path / "list.csv"
    if allowed:
        executor.check_faults(faults, n_good, 0.25, str(path))
    else:
        with pytest.raises(InputError, match="2 of 7 tracks are bad, more than the 25% that"):
            executor.check_faults(faults, n_good, 0.25, str(path))


def test_tracks_without_a_label_do_not_count_as_bad(tmp_path: Path) -> None:
    faults = [Fault("a", n, FaultKind.NO_GENRE, "") for n in range(50)]
    executor.check_faults(faults, 1, 0.0, str(tmp_path / "list.csv"))
    assert list(tmp_path.iterdir()) == []


def test_fmas_own_features_reach_the_examples_and_those_without_are_left_out(
    rock_and_folk: tuple[dict[int, dict[str, str]], dict[str, bytes]],
    archive: Archive,
    noise_wav: bytes,
    tmp_path: Path,
) -> None:
    rows, audio = rock_and_folk
    rows[6], audio["000/000006.wav"] = {}, noise_wav
    data = archive(rows, audio, fma_features=True, max_bad_fraction=0.0)
    own = {track_id: np.random.default_rng(track_id).normal(size=518) for track_id in range(6)}
    Path(data.metadata_dir, "features.csv").write_bytes(to_csv(own))
    examples = ingest(data, tmp_path)
    found = {
        whole(record[features.TRACK_ID]): np.frombuffer(blob(record[features.FMA_FEATURES]), "<f4")
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


def test_a_single_genre_fails_before_anything_is_decoded(archive: Archive, tmp_path: Path) -> None:
    data = archive({2: {}}, {"000/000002.wav": b"never looked at"})
    with pytest.raises(InputError, match="holds a single genre, 'Rock'"):
        ingest(data, tmp_path)


def test_a_file_beyond_the_size_limit_is_a_fault(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, noise_wav: bytes
) -> None:
    (track,) = plan_ingest(archive({2: {}}, {"000/000002.wav": noise_wav})).tracks
    assert executor.read_example(track, AUDIO)
    monkeypatch.setattr(executor.audio_io, "MAX_FILE_BYTES", len(noise_wav) - 1)
    with pytest.raises(executor.AudioError) as caught:
        executor.read_example(track, AUDIO)
    assert caught.value.kind is FaultKind.TOO_LARGE


def test_a_split_is_cut_into_shards_of_64_clips_by_the_order_of_the_ids(
    archive: Archive,
) -> None:
    ids = range(130)
    rows = {track_id: {"set.split": "test" if track_id == 7 else "training"} for track_id in ids}
    data = archive(rows, {f"000/{track_id:06d}.wav": b"" for track_id in ids})
    shards = list(executor.plan_shards(data))
    assert [(shard.split, len(shard.tracks), shard.file_name) for shard in shards] == [
        ("train", 64, "data_tfrecord-00000-of-00003.gz"),
        ("train", 64, "data_tfrecord-00001-of-00003.gz"),
        ("train", 1, "data_tfrecord-00002-of-00003.gz"),
        ("test", 1, "data_tfrecord-00000-of-00001.gz"),
    ]
    in_order = [track.row.track_id for shard in shards for track in shard.tracks]
    assert in_order == [*(track_id for track_id in ids if track_id != 7), 7]
