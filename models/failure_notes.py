"""Notes of trainings that failed, so that the next run trains those models again.

A training that fails leaves a record and ends well for TFX, so that the others go on; the cache of
Vertex AI would serve that record for ever. A note's fingerprint, among what the cache compares,
makes it see another training. The note stays where the next training is a success, which is then
what the cache has.
"""

from __future__ import annotations

from collections.abc import Iterable

from common import files


def write(checkpoint_dir: str, model: str, reason: str) -> None:
    """Leaves a note of a model's failed training, instead of an earlier one."""
    files.write_text(_path(checkpoint_dir, model), reason + "\n")


def fingerprints(checkpoint_dir: str, models: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Returns (model, digest of its note) for each of `models` that has one."""
    paths = {model: _path(checkpoint_dir, model) for model in models}
    return tuple(
        (model, files.fingerprint(path)) for model, path in paths.items() if files.exists(path)
    )


def _path(checkpoint_dir: str, model: str) -> str:
    return files.join(checkpoint_dir, "failed", f"{model}.txt")
