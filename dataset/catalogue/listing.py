"""Which audio files there are: one listing of the audio folder, or of those of its spans."""

from __future__ import annotations

import dataclasses
import glob
import hashlib
import os
import posixpath
import re
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from common.errors import InputError
from dataset.bad_files import Fault, FaultKind
from dataset.catalogue import spans
from dataset.catalogue.file_names import has_audio_suffix, other_kind
from dataset.config import DataConfig

# A table covers all deliveries, those that are not chosen and those to come.
NOT_IN_SPANS = "without a file in these spans"
_FMA_LEVELS = 2  # 000/000002.mp3


class AudioFile(NamedTuple):
    """A file that can be opened; `name` is its path below the folder of its span."""

    span: int
    name: str
    path: str
    size_bytes: int
    modified: float


class Barred(NamedTuple):
    """A file or folder that must not or cannot be opened; as a `Fault` it has a track's id."""

    span: int
    name: str
    path: str
    kind: FaultKind
    detail: str

    def fault(self, track_id: int = -1) -> Fault:
        """Returns its line of the bad-file list."""
        return Fault(self.path, track_id, self.kind, self.detail)


@dataclasses.dataclass(frozen=True)
class Listing:
    """What there is, by span and name.

    Attributes:
        folders: the folder of each chosen span; 0 is the audio folder that has no spans.
        files: to read.
        barred: links out of the folder, dead links, pipes, and what else is no file.
        left_out: how many files have a name that says that they are no audio, by its pattern.
    """

    folders: dict[int, str]
    files: list[AudioFile]
    barred: list[Barred]
    left_out: dict[str, int] = dataclasses.field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """A SHA-256 hex digest of the files' paths, sizes and times, and of what is barred."""
        digest = hashlib.sha256()
        for entry in (*self.files, *self.barred):
            digest.update(repr(entry[2:]).encode("utf-8", "backslashreplace"))
        return digest.hexdigest()

    @property
    def unread(self) -> str:
        """What to add to an error: links that were not followed, and how they can be."""
        links = [
            entry.path
            for entry in self.barred
            if entry.kind is FaultKind.OUTSIDE_FOLDER and not other_kind(entry.name)
        ]
        if not links:
            return ""
        return (
            f"; links out of the audio folder are not followed ({len(links)}, the first is "
            f"{links[0]}): use --follow-links to read what they lead to"
        )


def list_audio(data: DataConfig) -> Listing:
    """Returns the files of the spans that a configuration chooses.

    In FMA's shape these are the files in the folders of the audio folder (`000/000002.mp3`), else
    those at any depth. What is hidden or no audio by its name is left out, unless there is a table
    of one's own, which may name any file.

    Raises:
        InputError: where the folder or a span is missing or cannot be read.
    """
    if set(data.audio_dir) & set("*?["):
        raise InputError(
            f"the audio folder {data.audio_dir} has one of * ? [ in its path; rename it"
        )
    from common import files  # slow to import, and walk() does not need it

    levels = _FMA_LEVELS if data.metadata_dir else None
    template = spans.parse(data.audio_dir)
    is_bucket = "://" in data.audio_dir
    objects = files.listing(f"{template.glob}/**") if is_bucket else []
    if is_bucket:
        paths = [path for path, _, _ in objects]
    else:
        paths = [path for path in glob.glob(template.glob) if os.path.isdir(path)]
    there = {place for path in paths if (place := template.find(path))}
    if is_bucket and not there and not template.has_span:
        raise InputError(f"the audio folder {data.audio_dir} does not exist")
    by_span = {} if template.has_span else {spans.NO_SPAN: template.path}
    by_span |= spans.folders_by_span(sorted(there))
    folders = {span: by_span[span] for span in spans.choose(template, by_span, data.span)}
    entries: list[AudioFile | Barred] = list(_bucket_files(template, folders, objects))
    for span, folder in {} if is_bucket else folders.items():
        entries += walk(span, folder, levels, follow_links=data.follow_links)
    left_out: Counter[str] = Counter()
    found: list[AudioFile] = []
    barred: list[Barred] = []
    for entry in sorted(entries):
        if isinstance(entry, AudioFile) and levels not in (None, entry.name.count("/") + 1):
            continue
        if not data.tracks_csv and (kind := other_kind(entry.name)):
            left_out[kind] += 1
        elif isinstance(entry, Barred):
            barred.append(entry)
        else:
            found.append(entry)
    return Listing(folders, found, barred, dict(left_out))


def is_in_audio_folder(path: str, audio_dir: str) -> bool:
    """Returns whether a path of the disk is the audio folder or below it, links followed.

    With `{SPAN}` these are the folders of all deliveries, of those to come, too.
    """
    real = os.path.realpath(path)
    if spans.parse(os.path.realpath(audio_dir)).find(real):
        return True
    template = spans.parse(audio_dir)
    existing = (folder for folder in glob.glob(template.glob) if template.find(folder))
    return any(os.path.commonpath((real, top)) == top for top in map(os.path.realpath, existing))


def track_id_of(path: str) -> int:
    """Returns the track id in a file's name (`…/000002.mp3` → 2), -1 where it holds none."""
    match = re.fullmatch(r"([0-9]{1,18})\.\w+", re.split(r"[/\\]", path)[-1])
    return int(match[1]) if match else -1


def one_of_each(
    found: Iterable[AudioFile], track_id: Callable[[AudioFile], int]
) -> tuple[dict[int, AudioFile], list[Fault]]:
    """Returns the first file of each track, and a fault for every other file of it."""
    first: dict[int, AudioFile] = {}
    faults = []
    # What else lies beside the audio, under the same name, does not take its place.
    for file in sorted(found, key=lambda file: (file.span, not has_audio_suffix(file.name))):
        number = track_id(file)
        used = first.setdefault(number, file)
        if used is not file:
            detail = f"{used.path} is used"
            faults.append(Fault(file.path, number, FaultKind.DUPLICATE_FILE, detail))
    return first, faults


def _bucket_files(
    template: spans.Template, folders: dict[int, str], objects: Iterable[tuple[str, int, float]]
) -> Iterator[AudioFile]:
    """Yields the files of some spans among the objects of a bucket, which has no links."""
    for path, size_bytes, modified in objects:
        span, folder = template.find(path) or (None, "")
        if span in folders and not path.endswith("/"):  # which stands for an empty folder
            yield AudioFile(span, path[len(folder) + 1 :], path, size_bytes, modified)


def walk(
    span: int, top: str, levels: int | None, *, follow_links: bool
) -> Iterator[AudioFile | Barred]:
    """Yields what a folder of the disk has, down to a level or all of it.

    A link can lead anywhere, and what is no file can block who opens it. Links out of the folder
    are opened only with `follow_links`. A folder is read once, whatever leads to it, so that links
    cannot lead round and round.

    Raises:
        InputError: where it is missing or cannot be read.
    """
    real_top = os.path.realpath(top)
    read_as = {real_top: top}
    pending = [("", top)]
    while pending:
        below, folder = pending.pop()
        try:
            with os.scandir(folder) as scanned:
                entries = sorted(scanned, key=lambda entry: entry.name)
        except OSError as error:
            reason = error.strerror or str(error)
            if not below and isinstance(error, FileNotFoundError):
                raise InputError(f"the folder {top} does not exist") from error
            if not below:
                raise InputError(f"cannot read the folder {top}: {reason}") from error
            yield Barred(span, below, folder, FaultKind.UNREADABLE, reason)
            continue
        for entry in entries:
            name = posixpath.join(below, entry.name)
            found = _look_at(entry, span, name, real_top, follow_links=follow_links)
            if found is not None:
                yield found
            elif levels is None or name.count("/") + 1 < levels:
                real = os.path.realpath(entry.path)
                if (used := read_as.setdefault(real, entry.path)) != entry.path:
                    detail = f"a folder whose files are read from {used}"
                    yield Barred(span, name, entry.path, FaultKind.DUPLICATE_FILE, detail)
                else:
                    pending.append((name, entry.path))


def _look_at(
    entry: os.DirEntry[str], span: int, name: str, real_top: str, *, follow_links: bool
) -> AudioFile | Barred | None:
    """Returns a file, why it is none to open, or None for a folder that may be entered.

    Only its entry in the folder is looked at.
    """
    is_link, is_outside = entry.is_symlink(), False

    def barred(kind: FaultKind, detail: str) -> Barred:
        return Barred(span, name, entry.path, kind, detail)

    if is_link:
        target = os.path.realpath(entry.path)
        is_outside = os.path.commonpath((target, real_top)) != real_top
        # A folder that is left out by its name must not be the one that another is read from.
        is_left_out = other_kind(name) and os.path.isdir(target)
        if is_outside and (is_left_out or not follow_links):
            return barred(FaultKind.OUTSIDE_FOLDER, f"a link out of the folder, to {target}")
    try:
        found = entry.stat()
    except FileNotFoundError:
        return barred(FaultKind.MISSING_FILE, "a link to a file that is not there")
    except OSError as error:
        return barred(FaultKind.UNREADABLE, error.strerror or str(error))
    if stat.S_ISREG(found.st_mode):
        return AudioFile(span, name, entry.path, found.st_size, found.st_mtime)
    if not stat.S_ISDIR(found.st_mode):
        return barred(FaultKind.UNREADABLE, "not a regular file")
    if is_outside or not is_link:
        return None
    # Another name for files that are listed already, and perhaps one of its own parents.
    detail = "a link to a folder of the archive, whose files are read from there"
    return barred(FaultKind.DUPLICATE_FILE, detail)
