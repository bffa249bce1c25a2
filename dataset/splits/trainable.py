"""Whether clips can train, rank and judge a classifier."""

from __future__ import annotations

from collections.abc import Mapping

from common.errors import InputError
from dataset.config import SPLITS
from dataset.splits.wording import plural


def check_trainable(clips: Mapping[tuple[str, str], int], where: str) -> None:
    """Makes sure that the clips can train, rank and judge a classifier.

    Args:
        clips: number of clips by (split, genre).
        where: what to call the clips in an error.

    Raises:
        InputError: where there is no clip, a single genre, a genre without a `train` clip or an
            empty split.
    """
    genres = sorted({genre for (_, genre), count in clips.items() if count})
    if not genres:
        raise InputError(f"there is no usable audio in {where}")
    if len(genres) == 1:
        raise InputError(f"{where} holds a single genre, {genres[0]!r}: nothing to tell apart")
    for genre in genres:
        if not clips.get(("train", genre)):
            has = " and ".join(f"{clips.get((split, genre), 0)} in {split}" for split in SPLITS[1:])
            raise InputError(
                f"genre {genre!r} has no usable train track in {where}: it has {has}, and needs at "
                "least 1 in train: name the other genres with --genre, or add music"
            )
    for split in SPLITS:
        if not any(clips.get((split, genre)) for genre in genres):
            total = plural(sum(clips.values()), "clip")
            raise InputError(f"the {split} split is empty in {where}: none of {total} is in it")
