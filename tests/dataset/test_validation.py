"""What becomes of each clip, by its length and what the decoder found."""

from __future__ import annotations

import dataclasses

import pytest

from dataset.bad_files import FaultKind
from dataset.config import AudioConfig, DataConfig
from dataset.track import Catalogue, Row, Track
from dataset.validation import Judged, Outcome, decoding_config, judge

AUDIO = AudioConfig(min_clip_seconds=1.0)
FOLDERS = DataConfig("a")


def of(
    *outcomes: Outcome, data: DataConfig = FOLDERS, suffix: str = ".wav"
) -> tuple[Judged, list[int], dict[int, str]]:
    """Return what becomes of clips, the ids of the used ones, and the faults by id."""
    tracks = [Track(Row(o.track_id, genre="Rock"), f"{o.track_id}{suffix}") for o in outcomes]
    judged = judge(Catalogue(tracks, []), reversed(outcomes), data, AUDIO)
    faults = {fault.track_id: fault.kind.value for fault in judged.faults}
    return judged, [clip.track_id for clip in judged.clips], faults


@pytest.mark.parametrize(
    ("policy", "padded", "faults"),
    [
        ((), {}, {2: "too_short", 3: "too_short"}),
        (("too_short=pad",), {2: 22_050}, {2: "padded", 3: "too_short"}),
    ],
)
def test_short_clips_are_padded_from_the_floor_on_if_told(
    policy: tuple[str, ...], padded: dict[int, int], faults: dict[int, str]
) -> None:
    data = DataConfig("a", on_fault=policy, pad_floor_seconds=0.5)
    lengths = {1: 1.0, 2: 0.5, 3: 0.4}
    judged, used, found = of(*(Outcome(n, 0, seconds=s) for n, s in lengths.items()), data=data)
    assert (used, judged.padded, found) == ([1, *padded], padded, faults)
    assert decoding_config(AUDIO, data).min_clip_seconds == (0.5 if policy else 1.0)


@pytest.mark.parametrize("kind", ["near_silent", "out_of_phase"])
def test_odd_clips_are_flagged_and_left_out_only_if_told(kind: str) -> None:
    odd = dataclasses.replace(Outcome(1, 0, seconds=2.0), **{kind: True})
    assert of(odd)[1:] == ([1], {1: kind})
    assert of(odd, data=DataConfig("a", on_fault=(f"{kind}=skip",)))[1:] == ([], {1: kind})


def test_a_padded_clip_can_be_near_silent_too() -> None:
    data = DataConfig("a", on_fault=("too_short=pad", "near_silent=skip"))
    judged, used, _ = of(Outcome(1, 0, seconds=0.6, near_silent=True), data=data)
    assert [fault.kind for fault in judged.faults] == [FaultKind.PADDED, FaultKind.NEAR_SILENT]
    assert (used, judged.padded) == ([], {})


@pytest.mark.parametrize(
    ("data", "faults"),
    [
        (DataConfig("a", "m", subset="small"), {7: "too_short", 8: "too_short"}),
        (DataConfig("a", "m", subset="full"), {8: "too_short"}),
        (DataConfig("a", tracks_csv="t.csv"), {8: "too_short"}),
    ],
)
def test_clips_far_shorter_than_all_others_of_fma_are_found_without_a_list(
    data: DataConfig, faults: dict[int, str]
) -> None:
    # As 98565 and 98567 of fma_small, which last 1.6 and 0.5 s.
    outcomes = [Outcome(n, 0, seconds={7: 1.6, 8: 0.5}.get(n, 30.0)) for n in range(40)]
    assert of(*outcomes, data=data)[2] == faults
    assert 7 not in of(*outcomes[:38], data=data)[2]  # less than 95 % of them are of 30 s


@pytest.mark.parametrize("kind", ["undecodable", "empty_file"])
def test_what_nothing_names_as_audio_and_is_none_is_no_damaged_audio(kind: str) -> None:
    outcome, table = Outcome(1, 0, kind=kind), DataConfig("a", tracks_csv="t.csv")
    assert of(outcome, suffix=".xyz")[2] == {1: "not_audio"}
    assert of(outcome, suffix=".MP3")[2] == {1: kind}
    assert of(outcome, suffix=".xyz", data=table)[2] == {1: kind}  # a row names it


def test_a_lost_outcome_is_no_silent_loss() -> None:
    tracks = [Track(Row(1), ""), Track(Row(2), "")]
    with pytest.raises(RuntimeError, match="not those of the tracks"):
        judge(Catalogue(tracks, []), [Outcome(1, 0, seconds=2.0)], FOLDERS, AUDIO)
