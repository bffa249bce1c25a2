"""Text on a terminal: any encoding, and names that cannot steer the terminal."""

from __future__ import annotations

import io
import re
import sys

# C0 without tab and newline, DEL, C1, and the surrogates that stand for bytes that are not UTF-8.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def replace_unencodable() -> None:
    """Makes stdout replace what its encoding lacks; the first call of every command.

    By default a genre such as 日本 ends a command whose stdout is ASCII. Python's stderr shows such
    characters as escapes by itself.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def visible(text: str) -> str:
    r"""Returns `text` with control characters as escapes such as \x1b.

    Names of files, genres and titles may hold escape sequences, which a terminal would obey.
    """
    return _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def print_error(text: str) -> None:
    """Prints `text` on stderr, control characters as escapes."""
    print(visible(text), file=sys.stderr)
