"""What a command ends with, and the one sentence that it says where it fails."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path

from common.errors import DISK_FULL, OutageError, in_a_line, user_message
from common.terminal import print_error

PUSHED, FAULT, BAD_INPUT, REFUSED, SOME_FAILED, INTERRUPTED = 0, 1, 2, 3, 4, 130


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
        print_error(interrupted)
        return INTERRUPTED
    except OutageError as error:
        print_error(f"{program}: error: {error}")
        return FAULT
    except (Exception, SystemExit) as error:
        status = FAULT if user_message(error) is None else BAD_INPUT
        print_error(f"{program}: error: {in_a_line(error, disk_full)}")
        if log_path and log_path.exists():
            print_error(f"the log is {log_path}")
        elif status == FAULT:
            print_error(traceback.format_exc())
        return status
