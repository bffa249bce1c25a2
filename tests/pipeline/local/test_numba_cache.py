"""Without a writable home, a run gives numba a folder to cache in."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

import local_runner
from common.errors import InputError
from pipeline.local import runner


@pytest.mark.parametrize(
    ("is_writable", "own", "expected"),
    [
        (False, None, "{output}/.numba"),
        (False, "/own/cache", "/own/cache"),
        (True, None, "None"),
    ],
)
def test_numba_caches_below_the_output_folder_where_it_can_cache_nowhere_else(
    write_archive: Callable[..., list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_writable: bool,
    own: str | None,
    expected: str,
) -> None:
    seen = []

    def execute(*_: object) -> NoReturn:
        script = "import os; print(os.environ.get('NUMBA_CACHE_DIR'))"
        seen.append(subprocess.check_output([sys.executable, "-c", script], text=True).strip())
        raise InputError("seen enough")

    (tmp_path / "file").touch()  # root can write to any folder, but not below a file
    cache = tmp_path / ("cache" if is_writable else "file/cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    if own:
        monkeypatch.setenv("NUMBA_CACHE_DIR", own)
    monkeypatch.setattr(runner, "_execute", execute)
    config, _ = local_runner.parse(write_archive())
    output = tmp_path / "output"
    beam = runner.BeamChoice("DirectRunner", 1, ())
    assert runner.run(config, output, beam, resume=True) == 2
    assert seen == [expected.format(output=output)]
    assert os.environ.get("NUMBA_CACHE_DIR") == own
