"""The split `artist-grouped`: 64 % train, 16 % eval and 20 % test of each genre, by whole artists.

A group is an artist with all who share an album or a recording, directly or through others. Groups
are placed one by one, the largest first, each where the clips by genre then deviate least from
64/16/20 (Pearson's chi-square). For groups of one size that is the Sainte-Laguë method: every split
gets its share of prolific artists. A digest of the artist breaks ties. If a genre is missing from a
split after that, groups move until it is there, where that is possible.

Deliveries (spans) are placed one after another, and what is placed never moves. New artists who
share an album or a recording with earlier ones join their split, or `train` if that is several.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from dataset.config import SPLITS
from dataset.splits.groups import Clip, Group, Key, find_groups

PERCENT = {"train": 64, "eval": 16, "test": 20}
# Bounds of the search for groups to move: moves in a row, and groups that are tried for each.
_MAX_MOVES, _MAX_CHOICES = 4, 8


def split_by_artist(clips: Iterable[Clip], duplicates: Collection[int]) -> dict[int, str]:
    """Returns the split of each clip by track id; clips of `duplicates` are not counted."""
    split_of: dict[Key, str] = {}
    n_placed: Counter[tuple[str, str]] = Counter()  # clips by genre and split
    n_groups: Counter[str] = Counter()  # by genre
    in_order = sorted(clips, key=lambda clip: (clip.span, clip.track_id))
    for _, delivery in itertools.groupby(in_order, key=lambda clip: clip.span):
        arrivals = list(delivery)
        groups = find_groups(arrivals, duplicates, split_of)
        for group in groups:
            if group.known_splits:
                group.split = "train" if len(group.known_splits) > 1 else min(group.known_splits)
                split_of.update(dict.fromkeys(group.keys, group.split))
        for clip in arrivals:
            if clip.artist_key in split_of and clip.track_id not in duplicates:
                n_placed[clip.genre, split_of[clip.artist_key]] += 1
        free = [group for group in groups if not group.split]
        n_groups.update(genre for group in groups for genre in group.clips)
        divisible = {genre for genre, number in n_groups.items() if number >= len(SPLITS)}
        _Placement(n_placed, free, divisible).place()
        split_of.update({key: group.split for group in free for key in group.keys})
    return {clip.track_id: split_of[clip.artist_key] for clip in in_order}


class _Placement:
    """Places the groups of a delivery.

    A cell is a genre in a split; a divisible genre has a group for each split, at least.
    """

    def __init__(
        self, n_placed: Counter[tuple[str, str]], free: Sequence[Group], divisible: Collection[str]
    ) -> None:
        self._n_placed = n_placed
        self._divisible = divisible
        self._free = sorted(free, key=lambda group: (-group.clips.total(), group.digest))
        self._n_clips: Counter[str] = Counter()
        self._n_free = Counter(genre for group in free for genre in group.clips)
        for (genre, _), count in n_placed.items():
            self._n_clips[genre] += count
        for group in free:
            self._n_clips.update(group.clips)

    def place(self) -> None:
        for group in self._free:
            start = int(group.digest, 16) % len(SPLITS)  # of equal splits the first is taken
            splits = SPLITS[start:] + SPLITS[:start]
            self._put(group, min(splits, key=lambda split: self._growth(group, split)))
        for genre in sorted(self._n_free, key=lambda genre: (self._n_free[genre], genre)):
            for split in SPLITS:
                if genre in self._divisible and not self._n_placed[genre, split]:
                    self._fill((genre, split))

    def _put(self, group: Group, split: str) -> None:
        for genre, count in group.clips.items():
            if group.split:
                self._n_placed[genre, group.split] -= count
            self._n_placed[genre, split] += count
        group.split = split

    def _growth(self, group: Group, split: str, sign: int = 1) -> float:
        """Returns how much chi-square grows as a group enters a split (1) or leaves it (-1)."""
        terms = []
        for genre, count in group.clips.items():
            wanted = PERCENT[split] * self._n_clips[genre] / 100
            excess = self._n_placed[genre, split] - wanted
            terms.append(count * (count + 2 * sign * excess) / wanted)
        return math.fsum(terms)  # the same in any order

    def _fill(self, cell: tuple[str, str], moved: tuple[Group, ...] = ()) -> bool:
        """Moves a group into an empty cell, and others into the cells that this empties.

        Returns whether that was possible; otherwise no group has moved.
        """
        genre, split = cell

        def preference(group: Group) -> tuple[int, float, str]:
            growth = self._growth(group, split) + self._growth(group, group.split, sign=-1)
            return len(self._emptied_by(group)), growth, group.digest

        choices = [g for g in self._free if g.clips[genre] and g.split != split and g not in moved]
        for group in sorted(choices, key=preference)[:_MAX_CHOICES]:
            before = [(other, other.split) for other in self._free]
            emptied = self._emptied_by(group)
            self._put(group, split)
            moves = (*moved, group)
            if all(
                self._n_placed[left] or (len(moves) < _MAX_MOVES and self._fill(left, moves))
                for left in emptied
            ):
                return True
            for other, former in before:
                self._put(other, former)
        return False

    def _emptied_by(self, group: Group) -> list[tuple[str, str]]:
        """Returns the cells of divisible genres that are empty without a group."""
        cells = [(genre, group.split) for genre in sorted(group.clips) if genre in self._divisible]
        return [cell for cell in cells if self._n_placed[cell] == group.clips[cell[0]]]
