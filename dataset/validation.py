"""What becomes of each clip, once all are decoded: used, padded, or left out with a reason."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping

from dataset.bad_files import PAD, SKIP, Fault, FaultKind, policies
from dataset.catalogue.file_names import has_audio_suffix
from dataset.config import FMA_CLIP_SECONDS, AudioConfig, DataConfig
from dataset.splits.groups import Clip
from dataset.track import Catalogue, Track

_COMMON_SHARE = 0.95


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of a track.

    Attributes:
        track_id: whose it is.
        batch: index of the staged file that has it, if there is no `kind`.
        digest: of its PCM16; empty where it could not be decoded.
        seconds: true length of the whole file; 0 where that is not known.
        near_silent: whether it can hardly be heard.
        out_of_phase: whether its channels cancel each other, so that one of them is used.
        kind: of the fault, a value of `FaultKind`; empty where there is none.
        detail: of the fault.
    """

    track_id: int
    batch: int
    digest: str = ""
    seconds: float = 0.0
    near_silent: bool = False
    out_of_phase: bool = False
    kind: str = ""
    detail: str = ""


@dataclasses.dataclass(frozen=True)
class Judged:
    """The clips that can be used, what is wrong, and number of samples of each padded clip."""

    clips: list[Clip]
    faults: list[Fault]
    padded: dict[int, int]


def decoding_config(audio: AudioConfig, data: DataConfig) -> AudioConfig:
    """Returns how clips are decoded: where short ones are padded, from the floor on."""
    if policies(data.on_fault).get(FaultKind.TOO_SHORT) != PAD:
        return audio
    floor = min(data.pad_floor_seconds, audio.min_clip_seconds)
    return dataclasses.replace(audio, min_clip_seconds=floor)


def needed_of_fma(data: DataConfig, audio: AudioConfig) -> float:
    """Returns how long a file must be where an archive turns out to have FMA's clips of 30 s."""
    if not data.metadata_dir or data.subset == "full":
        return audio.min_clip_seconds
    return max(audio.min_clip_seconds, min(FMA_CLIP_SECONDS, audio.clip_seconds))


def _needed_seconds(outcomes: Iterable[Outcome], data: DataConfig, audio: AudioConfig) -> float:
    """Returns how long a file must be.

    FMA's small, medium and large subsets have clips of 30 s, so one that is shorter is damaged,
    whatever its metadata say. Whether an archive has such clips is seen by its files: 95 % of them
    last 28.5 s or more.
    """
    lengths = [outcome.seconds for outcome in outcomes if outcome.seconds]
    in_full = sum(length >= FMA_CLIP_SECONDS for length in lengths)
    if lengths and in_full >= _COMMON_SHARE * len(lengths):
        return needed_of_fma(data, audio)
    return audio.min_clip_seconds


def judge(
    catalogue: Catalogue, outcomes: Iterable[Outcome], data: DataConfig, audio: AudioConfig
) -> Judged:
    """Returns what becomes of the tracks of a catalogue.

    Args:
        catalogue: what was to be read.
        outcomes: one of each of its tracks.
        data: policies, and which archive it is.
        audio: shortest clip.

    Raises:
        RuntimeError: where a track has no outcome, or an outcome no track.
    """
    by_id = {outcome.track_id: outcome for outcome in outcomes}
    if by_id.keys() != {track.row.track_id for track in catalogue.tracks}:
        raise RuntimeError("the outcomes are not those of the tracks of the catalogue")
    needed = _needed_seconds(by_id.values(), data, audio)
    wanted = policies(data.on_fault)
    clips, faults, padded = [], list(catalogue.faults), {}
    for track in catalogue.tracks:
        outcome = by_id[track.row.track_id]
        if data.is_by_genre and _was_no_audio(outcome, track.path):
            outcome = dataclasses.replace(outcome, kind=FaultKind.NOT_AUDIO.value)
        found = dict(_faults(outcome, needed, wanted, data.pad_floor_seconds))
        for kind, detail in found.items():
            faults.append(Fault(track.path, track.row.track_id, kind, detail))
        if any(not kind.is_used or wanted.get(kind) == SKIP for kind in found):
            continue
        if FaultKind.PADDED in found:
            padded[track.row.track_id] = round(needed * audio.sample_rate_hz)
        clips.append(to_clip(track, outcome.digest))
    return Judged(clips, faults, padded)


def _was_no_audio(outcome: Outcome, path: str) -> bool:
    """Returns whether a file that nothing names as audio turned out to be none."""
    is_none = outcome.kind in (FaultKind.UNDECODABLE, FaultKind.EMPTY_FILE)
    return is_none and not has_audio_suffix(path)


def _faults(
    outcome: Outcome, needed: float, wanted: Mapping[FaultKind, str], floor: float
) -> Iterator[tuple[FaultKind, str]]:
    if outcome.kind:
        yield FaultKind(outcome.kind), outcome.detail
        return
    if outcome.seconds < needed:
        short = f"{outcome.seconds:.2f} s, at least {needed:g} s are needed"
        if wanted.get(FaultKind.TOO_SHORT) == PAD and outcome.seconds >= floor:
            yield FaultKind.PADDED, f"{short}: silence was added"
        else:
            yield FaultKind.TOO_SHORT, short
    if outcome.near_silent:
        yield FaultKind.NEAR_SILENT, "its loudness (RMS) is below -60 dBFS"
    if outcome.out_of_phase:
        detail = "its channels cancel each other in their mean: the loudest one is used"
        yield FaultKind.OUT_OF_PHASE, detail


def to_clip(track: Track, digest: str = "") -> Clip:
    """Returns what a track's split is decided by."""
    row = track.row
    return Clip(
        track_id=row.track_id,
        genre=row.genre,
        artist_id=row.artist_id,
        album_id=row.album_id,
        digest=digest,
        split=row.split,
        span=track.span,
        artist=row.artist,
    )
