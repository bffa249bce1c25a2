"""A folder of compressed audio as 16-bit wavs, in folders of the same names."""

from __future__ import annotations

import dataclasses
import json
import os
import threading
from pathlib import Path

from common.errors import InputError
from common.folders import make_folder
from common.progress import ProgressBar
from dataset.audio.pool import decode_each
from dataset.audio.reading import read_file
from dataset.audio.sandbox import Decoder
from dataset.bad_files import BAD_FILES_NAME, AudioError, Fault, FaultKind, to_csv
from dataset.catalogue.file_names import AUDIO_SUFFIXES
from dataset.config import AudioConfig

_SETTINGS_NAME = ".to_wav.json"
# For a whole track, which may last for hours.
_TIME_LIMIT_SECONDS = 600.0


@dataclasses.dataclass(frozen=True)
class Settings:
    """How a wav is written; None and False leave a file's own rate and channels."""

    sample_rate_hz: int | None = None
    mono: bool = False


@dataclasses.dataclass(frozen=True)
class Summary:
    """What came of a folder: files written now, there before, bad, and not taken for audio."""

    written: int
    there_before: int
    bad: int
    others: int


def convert_folder(
    source: Path, target: Path, settings: Settings, workers: int, progress: ProgressBar
) -> Summary:
    """Writes every audio file below `source` as a wav below `target`, and the list of bad ones.

    A wav that is there and no older than its file is left as it is.

    Args:
        source: folder of audio files.
        target: folder of wavs.
        settings: rate and channels.
        workers: processes that decode, each one file at a time.
        progress: shows the files.

    Raises:
        InputError: where the folders are wrong, `source` has no audio, or `target` has wavs of
            other settings.
    """
    _check_folders(source, target)
    paths, others = _audio_files(source)
    if not paths:
        raise InputError(f"{source} has no audio file ({', '.join(AUDIO_SUFFIXES)})")
    _check_settings(target, settings)
    for part in target.glob(".*.part"):  # of an interrupted run
        part.unlink()
    results = _convert_all(source, target, paths, settings, workers, progress)
    faults = [result for result in results if isinstance(result, Fault)]
    aside = target / f".{BAD_FILES_NAME}"
    # A name need not be UTF-8; what cannot be encoded is shown as an escape.
    aside.write_bytes(to_csv(faults).encode("utf-8", "backslashreplace"))
    aside.replace(target / BAD_FILES_NAME)
    return Summary(results.count(True), results.count(False), len(faults), others)


def _check_folders(source: Path, target: Path) -> None:
    if not source.is_dir():
        raise InputError(f"{source} is not a folder")
    one, two = source.resolve(), target.resolve()
    if one == two or one in two.parents or two in one.parents:
        raise InputError(f"{target} must be neither in {source} nor around it")
    make_folder(target)


def _audio_files(source: Path) -> tuple[list[Path], int]:
    """Returns the audio files below a folder, relative to it and sorted, and how many others."""
    files = [Path(parent, name) for parent, _, names in os.walk(source) for name in names]
    audio = [path for path in files if path.name.lower().endswith(AUDIO_SUFFIXES)]
    return sorted(path.relative_to(source) for path in audio), len(files) - len(audio)


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
    progress: ProgressBar,
) -> list[bool | Fault]:
    """Returns for each path whether its wav was written now, or what is wrong with it."""
    # The first of several files that would become the same wav does.
    first = {path.with_suffix(".wav"): path for path in reversed(paths)}
    decoders = [Decoder(AudioConfig(), _TIME_LIMIT_SECONDS) for _ in range(workers)]

    def convert(path: Path, decoder: Decoder) -> bool | Fault:
        wav = path.with_suffix(".wav")
        try:
            if first[wav] != path:
                detail = f"{wav} is made from {first[wav]}"
                raise AudioError(FaultKind.DUPLICATE_FILE, detail)
            _check_kind(source / path, source)
            return _convert(source / path, target / wav, target, settings, decoder)
        except AudioError as error:
            return Fault(str(path), _track_id(path), error.kind, error.detail)
        finally:
            advance(1)

    with (
        progress(f"writing {target}", len(paths), 0) as advance,
        decode_each(convert, paths, decoders) as results,
    ):
        return list(results)


def _track_id(path: Path) -> int:
    return int(path.stem) if path.stem.isascii() and path.stem.isdigit() else -1


def _check_kind(path: Path, source: Path) -> None:
    if source.resolve() not in Path(os.path.realpath(path)).parents:
        raise AudioError(FaultKind.OUTSIDE_FOLDER, "is a link out of the folder")
    if not path.is_file():
        raise AudioError(FaultKind.UNREADABLE, "is not a file")


def _convert(path: Path, wav: Path, target: Path, settings: Settings, decoder: Decoder) -> bool:
    """Writes one wav and returns True, or False where it is there already."""
    if wav.is_file() and wav.stat().st_mtime >= path.stat().st_mtime:
        return False
    part = target / f".{threading.get_ident()}.part"
    try:
        decoder.write_wav(read_file(path), part, settings.sample_rate_hz, settings.mono)
        try:
            wav.parent.mkdir(parents=True, exist_ok=True)
            part.replace(wav)
        except (FileExistsError, IsADirectoryError, NotADirectoryError) as error:
            detail = f"its wav's place is taken: {error.strerror}"
            raise AudioError(FaultKind.DUPLICATE_FILE, detail) from error
    finally:
        part.unlink(missing_ok=True)
    return True
