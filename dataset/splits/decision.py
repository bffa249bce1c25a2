"""Which split each clip goes to, and which are left out since the same audio is there twice."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from common.errors import InputError
from dataset.config import SPLITS
from dataset.splits.artist_hash import group_by_artist
from dataset.splits.clip import Clip
from dataset.splits.duplicates import find_duplicates
from dataset.splits.genre_sizes import check_genre_sizes
from dataset.splits.leaks import Leaks, describe, find_leaks

# Of a recording in two splits the copy that judges is kept: what is left out of `train` costs
# little, and a test split that lost its clips to it would no longer be the published one.
_KEPT_FIRST = ("test", "eval", "train")


@dataclasses.dataclass(frozen=True)
class Decision:
    """What becomes of the clips.

    Attributes:
        split_of: `train`, `eval` or `test` of every clip that is kept, by track id.
        duplicates: track id of a clip that is left out → that of the kept one of the same audio.
        leaks: what the archive's own splits have in two of them, where that is allowed.
    """

    split_of: dict[int, str]
    duplicates: dict[int, int]
    leaks: Leaks


def decide(clips: Iterable[Clip], policy: str, *, allow_leaks: bool, where: str) -> Decision:
    """Returns the split of each clip, whatever order they come in.

    Args:
        clips: those that can be used; before they are decoded, artists and albums alone decide.
        policy: `official` or `file`, the archive's own splits, or `artist-hash`.
        allow_leaks: whether own splits may have an artist or a recording in two of them. Artists
            then stay where they are; a recording is kept once, in the first of test, eval, train.
        where: what to call the archive in an error.

    Raises:
        InputError: where own splits leak or a clip has none, or where a genre has too few artists
            to be in every split.
    """
    in_order = sorted(clips, key=lambda clip: clip.track_id)
    if policy == "artist-hash":
        return _by_artist(in_order, where)
    return _by_own_splits(in_order, allow_leaks, where)


def _by_artist(clips: Sequence[Clip], where: str) -> Decision:
    # By span first: a later delivery must not take a clip from an earlier one.
    duplicates = find_duplicates(clips, lambda clip: (clip.span, clip.track_id))
    group_of = group_by_artist(clips, duplicates)
    check_genre_sizes(clips, group_of, where)
    split_of = {
        clip.track_id: group_of[clip.track_id].split
        for clip in clips
        if clip.track_id not in duplicates
    }
    placed = (
        dataclasses.replace(clip, split=split_of[clip.track_id])
        for clip in clips
        if clip.track_id in split_of
    )
    if leaks := find_leaks(placed):
        raise RuntimeError(f"the split by artists leaks: {leaks}")
    return Decision(split_of, duplicates, Leaks())


def _by_own_splits(clips: Sequence[Clip], allow_leaks: bool, where: str) -> Decision:
    for clip in clips:
        if clip.split not in SPLITS:
            raise InputError(
                f"{where}: the split of track {clip.track_id} is {clip.split!r}, expected one of "
                f"{', '.join(SPLITS)}: fill it in, or use --split artist-hash"
            )
    leaks = find_leaks(clips)
    if leaks and not allow_leaks:
        raise InputError(
            f"{where}: in more than one of its own splits are {describe(leaks, clips)}: use "
            "--split artist-hash, or --allow-leaks to go on with a warning in the report"
        )
    duplicates = find_duplicates(clips, lambda clip: (_KEPT_FIRST.index(clip.split), clip.track_id))
    split_of = {clip.track_id: clip.split for clip in clips if clip.track_id not in duplicates}
    return Decision(split_of, duplicates, leaks)
