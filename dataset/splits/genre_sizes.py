"""Genres that whole artists cannot be shared out to every split of."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from common.errors import InputError
from dataset.config import SPLITS
from dataset.splits.clip import Clip
from dataset.splits.groups import Group, owner
from dataset.splits.wording import LISTED, plural, some


def check_genre_sizes(clips: Sequence[Clip], group_of: Mapping[int, Group], where: str) -> None:
    """Makes sure that every genre is in every split.

    Args:
        clips: all, with those that bind without being used.
        group_of: by track id, each in its split.
        where: what to call the clips in an error.

    Raises:
        InputError: with all genres that are not, and what binds their artists where that is why.
    """
    splits_of: dict[str, set[str]] = defaultdict(set)
    for group in group_of.values():
        for genre in group.clips:
            splits_of[genre].add(group.split)
    small = sorted(genre for genre, splits in splits_of.items() if len(splits) < len(SPLITS))
    if not small:
        return
    reasons = [_reason(genre, clips, group_of) for genre in small[:LISTED]]
    reasons += small[LISTED:]  # these are only counted
    among = set(small)
    nameless = any(clip.genre in among and clip.artist_id < 0 for clip in clips)
    raise InputError(
        f"{where}: {some(reasons, '; ')}: artist-hash needs at least 3 artists for a genre (one "
        f"each for train, eval, test{', a clip without artist counting as one' * nameless}): leave "
        "it out with --min-clips-per-genre or --genre, or add music"
    )


def _reason(genre: str, clips: Sequence[Clip], group_of: Mapping[int, Group]) -> str:
    groups = list(dict.fromkeys(group for group in group_of.values() if group.clips[genre]))
    artists = {
        owner(clip) for clip in clips if clip.genre == genre and group_of[clip.track_id] in groups
    }
    n_clips = plural(sum(group.clips[genre] for group in groups), "clip")
    text = f"genre {genre!r} has {n_clips} by {plural(len(artists), 'artist')}"
    if len(groups) < len(artists):
        largest = max(groups, key=lambda group: (group.clips[genre], group.name))
        members = [clip for clip in clips if group_of[clip.track_id] is largest]
        text += (
            f" in {plural(len(groups), 'group')} that must not be torn apart, the largest being "
            f"{_names(members)}, bound by {_bonds(members)}"
        )
    if len(groups) >= len(SPLITS):
        found = {group.split for group in groups}
        missing = " and ".join(split for split in SPLITS if split not in found)
        text += f" and none for {missing}, for other genres or earlier spans need them elsewhere"
    return text


def _bonds(members: Sequence[Clip]) -> str:
    """Returns which albums and how many recordings are by more than one artist of a group."""
    pairs = {(clip.album_id, owner(clip)) for clip in members if clip.album_id >= 0}
    of_album = Counter(album for album, _ in pairs)
    albums = sorted((-artists, album) for album, artists in of_album.items() if artists > 1)
    pairs_of_audio = {(clip.digest, owner(clip)) for clip in members if clip.digest}
    of_audio = Counter(digest for digest, _ in pairs_of_audio)
    recordings = sum(artists > 1 for artists in of_audio.values())
    parts = []
    if albums:
        noun = "album" if len(albums) == 1 else "albums"
        parts.append(f"the shared {noun} {some(str(album) for _, album in albums)}")
    if recordings:
        parts.append(plural(recordings, "shared recording"))
    return " and ".join(parts) or "earlier spans"


def _names(members: Sequence[Clip]) -> str:
    """Returns the artists of a group, those with the most clips first."""
    counts = Counter(owner(clip) for clip in members)
    names = {owner(clip): clip.artist for clip in sorted(members, key=lambda clip: clip.artist)}
    ordered = sorted(counts, key=lambda key: (-counts[key], key))
    return some(repr(names[key]) if names[key] else f"{key[0]} {key[1]}" for key in ordered)
