"""What a run says is pushed is what is served: the newest version."""

from __future__ import annotations

from pathlib import Path

from components.atomic_pusher import push_unless_newest


def serve(model_dir: str, base_directory: str) -> tuple[Path, bool]:
    """Returns the newest version, which is the model, and whether it had to be pushed for that.

    TFX's cache knows that the model has been pushed, but not that the version was removed since, or
    that another run has pushed a newer one, of another model.

    Args:
        model_dir: a blessed SavedModel.
        base_directory: the folder of the versions, on this machine.
    """
    version, is_new = push_unless_newest(model_dir, base_directory)
    return Path(base_directory) / version, is_new
