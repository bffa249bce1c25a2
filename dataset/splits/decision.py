"""Who decides the splits, and the split of each clip."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence

from common.errors import InputError
from dataset.config import SPLITS, DataConfig
from dataset.splits.artist_grouped import split_by_artist
from dataset.splits.checks import check_genres
from dataset.splits.groups import Clip
from dataset.splits.leaks import Leaks, describe, find_leaks

ARTIST_GROUPED = "artist-grouped"
_NEEDED = {
    "official": "FMA's own split in --metadata-dir",
    "file": "a column split of train, eval and test in --tracks-csv",
}
# Of a recording in several splits the copy that judges is kept: `train` loses least by it, and the
# published `test` split stays whole.
_KEPT_FIRST = ("test", "eval", "train")


def split_policy(data: DataConfig, has_splits: bool) -> str:
    """Returns `official`, `file` or `artist-grouped`; `auto` is the archive's own splits, if any.

    Raises:
        InputError: where the archive does not have the splits that are asked for.
    """
    own = ("official" if data.metadata_dir else "file") if has_splits else ""
    if data.split == "auto":
        return own or ARTIST_GROUPED
    if data.split in (own, ARTIST_GROUPED):
        return data.split
    fitting = " or ".join(f"--split {policy}" for policy in (own, ARTIST_GROUPED) if policy)
    raise InputError(
        f"--split {data.split} needs {_NEEDED[data.split]}, which is not there: use {fitting}"
    )


@dataclasses.dataclass(frozen=True)
class Decision:
    """What becomes of the clips.

    Attributes:
        split_of: `train`, `eval` or `test` of each clip that is used, by track id.
        duplicates: the other clips' track ids → that of the used one with the same audio.
        leaks: what the archive's own splits have in several of them.
    """

    split_of: dict[int, str]
    duplicates: dict[int, int]
    leaks: Leaks = dataclasses.field(default_factory=Leaks)


def decide(clips: Iterable[Clip], policy: str, *, allow_leaks: bool, where: str) -> Decision:
    """Returns the split of each clip, whatever order they come in.

    Args:
        clips: all that can be used.
        policy: `official` or `file`, the archive's own splits, or `artist-grouped`.
        allow_leaks: whether own splits may share artists, which stay where they are, and
            recordings, which are used once.
        where: what to call the archive in an error.

    Raises:
        InputError: where own splits leak or are incomplete, or a genre cannot be in every split.
    """
    clips = sorted(clips, key=lambda clip: clip.track_id)
    if policy == ARTIST_GROUPED:
        # Of the copies the one that came first is used, so that none leaves its split later.
        duplicates = _find_duplicates(clips, lambda clip: clip.span)
        split_of, leaks = split_by_artist(clips, duplicates), Leaks()
        check_genres(clips, duplicates, split_of, where)
    else:
        for clip in clips:
            if clip.split not in SPLITS:
                raise InputError(
                    f"{where}: the split of track {clip.track_id} is {clip.split!r}, expected one "
                    f"of {', '.join(SPLITS)}: fill it in, or use --split {ARTIST_GROUPED}"
                )
        duplicates = _find_duplicates(clips, lambda clip: _KEPT_FIRST.index(clip.split))
        split_of, leaks = {clip.track_id: clip.split for clip in clips}, find_leaks(clips)
        if leaks and not allow_leaks:
            raise InputError(
                f"{where}: its own splits share {describe(leaks, clips)}: use --split "
                f"{ARTIST_GROUPED}, or --allow-leaks to go on with a warning in the report"
            )
    used = [clip.track_id for clip in clips if clip.track_id not in duplicates]
    return Decision({track_id: split_of[track_id] for track_id in used}, duplicates, leaks)


def _find_duplicates(clips: Sequence[Clip], rank: Callable[[Clip], int]) -> dict[int, int]:
    """Returns the track id of each clip to leave out → that of its copy with the lowest rank."""
    used: dict[str, int] = {}
    duplicates = {}
    for clip in sorted(clips, key=rank):
        if clip.digest and used.setdefault(clip.digest, clip.track_id) != clip.track_id:
            duplicates[clip.track_id] = used[clip.digest]
    return duplicates
