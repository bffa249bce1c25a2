"""Without a home, from packages that are read-only: a run gives numba a place to cache."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NoReturn

import pytest

import local_runner
from common.errors import InputError
from pipeline.local import runner

ROOT = Path(local_runner.__file__).parent
# Root can write anywhere, so that numba is told that it cannot: where a module lies, and at home.
_SITE = """
import importlib.abc, importlib.util, sys

def refuse(locator):
    raise PermissionError("read-only")

class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name != "numba.core.caching":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        execute = spec.loader.exec_module
        def exec_module(module):
            execute(module)
            for locator in vars(module).values():
                if getattr(locator, "__name__", "").startswith("InTreeCacheLocator"):
                    locator.ensure_cache_path = refuse
        spec.loader.exec_module = exec_module
        return spec

sys.meta_path.insert(0, Finder())
"""
_IN_WORKERS = """
import os, pathlib
import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from dataset.audio.sandbox import Decoder
from pipeline import beam_args
from pipeline.local import runner
from dataset.config import AudioConfig

def import_librosa(_):
    import librosa.core.notation
    return str(os.getpid())

def main(output):
    # Root can write anywhere.
    runner._is_writable = lambda folder: False
    with runner._numba_cache_in(output):
        options = PipelineOptions(beam_args.direct_runner(1, 2)[0])
        with beam.Pipeline(options=options) as pipeline:
            where = pipeline | beam.Create([None]) | beam.Map(import_librosa)
            where | beam.io.WriteToText(str(output / "pids"))
        with Decoder(AudioConfig()) as decoder:
            child = pathlib.Path(f"/proc/{decoder._running().pid}/environ").read_bytes()
    assert f"NUMBA_CACHE_DIR={output}/.numba".encode() in child.split(bytes(1))
    assert (output / "pids-00000-of-00001").read_text().strip() != str(os.getpid())
    assert "NUMBA_CACHE_DIR" not in os.environ
"""

WriteArchive = Callable[..., list[str]]


@pytest.fixture
def homeless(tmp_path: Path) -> Mapping[str, str]:
    """Return the environment of a user who can write neither at home nor into the packages."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(_SITE)
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME")
    }
    return {**kept, "HOME": "/proc/nobody", "PYTHONPATH": f"{tmp_path}/site:{ROOT}"}


def test_without_a_run_librosa_cannot_be_imported(homeless: Mapping[str, str]) -> None:
    alone = subprocess.run(
        [sys.executable, "-c", "import librosa.core.notation"],
        env=homeless, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "no locator available" in alone.stderr


@pytest.mark.parametrize(
    ("writable", "own", "expected"),
    [
        ([], None, "{output}/.numba"),
        ([], "/own/cache", "/own/cache"),
        (["librosa"], None, None),
        ([".cache"], None, None),
    ],
)
def test_a_run_says_where_unless_the_user_does_or_numba_can_cache_as_usual(
    write_archive: WriteArchive,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    writable: list[str],
    own: str | None,
    expected: str | None,
) -> None:
    seen = []

    def execute(*_: object) -> NoReturn:
        seen.append(os.environ.get("NUMBA_CACHE_DIR"))
        raise InputError("seen enough")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(runner, "_is_writable", lambda folder: folder.name in writable)

    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    if own:
        monkeypatch.setenv("NUMBA_CACHE_DIR", own)
    monkeypatch.setattr(runner, "_execute", execute)
    config, _ = local_runner.parse(write_archive())
    beam = runner.BeamChoice("DirectRunner", 1, ())
    output = tmp_path / "output"
    assert runner.run(config, output, beam, resume=True) == 2
    assert seen == [expected and expected.format(output=output)]
    assert os.environ.get("NUMBA_CACHE_DIR") == own


def test_librosa_can_be_imported_in_worker_processes(
    tmp_path: Path, homeless: Mapping[str, str]
) -> None:
    (tmp_path / "site" / "in_workers.py").write_text(_IN_WORKERS)
    code = f"import in_workers, pathlib; in_workers.main(pathlib.Path({str(tmp_path)!r}))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=homeless, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
