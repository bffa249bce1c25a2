"""Without a writable home, a run gives numba a folder to cache in."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.local import runner


@pytest.mark.parametrize(
    ("cache", "own", "expected"),
    [
        ("file/cache", None, "{output}/.numba"),
        ("file/cache", "/own/cache", "/own/cache"),
        ("cache", None, None),
    ],
)
def test_numba_caches_below_the_output_folder_where_it_can_cache_nowhere_else(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    cache: str,
    own: str | None,
    expected: str | None,
) -> None:
    (tmp_path / "file").touch()  # root can write to any folder, but not below a file
    environment = {"XDG_CACHE_HOME": str(tmp_path / cache)}
    monkeypatch.setattr(os, "environ", environment | ({"NUMBA_CACHE_DIR": own} if own else {}))
    runner._let_numba_cache(tmp_path)
    found = os.environ.get("NUMBA_CACHE_DIR")
    assert found == (expected and expected.format(output=tmp_path))
