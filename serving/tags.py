"""The genre in the tags of a file."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from dataset.audio.reading import read_file
from dataset.audio.sandbox import Decoder
from dataset.bad_files import AudioError


class TagError(Exception):
    """A file cannot be tagged; the message says why."""


def write_genre(path: Path, genre: str, decoder: Decoder) -> None:
    """Writes the genre into a file's tags, in place of the one there; other tags are kept.

    The file is copied, tagged and moved into place, so that it is whole at any time. Before, both
    are decoded: in a file with wrong sizes, tags can end up amid the samples. Where a link leads to
    the file, the link stays.

    Args:
        path: of an audio file.
        genre: to write.
        decoder: of whole songs.

    Raises:
        TagError: where its format has no tags, or it cannot be written.
    """
    target = Path(os.path.realpath(path))
    aside = None
    try:
        owner = target.stat()
        if owner.st_nlink > 1:
            raise TagError("it has another name (a hard link), which would keep its old tags")
        descriptor, aside = tempfile.mkstemp(target.suffix, f".{target.stem[:40]}.", target.parent)
        os.close(descriptor)
        shutil.copy2(target, aside)
        _tag(aside, genre)
        if _digest(target, decoder) != _digest(Path(aside), decoder):
            raise TagError("its sound would change; the sizes in its header may be wrong")
        os.chown(aside, owner.st_uid, owner.st_gid)
        os.replace(aside, target)
        aside = None
    except OSError as error:
        raise TagError(error.strerror or str(error)) from error
    except AudioError as error:
        raise TagError(error.detail) from error
    finally:
        if aside:
            with contextlib.suppress(OSError):
                os.unlink(aside)


def _digest(path: Path, decoder: Decoder) -> bytes:
    """Returns a SHA-256 digest of all samples of a file."""
    with tempfile.NamedTemporaryFile(suffix=".wav") as wav:
        decoder.write_wav(read_file(path), Path(wav.name))
        digest = hashlib.sha256()
        while block := wav.read(2**20):
            digest.update(block)
    return digest.digest()


def _tag(path: str, genre: str) -> None:
    import mutagen
    from mutagen.asf import ASF
    from mutagen.id3 import ID3

    try:
        file: Any = mutagen.File(path)
        if file is None:
            raise TagError("its format has no tags that can be written")
        if file.tags is None:
            file.add_tags()
        if isinstance(file.tags, ID3):
            _tag_id3(file, path, genre)
            return
        if not isinstance(file, ASF):
            file = mutagen.File(path, easy=True)
        file["WM/Genre" if isinstance(file, ASF) else "genre"] = [genre]
        file.save()
    except TagError:
        raise
    except Exception as error:  # whatever the library raises is this file's fault, and is named
        raise TagError(str(error) or type(error).__name__) from error


def _tag_id3(file: Any, path: str, genre: str) -> None:
    """Writes the genre into the tags of an mp3, wav, aiff or dsf, in their version of ID3."""
    from mutagen.id3 import TCON

    is_version_3 = file.tags.version[:2] == (2, 3)
    if is_version_3:  # or what only ID3v2.3 has is translated or lost
        file.load(path, translate=False)
    file.tags.setall("TCON", [TCON(encoding=3, text=[genre])])
    file.save(path, v2_version=3 if is_version_3 else 4, v23_sep=None)
