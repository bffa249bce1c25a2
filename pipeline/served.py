"""What a run says is pushed is what is served: the newest version."""

from __future__ import annotations

import filecmp
from pathlib import Path

from components.atomic_pusher import push


def serve(model_dir: str, base_directory: str) -> tuple[Path, bool]:
    """Returns the newest version, which is the model, and whether it had to be pushed for that.

    TFX's cache knows that the model has been pushed, but not that the version was removed since, or
    that another run has pushed a newer one, of another model.

    Args:
        model_dir: a blessed SavedModel.
        base_directory: the folder of the versions, on this machine.
    """
    base = Path(base_directory)
    names = [path.name for path in base.iterdir()] if base.exists() else []
    newest = max((name for name in names if name.isdecimal()), key=int, default=None)
    if newest and _same_files(Path(model_dir), base / newest):
        return base / newest, False
    return base / push(model_dir, base_directory), True


def _same_files(one: Path, other: Path) -> bool:
    names = _files_below(one)
    if names != _files_below(other):
        return False
    return all(filecmp.cmp(one / name, other / name, shallow=False) for name in names)


def _files_below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
