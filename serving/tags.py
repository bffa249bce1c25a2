"""The genre in the tags of a file."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any


class TagError(Exception):
    """A file cannot be tagged; the message says why."""


def write_genre(path: Path, genre: str) -> None:
    """Writes the genre into a file's tags, in place of the one there; other tags are kept.

    The file is copied, tagged and moved into place, so that it is whole at any time. Where a link
    leads to it, the link stays.

    Args:
        path: of an audio file.
        genre: to write.

    Raises:
        TagError: where its format has no tags, or it cannot be written.
    """
    target = Path(os.path.realpath(path))
    aside = None
    try:
        descriptor, aside = tempfile.mkstemp(target.suffix, f".{target.stem[:40]}.", target.parent)
        os.close(descriptor)
        shutil.copy2(target, aside)
        _tag(aside, genre)
        os.replace(aside, target)
        aside = None
    except OSError as error:
        raise TagError(error.strerror or str(error)) from error
    finally:
        if aside:
            os.unlink(aside)


def _tag(path: str, genre: str) -> None:
    import mutagen
    from mutagen.asf import ASF
    from mutagen.id3 import ID3, TCON

    try:
        file: Any = mutagen.File(path, easy=True)
        if file is None:
            raise TagError("its format has no tags that can be written")
        if file.tags is None:
            file.add_tags()
        if isinstance(file.tags, ID3):  # of wav, aiff and dsf, which have no easy mode
            file.tags.setall("TCON", [TCON(encoding=3, text=[genre])])
        else:
            file["WM/Genre" if isinstance(file, ASF) else "genre"] = [genre]
        file.save()
    except TagError:
        raise
    except Exception as error:  # whatever the library raises is this file's fault, and is named
        raise TagError(str(error) or type(error).__name__) from error
