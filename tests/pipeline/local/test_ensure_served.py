"""The newest version is the model of the run, pushed again only where it has to be."""

from __future__ import annotations

import shutil
from pathlib import Path

from pipeline.local.ensure_served import serve


def model(folder: Path, weights: bytes) -> str:
    """Return the folder of something like a SavedModel."""
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"graph")
    (folder / "variables" / "variables.index").write_bytes(weights)
    return str(folder)


def weights_of(version: Path) -> bytes:
    return (version / "variables" / "variables.index").read_bytes()


def test_a_model_that_a_newer_one_followed_is_pushed_again_and_once(tmp_path: Path) -> None:
    base = tmp_path / "serving"
    earlier, later = model(tmp_path / "a", b"earlier"), model(tmp_path / "b", b"later!!")
    first, is_new = serve(earlier, str(base))
    assert is_new
    assert serve(earlier, str(base)) == (first, False)
    second, is_new = serve(later, str(base))
    assert is_new and int(second.name) > int(first.name)
    third, is_new = serve(earlier, str(base))
    assert is_new and int(third.name) > int(second.name)
    assert serve(earlier, str(base)) == (third, False)
    assert [weights_of(path) for path in sorted(base.iterdir())] == [
        b"earlier", b"later!!", b"earlier",
    ]  # fmt: skip


def test_a_version_that_was_removed_or_damaged_is_pushed_again(tmp_path: Path) -> None:
    base = tmp_path / "serving"
    pushed = model(tmp_path / "a", b"weights")
    first, _ = serve(pushed, str(base))
    (base / "notes").mkdir()
    shutil.rmtree(first)
    second, is_new = serve(pushed, str(base))
    assert is_new and weights_of(second) == b"weights"
    (second / "saved_model.pb").unlink()
    third, is_new = serve(pushed, str(base))
    assert is_new and weights_of(third) == b"weights"
