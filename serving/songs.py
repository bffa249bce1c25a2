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
    """

    path: str
    is_named: bool = True
    fault: AudioError | None = None

    def read(self) -> bytes:
        """Returns what is in it.

        Raises:
            AudioError: where it must not or cannot be read.
        """
        if self.fault:
            raise self.fault
        if self.path == STDIN:
            return sys.stdin.buffer.read(MAX_FILE_BYTES + 1)  # one more, which is refused
        return read_file(Path(self.path))

    def judged(self, fault: AudioError) -> AudioError:
        """Returns a fault as ingestion has it: what nothing called audio is no audio."""
        is_none = fault.kind in (FaultKind.UNDECODABLE, FaultKind.EMPTY_FILE)
        if self.is_named or not is_none or has_audio_suffix(self.path):
            return fault
        return AudioError(FaultKind.NOT_AUDIO, fault.detail)


def find_songs(paths: Iterable[str]) -> list[Song]:
    """Returns the files that are named, and those in folders by the rules of ingestion.

    In folders, hidden files and what is no audio by its name are left out, and links out of the
    folder are not opened.

    Raises:
        InputError: where there is no such file, or a folder has no audio.
    """
    return [song for path in paths for song in _songs(path)]


def _songs(path: str) -> list[Song]:
    if path == STDIN or (os.path.exists(path) and not os.path.isdir(path)):
        return [Song(path)]
    if not os.path.isdir(path):
        raise InputError(f"there is no file {path}")
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
