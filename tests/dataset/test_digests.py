"""What the cache key has of an archive: another for whatever changes what is read."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from common import files
from common.errors import InputError
from dataset.catalogue.listing import list_audio
from dataset.config import DataConfig
from dataset.digests import require_unchanged, with_digests
from tests.conftest import Archive

Edit = Callable[[Path], object]


@pytest.fixture
def data(archive: Archive, tmp_path: Path) -> DataConfig:
    """Return an archive in FMA's shape with all of its tables, and one's own beside them."""
    data = archive({2: {}}, {"000/000002.mp3": b"x", "000/000003.mp3": b"x", "README.txt": b""})
    for name in ("genres.csv", "features.csv"):
        (tmp_path / "metadata" / name).write_bytes(b"a table")
    (tmp_path / "own.csv").write_bytes(b"path,genre\n000/000002.mp3,Rock\n")
    return data


def digests(data: DataConfig) -> tuple[str, str, str, int]:
    """Return the digests of an archive as it is now."""
    found = with_digests(data)
    assert dataclasses.replace(
        found, metadata_digest="", fma_features_digest="", audio_digest="", audio_files=0
    ) == data  # fmt: skip
    return found.metadata_digest, found.fma_features_digest, found.audio_digest, found.audio_files


def test_the_digests_are_those_of_the_tables_that_are_read(
    data: DataConfig, tmp_path: Path
) -> None:
    fma = dataclasses.replace(data, fma_features=True)
    folders = dataclasses.replace(data, metadata_dir="")
    own = dataclasses.replace(folders, tracks_csv=str(tmp_path / "own.csv"))
    tracks, features = (
        files.digest(f"{data.metadata_dir}/{n}.csv") for n in ("tracks", "features")
    )
    assert digests(data) == (tracks, "", list_audio(data).fingerprint, 2)
    assert digests(fma)[1] == features
    assert digests(folders) == ("", "", list_audio(folders).fingerprint, 2)
    assert digests(own)[0] == files.digest(own.tracks_csv)
    assert digests(own)[3] == 3  # a row may name any file


@pytest.mark.parametrize(
    ("settings", "name", "changes"),
    [
        ({}, "metadata/tracks.csv", True),
        ({}, "metadata/genres.csv", False),
        ({"labels": "tree"}, "metadata/genres.csv", True),
        ({"labels": "tree"}, "metadata/tracks.csv", True),
        ({}, "metadata/features.csv", False),
        ({"fma_features": True}, "metadata/features.csv", True),
        ({}, "own.csv", False),
        ({}, "audio/000/000002.mp3", True),
        ({}, "audio/000/000004.mp3", True),
        ({}, "audio/README.txt", False),
    ],
)
def test_what_is_read_changes_a_digest_and_nothing_else_does(
    data: DataConfig, tmp_path: Path, settings: dict[str, str], name: str, changes: bool
) -> None:
    data = dataclasses.replace(data, **settings)  # type: ignore[arg-type]
    before = digests(data)
    (tmp_path / name).write_bytes(b"something else")
    assert (digests(data) != before) is changes


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("audio/000/000002.mp3", "audio"),
        ("metadata/tracks.csv", "metadata"),
        ("metadata/features.csv", "metadata/features.csv"),
    ],
)
def test_an_archive_that_has_changed_since_the_run_began_is_named(
    data: DataConfig, tmp_path: Path, name: str, place: str
) -> None:
    begun = with_digests(dataclasses.replace(data, fma_features=True))
    require_unchanged(begun, list_audio(begun))
    (tmp_path / name).write_bytes(b"something else")
    require_unchanged(data, list_audio(data))  # a run without digests
    with pytest.raises(InputError, match=rf"^{tmp_path}/{place} has changed since the run began"):
        require_unchanged(begun, list_audio(begun))


def test_spans_that_are_not_chosen_do_not_count(data: DataConfig, tmp_path: Path) -> None:
    (tmp_path / "2" / "000").mkdir(parents=True)
    (tmp_path / "audio").rename(tmp_path / "1")
    spans = dataclasses.replace(data, audio_dir=f"{tmp_path}/{{SPAN}}")
    first = dataclasses.replace(spans, span="1")
    before = [digests(spans), digests(first)]
    (tmp_path / "2" / "000" / "000009.mp3").write_bytes(b"x")
    assert digests(spans) != before[0]
    assert digests(spans)[3] == 3
    assert digests(first) == before[1]


@pytest.mark.parametrize(
    "settings",
    [{"metadata_dir": "nowhere"}, {"metadata_dir": "", "tracks_csv": "nowhere"},
     {"audio_dir": "nowhere"}],
)  # fmt: skip
def test_what_is_missing_is_named(data: DataConfig, settings: dict[str, str]) -> None:
    with pytest.raises(InputError, match="nowhere does not exist"):
        with_digests(dataclasses.replace(data, **settings))  # type: ignore[arg-type]
