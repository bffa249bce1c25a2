"""Damages small audio files of every kind, and has them decoded.

    python -m tests.dataset.audio.fuzz --files 5000 --seed 1

Prints how many files came to what, and what the worst of them cost. Every file depends on the seed
and its number only.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

import numpy as np

from dataset.audio.sandbox import Decoder
from dataset.bad_files import AudioError, FaultKind
from dataset.config import AudioConfig
from tests.dataset.audio.sounds import encode, encode_with_ffmpeg, id3, music

AUDIO = AudioConfig(clip_seconds=1.0, min_clip_seconds=0.5)
_HEADER_BYTES = 200
_NUMBERS = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)

Mutation = Callable[[bytes, np.random.Generator], bytes]


@dataclasses.dataclass
class Report:
    """What came of the files.

    Attributes:
        outcomes: files by `decoded` or the kind of their fault.
        details: what was said of those that crashed or took too long, by the file's number.
        slowest_seconds: for one file.
        slowest: the number of that file.
        peak_bytes: the largest resident memory of a child.
        children: processes that were started.
    """

    outcomes: Counter[str] = dataclasses.field(default_factory=Counter)
    details: dict[int, str] = dataclasses.field(default_factory=dict)
    slowest_seconds: float = 0.0
    slowest: int = -1
    peak_bytes: int = 0
    children: int = 0


def whole_files() -> Mapping[str, bytes]:
    """Return files that can all be decoded, by name."""
    signal = music(22_050, 2)
    mp3 = encode(signal, 22_050, container="MP3")
    return {
        "wav": encode(signal, 22_050),
        "wav of floats": encode(signal, 22_050, "FLOAT"),
        "wav of 24 bits": encode(signal, 22_050, "PCM_24", "WAVEX"),
        "wav of A-law": encode(signal, 22_050, "ALAW"),
        "wav of ADPCM": encode(signal, 22_050, "MS_ADPCM"),
        "aiff": encode(signal, 22_050, container="AIFF"),
        "au": encode(signal, 22_050, container="AU"),
        "caf": encode(signal, 22_050, "ALAC_16", "CAF"),
        "w64": encode(signal, 22_050, container="W64"),
        "flac": encode(signal, 22_050, container="FLAC"),
        "vorbis": encode(signal, 22_050, container="OGG"),
        "opus": encode(music(48_000, 1), 48_000, "OPUS", "OGG"),
        "mp3": mp3,
        "mp3 after ID3": id3(300) + mp3,
        "m4a": encode_with_ffmpeg(signal, 22_050, "aac", "mp4"),
        "aac": encode_with_ffmpeg(signal, 22_050, "aac", "adts"),
        "alac": encode_with_ffmpeg(signal, 22_050, "alac", "ipod"),
        "wma": encode_with_ffmpeg(signal, 22_050, "wmav2", "asf"),
        "webm": encode_with_ffmpeg(music(48_000, 2), 48_000, "libopus", "webm"),
        "ac3": encode_with_ffmpeg(music(48_000, 2), 48_000, "ac3", "ac3"),
        "mp2 in wav": encode_with_ffmpeg(music(44_100, 2), 44_100, "mp2", "wav"),
    }


def _in_header(data: bytes, rng: np.random.Generator) -> bytes:
    damaged = bytearray(data)
    for place in rng.integers(min(len(data), _HEADER_BYTES), size=rng.integers(1, 6)):
        damaged[place] = rng.integers(256)
    return bytes(damaged)


def _anywhere(data: bytes, rng: np.random.Generator) -> bytes:
    damaged = bytearray(data)
    for place in rng.integers(len(data), size=rng.integers(1, 200)):
        damaged[place] = rng.integers(256)
    return bytes(damaged)


def _number(data: bytes, rng: np.random.Generator) -> bytes:
    size = int(rng.choice([1, 2, 4, 8]))
    order: Literal["little", "big"] = "little" if rng.random() < 0.5 else "big"
    number = int(rng.choice(_NUMBERS)) & (2 ** (8 * size) - 1)
    place = int(rng.integers(min(len(data), _HEADER_BYTES)))
    return data[:place] + number.to_bytes(size, order) + data[place + size :]


def _truncated(data: bytes, rng: np.random.Generator) -> bytes:
    return data[: rng.integers(len(data))]


def _without_a_part(data: bytes, rng: np.random.Generator) -> bytes:
    start, stop = sorted(rng.integers(len(data), size=2))
    return data[:start] + data[stop:]


def _with_junk(data: bytes, rng: np.random.Generator) -> bytes:
    place = int(rng.integers(len(data))) if rng.random() < 0.5 else 0
    return data[:place] + rng.bytes(int(rng.integers(1, 5_000))) + data[place:]


def _with_zeros(data: bytes, rng: np.random.Generator) -> bytes:
    start, stop = sorted(rng.integers(len(data), size=2))
    return data[:start] + bytes(stop - start) + data[stop:]


def _with_a_part_again(data: bytes, rng: np.random.Generator) -> bytes:
    start, stop = sorted(rng.integers(len(data), size=2))
    return data[:stop] + data[start:]


_MUTATIONS: tuple[Mutation, ...] = (
    *(_in_header, _anywhere, _number, _truncated),
    *(_without_a_part, _with_junk, _with_zeros, _with_a_part_again),
)


def damaged_file(wholes: Mapping[str, bytes], seed: int, number: int) -> bytes:
    """Return one damaged file: of one kind or, now and then, of the parts of two."""
    rng = np.random.default_rng((seed, number))
    names = sorted(wholes)
    data = wholes[names[rng.integers(len(names))]]
    if rng.random() < 0.1:
        other = wholes[names[rng.integers(len(names))]]
        data = data[: rng.integers(len(data))] + other[rng.integers(len(other)) :]
    for _ in range(rng.integers(1, 4)):
        if data:
            data = _MUTATIONS[rng.integers(len(_MUTATIONS))](data, rng)
    return data


def run(n_files: int, seed: int, time_limit_seconds: float = 20.0) -> Report:
    """Have so many damaged files decoded; anything but a clip or an AudioError is raised."""
    wholes, report, pid = whole_files(), Report(), None
    with Decoder(AUDIO, time_limit_seconds) as decoder:
        decoder.decode(wholes["wav"])  # so that no file's time has the start of the child in it
        for number in range(n_files):
            data = damaged_file(wholes, seed, number)
            start = time.perf_counter()
            outcome = _decode(decoder, data, number, report)
            seconds = time.perf_counter() - start
            report.outcomes[outcome] += 1
            if seconds > report.slowest_seconds:
                report.slowest_seconds, report.slowest = seconds, number
            if decoder.child_pid is not None:
                report.children += decoder.child_pid != pid
                pid = decoder.child_pid
                report.peak_bytes = max(report.peak_bytes, _peak_bytes(pid))
    return report


def _decode(decoder: Decoder, data: bytes, number: int, report: Report) -> str:
    try:
        clip = decoder.decode(data)
    except AudioError as error:
        if error.kind in (FaultKind.CRASHED, FaultKind.TIMED_OUT):
            report.details[number] = error.detail
        return error.kind.value
    # What is handed on is a clip by all that the pipeline takes for granted.
    assert AUDIO.sample_rate_hz / 2 <= len(clip.pcm16) <= AUDIO.clip_samples
    assert clip.duration_seconds >= 0.5
    assert np.abs(clip.pcm16.astype(int)).max() > 0
    return "near_silent" if clip.near_silent else "decoded"


def _peak_bytes(pid: int) -> int:
    """Return the largest resident memory that a process has had, 0 where that is not known."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return 0
    (kib,) = (line.split()[1] for line in status.read_text().splitlines() if "VmHWM" in line)
    return 1024 * int(kib)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=0)
    flags = parser.parse_args()
    report = run(flags.files, flags.seed)
    for outcome, count in report.outcomes.most_common():
        print(f"{count:7d} {outcome}")
    for number, detail in report.details.items():
        print(f"file {number}: {detail}")
    print(f"slowest file: {report.slowest_seconds:.3f} s (file {report.slowest})")
    print(f"peak resident memory of the child: {report.peak_bytes / 2**20:.0f} MiB")
    print(f"children started: {report.children}")


if __name__ == "__main__":
    main()
