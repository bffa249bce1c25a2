"""Notes of trainings that failed, so that the next run trains those models again.

A training that fails leaves a record and ends well for TFX, so that the others go on; a cache
would serve that record for ever. A note's fingerprint, among what the cache compares,
makes it see another training. The note stays where the next training is a success, which is then
what the cache has.
"""

from __future__ import annotations

from collections.abc import Iterable

from common import files

RETRIED = "retried"  # key of `custom_config`, for the digest of a note
REFIT = "refit"  # what stands for a model where the best one failed to be fitted again
FOLDER = "failed"  # of the folder of checkpoints


def write(checkpoint_dir: str, model: str, reason: str) -> None:
    """Leaves a note of a model's failed training, instead of an earlier one."""
    files.write_text(_path(checkpoint_dir, model), reason + "\n")


def fingerprints(checkpoint_dir: str, models: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Returns (model, digest of its note) for each of `models`, or of Refit, that has one."""
    paths = {model: _path(checkpoint_dir, model) for model in models}
    return tuple(
        (model, files.fingerprint(path)) for model, path in paths.items() if files.exists(path)
    )


def _path(checkpoint_dir: str, model: str) -> str:
    return files.join(checkpoint_dir, FOLDER, f"{model}.txt")
