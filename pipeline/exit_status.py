"""What a command ends with, and the one sentence that it says where it fails."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from pipeline.errors import DISK_FULL, OutageError, user_message

PUSHED, FAULT, BAD_INPUT, REFUSED, INTERRUPTED = 0, 1, 2, 3, 130


def with_exit_status(
    program: str,
    action: Callable[[], int],
    log_path: Path | None = None,
    *,
    interrupted: str = "interrupted; the same command carries on",
    disk_full: str = DISK_FULL,
) -> int:
    """Returns what `action` returns, or the exit status for what it raised, said in a sentence.

    Args:
        program: name of the command.
        action: what it does.
        log_path: where the traceback is, if anywhere.
        interrupted: what to say where the user stops it.
        disk_full: what to say where the disk is full.
    """
    try:
        return action()
    except KeyboardInterrupt:
        print(interrupted, file=sys.stderr)
        return INTERRUPTED
    except OutageError as error:
        print(f"{program}: error: {error}", file=sys.stderr)
        return FAULT
    except (Exception, SystemExit) as error:
        message = user_message(error, disk_full)
        if isinstance(error, SystemExit):
            message = "Beam refused one of its flags"  # its parser exits; the log has its words
        status = FAULT if message is None else BAD_INPUT
        if message is None:
            first_line = (str(error).strip().splitlines() or [""])[0]
            message = f"{type(error).__name__}: {first_line}"
        print(f"{program}: error: {message}", file=sys.stderr)
        if log_path and log_path.exists():
            print(f"the log is {log_path}", file=sys.stderr)
        elif status == FAULT:
            traceback.print_exc()
        return status
