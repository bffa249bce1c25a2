"""Errors that a person at the console can act on."""

from __future__ import annotations

import argparse
import errno
import re
import traceback


class InputError(Exception):
    """The input or the usage is wrong; the message is one sentence that names the thing."""


class OutageError(Exception):
    """A service did not do what was rightly asked of it; the message is one sentence."""


DISK_FULL = "the disk is full: free some space or choose another --output-dir"
# The system's, and SQLite's, of a metadata store.
_DISK_FULL_TEXTS = ("No space left on device", "database or disk is full")
# How Beam re-raises an error of a worker: as text in an error of its own.
_FROM_A_WORKER = re.compile(r"InputError: (.+?)(?: \[while running|\n|$)")


def user_message(error: BaseException, disk_full: str = DISK_FULL) -> str | None:
    """Returns the sentence to show for `error`, or None where it is a fault of the program.

    Looks at the whole chain of errors, and at their text: Beam and TensorFlow re-raise what
    happened elsewhere as text.

    Args:
        error: what was raised.
        disk_full: the sentence for a full disk, which names the flag that moves what is written.
    """
    for link in _chain(error):
        if isinstance(link, InputError):
            return str(link)
        if isinstance(link, SystemExit) and _is_by_beams_parser(link):
            return _refused_by_beam(link)
        if found := _FROM_A_WORKER.search(str(link)):
            return found[1]
    if is_disk_full(error):
        return disk_full
    return None


def in_a_line(error: BaseException, disk_full: str = DISK_FULL) -> str:
    """Returns what went wrong in one line, whoever's fault it is; see `user_message`."""
    first_line = (str(error).strip().splitlines() or [""])[0]
    return user_message(error, disk_full) or f"{type(error).__name__}: {first_line}"


def is_disk_full(error: BaseException) -> bool:
    """Returns whether a full disk is behind `error`, so that nothing after it would fare better."""
    return any(
        (isinstance(link, OSError) and link.errno in (errno.ENOSPC, errno.EDQUOT))
        or any(text in str(link) for text in _DISK_FULL_TEXTS)
        for link in _chain(error)
    )


def _is_by_beams_parser(error: SystemExit) -> bool:
    """Returns whether argparse exits while Beam parses its flags."""
    callers = [frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__)]
    by_argparse = callers[-1:] == [argparse.ArgumentParser.exit.__code__.co_filename]
    return by_argparse and any("/apache_beam/" in caller for caller in callers)


def _refused_by_beam(error: SystemExit) -> str:
    # While it exits, argparse handles the error that names the flag; few of its exits have none.
    why = error.__context__
    return "Beam refused one of its flags" + (
        f": {why}" if isinstance(why, argparse.ArgumentError) else "; see the log"
    )


def _chain(error: BaseException) -> list[BaseException]:
    """Returns an error, what caused it, what caused that, and so on."""
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain:
        chain.append(link)
        link = link.__cause__ or link.__context__
    return chain
