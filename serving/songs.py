"""Which files are to be classified: those that are named, and those in folders."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from common.errors import InputError
from dataset.audio.reading import MAX_FILE_BYTES, read_file
from dataset.bad_files import AudioError, FaultKind
from dataset.catalogue.file_names import has_audio_suffix, other_kind
from dataset.catalogue.listing import AudioFile, walk

STDIN = "-"


class Song(NamedTuple):
    """A file to classify.

    Attributes:
        path: as the answer names it; `-` is standard input.
        is_named: whether the user named it, rather than a folder that it is in.
        fault: why it must not be opened.
        data: what is in it, where it is read already.
    """

    path: str
    is_named: bool = True
    fault: AudioError | None = None
    data: bytes | None = None

    def read(self) -> bytes:
        """Returns what is in it.

        Raises:
            AudioError: where it must not or cannot be read.
        """
        if self.fault:
            raise self.fault
        return read_file(Path(self.path)) if self.data is None else self.data

    def reclassified(self, fault: AudioError) -> AudioError:
        """Returns a fault, of the kind not_audio where neither user nor name called it audio."""
        is_none = fault.kind in (FaultKind.UNDECODABLE, FaultKind.EMPTY_FILE)
        if self.is_named or not is_none or has_audio_suffix(self.path):
            return fault
        return AudioError(FaultKind.NOT_AUDIO, fault.detail)


def find_songs(paths: Iterable[str]) -> list[Song]:
    """Returns the files that are named, and those in folders by the rules of ingestion.

    In folders, hidden files and what is no audio by its name are left out, and links out of the
    folder are not opened.

    Raises:
        InputError: where there is no such file, it is no regular one, standard input cannot be
            read, or a folder has no audio.
    """
    given = list(paths)
    if given.count(STDIN) > 1:
        raise InputError(f"{STDIN}, standard input, can be given only once")
    # Read at the end: Ctrl-C must end the wait for it, and another path may be wrong.
    songs = [song for path in given for song in _songs(path)]
    return [song._replace(data=_read_stdin()) if song.path == STDIN else song for song in songs]


def _read_stdin() -> bytes:
    try:
        if sys.stdin is None:
            raise InputError("standard input is closed")
        return sys.stdin.buffer.read(MAX_FILE_BYTES + 1)  # one more, which is refused
    except OSError as error:
        raise InputError(f"cannot read standard input: {error.strerror}") from error


def _songs(path: str) -> list[Song]:
    if path == STDIN or os.path.isfile(path):
        return [Song(path)]
    if not os.path.exists(path):
        raise InputError(f"there is no file {path}")
    if not os.path.isdir(path):
        raise InputError(f"{path} is not a regular file; {STDIN} reads standard input")
    songs = list(_in_folder(path))
    if not songs:
        raise InputError(f"the folder {path} has no audio")
    return songs


def _in_folder(folder: str) -> Iterator[Song]:
    found = walk(0, folder, None, follow_links=False)
    for entry in sorted(found, key=lambda entry: entry.name):
        if other_kind(entry.name):
            continue
        if isinstance(entry, AudioFile):
            yield Song(entry.path, is_named=False)
        elif entry.kind.counts_as_bad:
            yield Song(entry.path, is_named=False, fault=AudioError(entry.kind, entry.detail))
