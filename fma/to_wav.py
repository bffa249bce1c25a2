"""A folder of compressed audio as 16-bit wavs, in folders of the same names."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import threading
import wave
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from components.fma_example_gen.archive.file_names import AUDIO_SUFFIXES
from components.fma_example_gen.audio.libsndfile import check_header
from components.fma_example_gen.audio.pcm import to_pcm16
from components.fma_example_gen.faults import (
    BAD_FILES_NAME,
    AudioError,
    Fault,
    FaultKind,
    to_csv,
)
from fma import folders
from fma.meters import Reporter
from pipeline.errors import InputError

_SETTINGS_NAME = ".to_wav.json"
_BLOCK_FRAMES = 2**16
_MAX_WAV_BYTES = 2**32 - 2**16  # a wav's sizes have 32 bits


@dataclasses.dataclass(frozen=True)
class Settings:
    """How a wav is written; None and False leave a file's own rate and channels."""

    sample_rate_hz: int | None = None
    mono: bool = False


@dataclasses.dataclass(frozen=True)
class Decoded:
    """A whole track, as it comes.

    Attributes:
        rate_hz: its sample rate.
        n_channels: its channels.
        blocks: float32 [frames, channels], full scale 1, one after the other.
    """

    rate_hz: int
    n_channels: int
    blocks: Iterator[NDArray[np.float32]]


@dataclasses.dataclass(frozen=True)
class Summary:
    """What came of a folder: files written now, there before, bad, and not taken for audio."""

    written: int
    there_before: int
    bad: int
    others: int


class _Forward(soundfile.SoundFile):
    """A file read from its start to its end.

    soundfile seeks to where it is after every read; that makes the decoder of an mp3 forget what
    the next frame needs, and every block begins with some milliseconds that are not the track's.
    """

    def seekable(self) -> bool:
        return False


@contextlib.contextmanager
def decode_file(path: Path) -> Iterator[Decoded]:
    """Opens a file that libsndfile can read, and yields the whole track.

    Raises:
        AudioError: where the file is empty or cannot be decoded, then or while it is read.
    """
    if not path.stat().st_size:
        raise AudioError(FaultKind.EMPTY_FILE, "the file has no bytes")
    try:
        with _Forward(path) as source:
            check_header(source)
            yield Decoded(source.samplerate, source.channels, _blocks(source))
    except soundfile.LibsndfileError as error:
        raise AudioError(FaultKind.UNDECODABLE, error.error_string) from error


def _blocks(source: soundfile.SoundFile) -> Iterator[NDArray[np.float32]]:
    # Until nothing comes: a header may say what it likes of the length.
    while len(block := source.read(_BLOCK_FRAMES, dtype="float32", always_2d=True)):
        yield block


def convert_folder(
    source: Path, target: Path, settings: Settings, workers: int, reporter: Reporter
) -> Summary:
    """Writes every audio file below `source` as a wav below `target`, and the list of bad ones.

    A wav that is there and no older than its file is left as it is.

    Args:
        source: folder of audio files.
        target: folder of wavs.
        settings: rate and channels.
        workers: threads that decode.
        reporter: where progress is told.

    Raises:
        InputError: where the folders are wrong, or `target` has wavs of other settings.
    """
    _check_folders(source, target)
    paths, others = _audio_files(source)
    if not paths:
        raise InputError(f"{source} has no audio file ({', '.join(AUDIO_SUFFIXES)})")
    _check_settings(target, settings)
    # What an earlier run was cut at is in nobody's way, but in the list of no one either.
    for part in target.glob(".*.part"):
        part.unlink()
    results = _convert_all(source, target, paths, settings, workers, reporter)
    faults = [result for result in results if isinstance(result, Fault)]
    aside = target / f".{BAD_FILES_NAME}"
    # A name need not be UTF-8; what cannot be encoded is shown as an escape.
    aside.write_bytes(to_csv(faults).encode("utf-8", "backslashreplace"))
    aside.replace(target / BAD_FILES_NAME)
    return Summary(results.count(True), results.count(False), len(faults), others)


def _check_folders(source: Path, target: Path) -> None:
    if not source.is_dir():
        raise InputError(f"{source} is no folder")
    one, two = source.resolve(), target.resolve()
    if one == two or one in two.parents or two in one.parents:
        raise InputError(f"{target} must be neither in {source} nor around it")
    folders.make(target)


def _audio_files(source: Path) -> tuple[list[Path], int]:
    """Returns the audio files below a folder, relative to it and sorted, and how many others."""
    paths, others = [], 0
    for parent, _, names in os.walk(source):
        for name in names:
            if name.lower().endswith(AUDIO_SUFFIXES):
                paths.append(Path(parent, name).relative_to(source))
            else:
                others += 1
    return sorted(paths), others


def _check_settings(target: Path, settings: Settings) -> None:
    """Raises InputError where the wavs that are there already have other rates or channels."""
    path, text = target / _SETTINGS_NAME, json.dumps(dataclasses.asdict(settings))
    if not path.exists():
        path.write_text(text, encoding="utf-8")
    elif (found := path.read_text(encoding="utf-8")) != text:
        raise InputError(f"{target} has wavs of {found}, not of {text}: choose another folder")


def _convert_all(
    source: Path,
    target: Path,
    paths: list[Path],
    settings: Settings,
    workers: int,
    reporter: Reporter,
) -> list[bool | Fault]:
    """Returns for each path whether its wav was written now, or what is wrong with it."""
    root, stop = source.resolve(), threading.Event()
    wavs = [path.with_suffix(".wav") for path in paths]
    first = {wav: path for path, wav in reversed(list(zip(paths, wavs, strict=True)))}
    step = reporter.step(f"writing {target}", len(paths), files=True)

    with step as meter, futures.ThreadPoolExecutor(workers) as pool:

        def convert(path: Path, wav: Path) -> bool | Fault:
            try:
                if first[wav] != path:
                    detail = f"{wav} is made from {first[wav]}"
                    raise AudioError(FaultKind.DUPLICATE_FILE, detail)
                _check_kind(source / path, root)
                return _convert(source / path, target / wav, target, settings, stop)
            except AudioError as error:
                return Fault(str(path), _track_id(path), error.kind, error.detail)
            finally:
                meter.advance(1)

        try:
            return list(pool.map(convert, paths, wavs))
        finally:
            # After an error or Ctrl-C, for what is under way and what has not begun.
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)


def _track_id(path: Path) -> int:
    return int(path.stem) if path.stem.isascii() and path.stem.isdigit() else -1


def _check_kind(path: Path, root: Path) -> None:
    if root not in Path(os.path.realpath(path)).parents:
        raise AudioError(FaultKind.OUTSIDE_FOLDER, "is a link out of the folder")
    if not path.is_file():
        raise AudioError(FaultKind.UNREADABLE, "is no file")
    if not os.access(path, os.R_OK):
        raise AudioError(FaultKind.UNREADABLE, "may not be read")


def _convert(
    path: Path, wav: Path, target: Path, settings: Settings, stop: threading.Event
) -> bool:
    """Writes one wav and returns True, or False where it is there already."""
    if wav.exists() and wav.stat().st_mtime >= path.stat().st_mtime:
        return False
    part = target / f".{threading.get_ident()}.part"
    try:
        with decode_file(path) as decoded:
            _write_wav(part, decoded, settings, stop)
        wav.parent.mkdir(parents=True, exist_ok=True)
        part.replace(wav)
    finally:
        part.unlink(missing_ok=True)
    return True


def _write_wav(path: Path, decoded: Decoded, settings: Settings, stop: threading.Event) -> None:
    rate_hz = settings.sample_rate_hz or decoded.rate_hz
    n_channels = 1 if settings.mono else decoded.n_channels
    n_frames = 0
    # The standard library's writer tells a full disk as such; libsndfile's is an error of sound.
    with wave.open(str(path), "wb") as wav:
        wav.setparams((n_channels, 2, rate_hz, 0, "NONE", ""))
        for block in _resampled(_mixed(decoded.blocks, settings.mono), decoded.rate_hz, rate_hz):
            if stop.is_set():
                raise futures.CancelledError
            n_frames += len(block)
            if n_frames * n_channels * 2 > _MAX_WAV_BYTES:
                raise AudioError(FaultKind.TOO_LARGE, "is longer than a wav can be, 4 GiB")
            wav.writeframes(to_pcm16(block).tobytes())
    if not n_frames:
        raise AudioError(FaultKind.UNDECODABLE, "has no audio")


def _mixed(blocks: Iterator[NDArray[np.float32]], mono: bool) -> Iterator[NDArray[np.float32]]:
    for block in blocks:
        if not np.isfinite(block).all():
            raise AudioError(FaultKind.UNDECODABLE, "holds samples that are not finite numbers")
        yield block.mean(axis=1, keepdims=True, dtype=np.float32) if mono else block


def _resampled(
    blocks: Iterator[NDArray[np.float32]], from_hz: int, to_hz: int
) -> Iterator[NDArray[np.float32]]:
    """Yields the blocks at another rate, band-limited by soxr's "HQ" recipe."""
    if from_hz == to_hz:
        yield from blocks
        return
    stream, n_channels = None, 0
    for block in blocks:
        if stream is None:
            n_channels = block.shape[1]
            stream = soxr.ResampleStream(from_hz, to_hz, n_channels, dtype="float32", quality="HQ")
        yield stream.resample_chunk(block)
    if stream is not None:
        yield stream.resample_chunk(np.empty((0, n_channels), np.float32), last=True)
