"""From clips to splits: what the metadata alone promise, and what the decoded audio comes to."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from common.errors import InputError
from dataset.bad_files import FAIL, Fault, FaultKind, policies
from dataset.config import SPLITS, AudioConfig, DataConfig
from dataset.copy_plan import Copy, plan_copies
from dataset.splits import table
from dataset.splits.checks import check_trainable
from dataset.splits.decision import Decision, decide, split_policy
from dataset.splits.groups import Clip
from dataset.track import Catalogue
from dataset.validation import Outcome, judge, to_clip


def decide_splits(clips: Iterable[Clip], catalogue: Catalogue, data: DataConfig) -> Decision:
    """Returns the split of each clip.

    Raises:
        InputError: where the policy does not fit the archive, or its own splits leak.
    """
    policy = split_policy(data, catalogue.has_splits)
    return decide(clips, policy, allow_leaks=data.allow_leaks, where=catalogue.where)


def preview(catalogue: Catalogue, data: DataConfig) -> dict[str, Any]:
    """Returns the table of the splits, see `splits.table.count`, if all files were good and unique.

    Raises:
        InputError: where the metadata alone show that no classifier can be trained.
    """
    clips = [to_clip(track) for track in catalogue.tracks]
    try:
        check_faults(catalogue.faults, len(catalogue.tracks), data)
        decision = decide_splits(clips, catalogue, data)
        counts = _count(clips, decision)
        check_trainable(_n_clips(counts), catalogue.where)
    except InputError as error:
        raise InputError(f"{error}{catalogue.hint}") from error
    return counts


@dataclasses.dataclass(frozen=True)
class Conclusion:
    """What an ingestion comes to; JSON-able by `dataclasses.asdict`.

    Attributes:
        faults: every row or file that was left out or flagged.
        summary: what `ingest.json` holds; empty where there is a refusal.
        refusal: why the run has to stop, in a sentence; empty where it goes on.
    """

    faults: list[Fault]
    summary: dict[str, Any] = dataclasses.field(default_factory=dict)
    refusal: str = ""


def conclude(
    catalogue: Catalogue,
    outcomes: Sequence[Outcome],
    data: DataConfig,
    audio: AudioConfig,
    list_path: str,
) -> tuple[Conclusion, list[Copy]]:
    """Returns what the decoded clips come to, and what becomes of the staged files.

    Where there is a refusal nothing is copied.

    Args:
        catalogue: what was to be read.
        outcomes: one of each of its tracks, in any order.
        data: what is tolerated, and how clips are split.
        audio: shortest clip.
        list_path: where the bad-file list will be, for messages.
    """
    judged = judge(catalogue, outcomes, data, audio)
    faults = judged.faults
    try:
        check_faults(faults, len(judged.clips), data, list_path)
        decision = decide_splits(judged.clips, catalogue, data)
        faults = sorted(faults + _duplicates(catalogue, decision))
        counts = _count(judged.clips, decision)
        check_trainable(_n_clips(counts), catalogue.where)
        check_faults(faults, len(judged.clips), data, list_path)
    except InputError as error:
        return Conclusion(sorted(faults), refusal=f"{error}{catalogue.hint}"), []
    summary = {
        "clips": _n_clips(counts),
        "faults": dict(sorted(Counter(fault.kind.value for fault in faults).items())),
        "left_out": dict(sorted(catalogue.left_out.items())),
        "overlaps": dataclasses.asdict(decision.leaks),
        "splits": counts,
    }
    batch_of = {outcome.track_id: outcome.batch for outcome in outcomes}
    copies = plan_copies(batch_of, decision.split_of, judged.padded)
    return Conclusion(faults, summary), copies


def _duplicates(catalogue: Catalogue, decision: Decision) -> list[Fault]:
    path_of = {track.row.track_id: track.path for track in catalogue.tracks}
    return [
        Fault(
            path_of[track_id], track_id, FaultKind.DUPLICATE_AUDIO, f"sounds like {path_of[kept]}"
        )
        for track_id, kept in decision.duplicates.items()
    ]


def _count(clips: Iterable[Clip], decision: Decision) -> dict[str, Any]:
    split_of = decision.split_of
    used = (clip for clip in clips if clip.track_id in split_of)
    return table.count((clip.genre, split_of[clip.track_id], clip.artist_id) for clip in used)


def _n_clips(counts: dict[str, Any]) -> dict[str, dict[str, int]]:
    return {
        split: {genre: cell["clips"] for genre, cell in counts[split].items()} for split in SPLITS
    }


def check_faults(faults: list[Fault], n_good: int, data: DataConfig, list_path: str = "") -> None:
    """Makes sure that not too many files are bad, and that no fault is there that may not be.

    Args:
        faults: all that are known.
        n_good: number of clips that can be used.
        data: what is tolerated.
        list_path: where the list is or will be; empty where none is written.

    Raises:
        InputError: naming the first, and the list.
    """
    see = f"; see {list_path}" if list_path else ""
    forbidden = {kind for kind, policy in policies(data.on_fault).items() if policy == FAIL}
    if found := [fault for fault in faults if fault.kind in forbidden]:
        kinds = ", ".join(sorted({fault.kind.value for fault in found}))
        raise InputError(
            f"--on-fault lets the run fail for {kinds}: {len(found)} found, the first is "
            f"{found[0].path} ({found[0].detail}){see}"
        )
    n_bad = sum(fault.kind.counts_as_bad for fault in faults)
    if n_bad > data.max_bad_fraction * (n_bad + n_good):
        if not list_path:
            first = min(fault for fault in faults if fault.kind.counts_as_bad)
            see = f"; the first is {first.path}: {first.kind.value}, {first.detail}"
        raise InputError(
            f"{n_bad} of {n_bad + n_good} tracks are bad, more than the "
            f"{100 * data.max_bad_fraction:g}% that --max-bad-fraction allows{see}"
        )
