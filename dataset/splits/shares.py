"""Sharing groups out so that of every genre each split has its part: 64, 16 and 20 %."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from dataset.config import SPLITS
from dataset.splits.groups import Group

# Of the clips, in percent, as in the article.
_PERCENT = {"train": 64, "eval": 16, "test": 20}
# Filling a hole may open another; the search gives up after so many moves in a row, of so many
# groups each. Only genres of few groups ever have a hole.
_MOVES, _CHOICES = 4, 8

_Cell = tuple[str, str]  # genre, split


def share_out(groups: Iterable[Group], free: Iterable[Group]) -> None:
    """Gives each free group its split, and leaves the others where they are.

    The largest come first, so that the small ones even out what they leave. Each goes where it
    makes the deviation least: the sum, over its genres, of the squared difference between the clips
    that a split has and should have, in units of what it should have (Pearson's chi-square). For
    groups of one size that is Sainte-Laguë's way to share out seats: large and small artists come
    to every split by its part, rather than all large ones to `train`. Then groups move, until each
    genre of three groups or more is in every split, where that is possible.

    Args:
        groups: all of them, with their clips.
        free: those without a split.
    """
    shares = _Shares(groups)
    free = sorted(free, key=lambda group: (-group.clips.total(), group.name))
    for group in free:
        start = int(group.name, 16) % len(SPLITS)  # who wins a tie is up to the digest
        turned = SPLITS[start:] + SPLITS[:start]
        shares.put(group, min(turned, key=lambda split: shares.cost(group, split)))
    free_of: dict[str, list[Group]] = defaultdict(list)
    for group in free:
        for genre in group.clips:
            free_of[genre].append(group)
    for genre in sorted(free_of, key=lambda genre: (len(free_of[genre]), genre)):
        for split in SPLITS:
            if shares.lacks((genre, split)):
                _fill(shares, free_of, (genre, split), ())


class _Shares:
    """Which groups each split has of each genre, and how far that is from its share."""

    def __init__(self, groups: Iterable[Group]) -> None:
        self._wanted: Counter[_Cell] = Counter()  # hundredths of clips
        self._clips: Counter[_Cell] = Counter()
        self._groups: Counter[_Cell] = Counter()
        self._groups_of: Counter[str] = Counter()
        self._trail: list[tuple[Group, str]] = []
        for group in groups:
            for genre, count in group.clips.items():
                self._groups_of[genre] += 1
                for split in SPLITS:
                    self._wanted[genre, split] += _PERCENT[split] * count
            self._count(group, 1)

    def _count(self, group: Group, sign: int) -> None:
        if group.split:
            for genre, count in group.clips.items():
                self._clips[genre, group.split] += sign * count
                self._groups[genre, group.split] += sign

    def put(self, group: Group, split: str) -> None:
        """Moves a group, wherever it was."""
        self._trail.append((group, group.split))
        self._count(group, -1)
        group.split = split
        self._count(group, 1)

    def mark(self) -> int:
        """Returns a point in time for `undo`."""
        return len(self._trail)

    def undo(self, mark: int) -> None:
        """Takes back every move since."""
        while len(self._trail) > mark:
            group, split = self._trail.pop()
            self._count(group, -1)
            group.split = split
            self._count(group, 1)

    def cost(self, group: Group, split: str) -> float:
        """Returns by how much the deviation of a split grows with a group that it has not."""
        return self._change(group, split, 1)

    def cost_of_move(self, group: Group, split: str) -> float:
        """Returns by how much the deviation grows with a move from one split to another."""
        return self._change(group, split, 1) + self._change(group, group.split, -1)

    def _change(self, group: Group, split: str, sign: int) -> float:
        change = 0.0
        for genre in sorted(group.clips):  # the order of a sum of floats matters in the last bit
            wanted = self._wanted[genre, split] / 100
            above = self._clips[genre, split] - wanted
            count = sign * group.clips[genre]
            change += count * (count + 2 * above) / wanted
        return change

    def lacks(self, cell: _Cell) -> bool:
        """Returns whether a genre that could be in every split is not in this one."""
        return self._groups_of[cell[0]] >= len(SPLITS) and not self._groups[cell]

    def holes(self, group: Group) -> list[_Cell]:
        """Returns what nobody else would fill if the group left its split."""
        cells = [(genre, group.split) for genre in sorted(group.clips)]
        return [
            cell
            for cell in cells
            if self._groups_of[cell[0]] >= len(SPLITS) and self._groups[cell] == 1
        ]


def _fill(
    shares: _Shares,
    free_of: Mapping[str, Sequence[Group]],
    hole: _Cell,
    moved: tuple[Group, ...],
) -> bool:
    """Moves a group into a hole, others into the holes that this makes; False where none can."""
    genre, split = hole
    if len(moved) == _MOVES:
        return False
    choices = sorted(
        (group for group in free_of[genre] if group.split != split and group not in moved),
        key=lambda group: (
            len(shares.holes(group)),
            shares.cost_of_move(group, split),
            group.name,
        ),
    )
    for group in choices[:_CHOICES]:
        mark, holes = shares.mark(), shares.holes(group)
        shares.put(group, split)
        if all(
            not shares.lacks(left) or _fill(shares, free_of, left, (*moved, group))
            for left in holes
        ):
            return True
        shares.undo(mark)
    return False
