"""Ids that stay: of an artist, an album and a track that an archive only names."""

from __future__ import annotations

import hashlib
import re
import unicodedata

NOBODY = -1
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_BITS = 53  # whole numbers of JSON and JavaScript are exact up to here


def artist_id(name: str) -> int:
    """Returns the id of an artist, however the name is spaced, cased or composed; -1 for no name.

    Two spellings of one artist would put the same voice into train and test.
    """
    return _id_of("artist", _folded(name)) if _folded(name) else NOBODY


def album_id(title: str, artist: str = "") -> int:
    """Returns the id of an album, -1 for no title; each artist may have "Greatest Hits"."""
    return _id_of("album", _folded(artist), _folded(title)) if _folded(title) else NOBODY


def track_id(path: str) -> int:
    """Returns the id of the track whose file is at `path` below the audio folder, to the letter."""
    return _id_of("track", path)


def printable(text: str) -> str:
    """Returns a text in one line, without what cannot be seen.

    Runs of white space, control characters and separators become one space, and none at the ends.
    Invisible characters are removed: those of the Unicode category Cf (zero-width ones, soft
    hyphens, byte order and direction marks), variation selectors, fillers and the blank Braille
    pattern. Accents are composed (NFC). Bytes that are not UTF-8, which a file name may hold, are
    shown as escapes.
    """
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    utf_8 = text.encode("utf-8", "backslashreplace").decode("utf-8")
    visible = "".join(map(_visible, utf_8))
    return unicodedata.normalize("NFC", " ".join(visible.split()))


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", printable(name).casefold())


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cf" or _INVISIBLE.match(character):
        return ""
    return " " if category == "Cc" or category.startswith("Z") else character


def _id_of(*parts: str) -> int:
    """Returns the first 53 bits of the SHA-256 digest of what is named, a kind first."""
    text = "\0".join(parts).encode("utf-8", "surrogateescape")
    digest = hashlib.sha256(text).digest()
    return int.from_bytes(digest[:8], "big") >> (64 - _BITS)
