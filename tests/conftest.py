"""Small archives in FMA's layout, one corpus for the session, and how tests are distributed."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile
from xdist.scheduler import LoadScopeScheduling

from corpus import CorpusSpec, write_corpus
from corpus.metadata import TRACKS_COLUMNS
from dataset.config import DataConfig
from models.registry import MODELS

COLUMNS = [f"{group}.{name}" for group, names in TRACKS_COLUMNS.items() for name in names]
DEFAULTS = {
    "artist.id": "1",
    "album.id": "7",
    "set.split": "training",
    "set.subset": "small",
    "track.genre_top": "Rock",
    "track.license": "CC BY",
    "track.title": "A title",
}

WriteArchive = Callable[..., list[str]]
TracksCsv = Callable[..., bytes]
Archive = Callable[..., DataConfig]


def _tracks_csv(
    rows: Mapping[int, Mapping[str, str]], columns: Iterable[str] = COLUMNS, index: str = "track_id"
) -> bytes:
    groups, names = zip(*(column.split(".") for column in columns), strict=True)
    text = io.StringIO()
    table = csv.writer(text)  # lines end in \r\n, so a \r in a cell is quoted
    table.writerows([["", *groups], ["", *names], [index, *("" for _ in names)]])
    for track_id, values in rows.items():
        table.writerow([track_id, *({**DEFAULTS, **values}.get(column, "") for column in columns)])
    return text.getvalue().encode()


@pytest.fixture(scope="session")
def tracks_csv() -> TracksCsv:
    """Return a writer of tracks.csv from {track id: {"group.column": value}}."""
    return _tracks_csv


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """Return a writer of an archive: rows, {path below the audio folder: bytes}, settings."""

    def write(
        rows: Mapping[int, Mapping[str, str]], audio: Mapping[str, bytes], **settings: object
    ) -> DataConfig:
        (tmp_path / "metadata").mkdir()
        (tmp_path / "metadata" / "tracks.csv").write_bytes(_tracks_csv(rows))
        for name, data in audio.items():
            path = tmp_path / "audio" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        folders = {"audio_dir": tmp_path / "audio", "metadata_dir": tmp_path / "metadata"}
        return DataConfig(**{key: str(path) for key, path in folders.items()}, **settings)  # type: ignore[arg-type]

    return write


@pytest.fixture
def write_archive(archive: Archive, tmp_path: Path) -> WriteArchive:
    """Return a writer of an archive of two genres; it returns the command-line flags of it.

    `changes` are values of columns by track id: 0, 2, 4 are Folk and 1, 3, 5 Rock, in FMA's three
    splits, each of an artist of its own. The files hold one byte each.
    """

    def write(changes: Mapping[int, Mapping[str, str]] | None = None) -> list[str]:
        rows = {
            track_id: {
                "set.split": ("training", "validation", "test")[track_id // 2],
                "track.genre_top": ("Folk", "Rock")[track_id % 2],
                "artist.id": str(track_id),
                "album.id": "",
                **(changes or {}).get(track_id, {}),
            }
            for track_id in range(6)
        }
        data = archive(rows, {f"000/{track_id:06d}.wav": b"x" for track_id in rows})
        output = tmp_path / "output"
        return [
            f"--audio-dir={data.audio_dir}", f"--metadata-dir={data.metadata_dir}",
            f"--output-dir={output}",
        ]  # fmt: skip

    return write


@pytest.fixture(scope="session")
def noise_wav() -> bytes:
    """Return 1.5 s of noise as a WAV file."""
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, 12_000)
    data = io.BytesIO()
    soundfile.write(data, samples, 8_000, format="WAV")
    return data.getvalue()


@pytest.fixture(scope="session")
def spec() -> CorpusSpec:
    """Return the smallest spec in which every genre still has every split."""
    return CorpusSpec(seed=3, clips_per_genre=6, clip_seconds=2.0)


@pytest.fixture(scope="session")
def corpus_dir(spec: CorpusSpec, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the small corpus; tests must not change it."""
    return write_corpus(spec, tmp_path_factory.mktemp("corpus") / "small", workers=2)


class ByFixture(LoadScopeScheduling):
    """Keep together what shares an expensive fixture: the tests of a model, or else of a file."""

    def _split_scope(self, nodeid: str) -> str:
        file, _, test = nodeid.partition("::")
        parameter = test.partition("[")[2].removesuffix("]")
        return parameter if parameter in MODELS else file


def pytest_xdist_setupnodes() -> None:
    """Have numba compile what librosa needs before several processes do so into one cache."""
    librosa.feature.tonnetz(chroma=np.eye(12))


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByFixture:
    return ByFixture(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with the end-to-end tests, which take longest."""
    items.sort(key=lambda item: item.get_closest_marker("e2e") is None)
