"""Which clip of which staged file goes to which file of its split."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from dataset.config import SPLITS


@dataclasses.dataclass(frozen=True)
class Copy:
    """What becomes of one staged file.

    Attributes:
        batch: its index.
        file_names: by split, the name of the file that its clips go to.
        split_of: by track id; clips that are not here are left out.
        padded: number of samples that a clip gets silence up to, by the ids of those that do.
    """

    batch: int
    file_names: dict[str, str] = dataclasses.field(default_factory=dict)
    split_of: dict[int, str] = dataclasses.field(default_factory=dict)
    padded: dict[int, int] = dataclasses.field(default_factory=dict)


def plan_copies(
    batch_of: Mapping[int, int], split_of: Mapping[int, str], padded: Mapping[int, int]
) -> list[Copy]:
    """Returns a copy for each staged file with a clip that is used.

    The clips of a split stay in the order of their ids; its files are numbered without a gap.

    Args:
        batch_of: index of the staged file by track id.
        split_of: split by track id, of the clips that are used.
        padded: number of samples that a clip is padded to, by the ids of those that are.
    """
    copies: dict[int, Copy] = {}
    for track_id, split in sorted(split_of.items()):
        copy = copies.setdefault(batch_of[track_id], Copy(batch_of[track_id]))
        copy.split_of[track_id] = split
        if track_id in padded:
            copy.padded[track_id] = padded[track_id]
    in_order = [copies[batch] for batch in sorted(copies)]
    for split in SPLITS:
        having = [copy for copy in in_order if split in copy.split_of.values()]
        for index, copy in enumerate(having):
            copy.file_names[split] = f"data_tfrecord-{index:05d}-of-{len(having):05d}.gz"
    return in_order
