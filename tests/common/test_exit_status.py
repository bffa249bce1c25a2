"""What a command ends with, and the one sentence that it says."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import NoReturn

import pytest

from common.errors import InputError, OutageError
from common.exit_status import BAD_INPUT, FAULT, INTERRUPTED, with_exit_status


def ended(
    capsys: pytest.CaptureFixture[str], error: BaseException, **words: str
) -> tuple[int, str]:
    """Return the status for an error, and what was said."""

    def action() -> NoReturn:
        raise error

    status = with_exit_status("run.py", action, **words)
    return status, capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "status"), [(InputError("no audio"), BAD_INPUT), (OutageError("no audio"), FAULT)]
)
def test_bad_input_and_an_outage_are_a_line(
    capsys: pytest.CaptureFixture[str], error: Exception, status: int
) -> None:
    assert ended(capsys, error) == (status, "run.py: error: no audio\n")


def test_a_fault_of_the_program_has_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    status, said = ended(capsys, KeyError("x"))
    assert (status, said.splitlines()[0]) == (FAULT, "run.py: error: KeyError: 'x'")
    assert "Traceback" in said


def test_each_command_has_its_own_words_for_an_interruption_and_a_full_disk(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    full = OSError(errno.ENOSPC, "No space left on device", str(tmp_path))
    stopped = ended(capsys, KeyboardInterrupt(), interrupted="look first")
    assert stopped == (INTERRUPTED, "look first\n")
    ran_out = ended(capsys, full, disk_full="move --output")
    assert ran_out == (BAD_INPUT, "run.py: error: move --output\n")
    assert "--output-dir" in ended(capsys, full)[1]


@pytest.mark.parametrize("error", [InputError, OutageError, RuntimeError])
def test_a_name_in_an_error_cannot_steer_the_terminal(
    capsys: pytest.CaptureFixture[str], error: type[Exception]
) -> None:
    said = ended(capsys, error("no \x1b]0;owned\x07"))[1]
    assert r"no \x1b]0;owned\x07" in said.splitlines()[0]
    assert not set("\x1b\x07") & set(said)


@pytest.mark.parametrize(("code", "told"), [(3, "3"), ("no data", "no data"), (None, "None")])
def test_an_exit_that_is_not_of_beams_parser_is_a_fault_of_the_program(
    capsys: pytest.CaptureFixture[str], code: object, told: str
) -> None:
    status, said = ended(capsys, SystemExit(code))
    assert (status, said.splitlines()[0]) == (FAULT, f"run.py: error: SystemExit: {told}")
