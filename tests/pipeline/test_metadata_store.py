"""A metadata store that cannot be used is refused before MLMD tries to open it."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from common.errors import InputError
from pipeline import metadata_store

NOBODY = 65534


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Return a database whose path has characters that mean something in an URI."""
    path = tmp_path / "a?b#c%20 日本" / "metadata.sqlite"
    path.parent.mkdir()
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE Type (id INTEGER, name TEXT)")
        database.executemany("INSERT INTO Type VALUES (?, ?)", [(i, "x" * 99) for i in range(999)])
    database.close()
    return path


@pytest.mark.parametrize("write", [False, True])
def test_a_sound_store_is_left_as_it_is(store: Path, write: bool) -> None:
    before = store.read_bytes()
    metadata_store.check(store, write=write)
    metadata_store.check(store.with_name("missing"), write=write)
    assert store.read_bytes() == before
    assert [path.name for path in store.parent.iterdir()] == [store.name]


def reason(store: Path, *, write: bool) -> str:
    """Return why a store is refused."""
    with pytest.raises(InputError, match="cannot use the metadata store") as caught:
        metadata_store.check(store, write=write)
    assert str(store) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("write", [False, True])
def test_a_locked_store_is_named(store: Path, write: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata_store, "_LOCK_TIMEOUT_SECONDS", 0.1)
    other = sqlite3.connect(store, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    assert "database is locked" in reason(store, write=write)
    other.close()


@pytest.mark.parametrize(
    ("write", "start", "said"),
    [(False, 0, "file is not a database"), (True, 8192, "in database main")],
)
def test_a_damaged_store_is_named(store: Path, write: bool, start: int, said: str) -> None:
    with store.open("r+b") as file:
        file.seek(start)
        file.write(b"\xff" * 4096)
    assert said in reason(store, write=write)


@pytest.fixture
def no_root() -> Iterator[Path]:
    """Yield a folder for which root counts as anybody, whom permissions bind."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        is_root = os.geteuid() == 0
        if is_root:
            os.seteuid(NOBODY)
        try:
            yield Path(folder)
        finally:
            if is_root:
                os.seteuid(0)


def test_a_store_that_is_read_only_can_be_read(no_root: Path) -> None:
    path = no_root / "metadata.sqlite"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE Type (id INTEGER)")
    database.close()
    path.chmod(0o444)
    metadata_store.check(path, write=False)
    assert "readonly database" in reason(path, write=True)
