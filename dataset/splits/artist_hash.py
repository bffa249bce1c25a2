"""Splits by artist, for archives that have none of their own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable

from dataset.splits.clip import Clip
from dataset.splits.groups import Forest, Group, Key, keys, name_of, owner
from dataset.splits.shares import share_out


def group_by_artist(clips: Iterable[Clip], left_out: Collection[int]) -> dict[int, Group]:
    """Returns the group of each clip, which has the clip's split; the same on every machine.

    Clips of an artist, of an album or of the same sound are in one group; so albums of various
    artists bind all of these, and what their own albums bind in turn.

    A delivery (span) is decided before the next one is looked at, so that none ever moves an
    artist. What comes later goes where those are whom it is bound to. Where it binds artists who
    are in different splits already, they stay: a new artist between them goes to `train`, and a new
    album of theirs is the one thing that ends up in two splits.

    Args:
        clips: sorted by track id.
        left_out: ids of duplicates; they bind, but do not count.
    """
    spans: dict[int, list[Clip]] = defaultdict(list)
    for clip in clips:
        spans[clip.span].append(clip)
    groups: list[Group] = []
    group_of: dict[Key, Group] = {}
    for _, arrivals in sorted(spans.items()):
        groups += _bind(arrivals, group_of)
        for clip in arrivals:
            if clip.track_id not in left_out:
                group_of[owner(clip)].clips[clip.genre] += 1
        share_out(groups, [group for group in groups if not group.split])
    return {clip.track_id: group_of[owner(clip)] for span in spans.values() for clip in span}


def _bind(clips: Iterable[Clip], group_of: dict[Key, Group]) -> list[Group]:
    """Enters every new artist, album and sound into `group_of`; returns the groups that are new."""
    forest = Forest()
    bonds: list[tuple[Key, Group]] = []
    for clip in clips:
        known = [key for key in keys(clip) if key in group_of]
        new = [key for key in keys(clip) if key not in group_of]
        if not new:
            continue
        forest.join(new)
        if owner(clip) in known:  # it goes with its artist, and what is new about it does so too
            known = [owner(clip)]
        bonds += [(new[0], group_of[key]) for key in known]
    bound_to: dict[Key, list[Group]] = defaultdict(list)
    for key, group in bonds:
        bound_to[forest.find(key)].append(group)
    created = []
    for root, members in forest.sets().items():
        group = _meet(bound_to[root]) if root in bound_to else Group(name_of(members))
        if root not in bound_to:
            created.append(group)
        group_of.update(dict.fromkeys(members, group))
    return created


def _meet(groups: Iterable[Group]) -> Group:
    """Returns the group for what is bound to some that have their splits."""
    by_name = sorted(groups, key=lambda group: group.name)
    if len({group.split for group in by_name}) == 1:
        return by_name[0]
    in_train = [group for group in by_name if group.split == "train"]
    return in_train[0] if in_train else Group(by_name[0].name, split="train")
