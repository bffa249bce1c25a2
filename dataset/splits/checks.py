"""Whether splits can train and judge a classifier."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from common.errors import InputError
from dataset.config import SPLITS
from dataset.splits.groups import Clip, find_groups
from dataset.splits.wording import listed, plural


def check_genres(
    clips: Sequence[Clip], duplicates: Collection[int], split_of: Mapping[int, str], where: str
) -> None:
    """Raises InputError for the genres that a split by whole artists lacks somewhere.

    Args:
        clips: all that can be used.
        duplicates: track ids of those that are left out.
        split_of: the split of each clip by track id.
        where: what to call the clips in an error.
    """
    used = [clip for clip in clips if clip.track_id not in duplicates]
    cells = {(clip.genre, split_of[clip.track_id]) for clip in used}
    small = sorted({genre for genre, _ in cells if not {(genre, s) for s in SPLITS} <= cells})
    if not small:
        return
    groups = find_groups(clips, duplicates, {})
    reasons = []
    for genre in small:
        keys = [clip.artist_key for clip in used if clip.genre == genre]
        n_artists = len(set(keys))
        n_groups = sum(bool(group.clips[genre]) for group in groups)
        reason = f"genre {genre!r} has {plural(len(keys), 'clip')} by {plural(n_artists, 'artist')}"
        if n_groups < n_artists:
            reason += f" in {plural(n_groups, 'group')} by shared albums or recordings"
        if n_groups >= len(SPLITS):
            missing = " and ".join(split for split in SPLITS if (genre, split) not in cells)
            reason += f" and none for {missing}, for other genres or earlier deliveries need them"
        reasons.append(reason)
    nameless = any(clip.artist_id < 0 for clip in used if clip.genre in small)
    raise InputError(
        f"{where}: {listed(reasons, '; ')}: artist-grouped needs at least 3 artists for a genre "
        f"(one each for train, eval, test{', a clip without artist counting as one' * nameless}): "
        "leave it out with --min-clips-per-genre or --genre, or add music"
    )


def check_trainable(clips: Mapping[str, Mapping[str, int]], where: str) -> None:
    """Raises InputError for clips that cannot train and judge a classifier.

    Args:
        clips: number of clips by split and genre.
        where: what to call the clips in an error.
    """
    genres = sorted(set().union(*clips.values()))
    if not genres:
        raise InputError(f"there is no usable audio in {where}")
    if len(genres) == 1:
        raise InputError(f"{where} holds a single genre, {genres[0]!r}: nothing to tell apart")
    for genre in genres:
        if genre not in clips["train"]:
            has = " and ".join(f"{clips[split].get(genre, 0)} in {split}" for split in SPLITS[1:])
            raise InputError(
                f"genre {genre!r} has no usable train track in {where}: it has {has}, and needs at "
                "least 1 in train: name the other genres with --genre, or add music"
            )
    if empty := [split for split in SPLITS if not clips[split]]:
        raise InputError(f"the {empty[0]} split of {where} is empty: no usable clip is in it")
