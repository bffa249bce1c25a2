"""Which errors a person is told about in a sentence."""

from __future__ import annotations

import argparse
import errno
import sys
from collections.abc import Callable

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from common.errors import InputError, in_a_line, user_message
from pipeline.beam_runner import LocalRunner

DISK_FULL = "the disk is full: free some space or choose another --output-dir"


def raised(error: BaseException, *wrappers: BaseException, explicit: bool = True) -> BaseException:
    """Return the last of `wrappers` as it is raised from (or while handling) the one before."""
    try:
        raise error
    except BaseException as caught:
        if not wrappers:
            return caught
        inner = caught
    try:
        if explicit:
            raise wrappers[0] from inner
        try:
            raise inner
        except BaseException:
            raise wrappers[0]  # noqa: B904 - the implicit context is what is tested
    except BaseException as caught:
        return raised(caught, *wrappers[1:], explicit=explicit)


@pytest.mark.parametrize("explicit", [True, False])
@pytest.mark.parametrize("depth", [0, 1, 3])
def test_an_input_error_is_found_in_the_chain(explicit: bool, depth: int) -> None:
    wrappers = [RuntimeError(f"wrapper {number}") for number in range(depth)]
    error = raised(InputError("no audio in /a"), *wrappers, explicit=explicit)
    assert user_message(error) == "no audio in /a"


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, ""),
        OSError(errno.EDQUOT, ""),
        # TensorFlow, Beam's workers and the metadata store keep the text alone.
        RuntimeError("ResourceExhaustedError: /o/x.tmp; No space left on device [while running"),
        RuntimeError("Error when executing query: database or disk is full query: UPDATE `Art"),
    ],
)
def test_a_full_disk_is_told_by_its_number_or_its_text(error: Exception) -> None:
    assert user_message(error) == DISK_FULL
    assert user_message(raised(error, RuntimeError("step failed"))) == DISK_FULL


def test_an_input_error_goes_before_a_full_disk() -> None:
    error = raised(OSError(errno.ENOSPC, "full"), InputError("too many bad files"))
    assert user_message(error) == "too many bad files"


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("a fault of the program"),
        OSError(errno.EACCES, "Permission denied"),
        KeyError("x"),
    ],
)
def test_other_errors_are_faults_of_the_program(error: Exception) -> None:
    assert user_message(error) is None
    assert user_message(raised(error, RuntimeError("outer"))) is None


def test_a_chain_that_bites_its_tail_ends() -> None:
    first, second = RuntimeError("first"), RuntimeError("second")
    first.__cause__, second.__cause__ = second, first
    assert user_message(first) is None


def test_an_input_error_of_a_worker_is_found_in_the_text() -> None:
    text = (
        "Traceback …\npipeline.errors.InputError: tracks.csv is gone [while running 'PlanShards']"
    )
    assert user_message(RuntimeError(text)) == "tracks.csv is gone"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (InputError("no audio in /a"), "no audio in /a"),
        (KeyError("x"), "KeyError: 'x'"),
        (RuntimeError("first\nsecond"), "RuntimeError: first"),
        (RuntimeError(), "RuntimeError: "),
    ],
)
def test_every_error_is_told_in_a_line(error: Exception, line: str) -> None:
    assert in_a_line(error) == line


def exit_of(parse: Callable[[], object]) -> SystemExit:
    """Return the exit with which a parser refuses its flags."""
    with pytest.raises(SystemExit) as caught:
        parse()
    return caught.value


def test_a_flag_that_beam_refuses_is_told_with_the_reason() -> None:
    error = exit_of(PipelineOptions(["--direct_num_workers=two"]).get_all_options)
    told = "Beam refused one of its flags: argument --direct_num_workers: invalid int value: 'two'"
    assert user_message(error) == told
    assert user_message(raised(error, RuntimeError("step failed"))) == told


def test_an_exit_of_another_parser_or_of_a_program_is_a_fault() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--n", type=int)
    assert user_message(exit_of(lambda: parser.parse_args(["--n=two"]))) is None
    assert user_message(exit_of(lambda: sys.exit("no data"))) is None

    class Ends(beam.DoFn):
        def process(self, element: int) -> None:
            sys.exit(3)

    def within_beam() -> None:
        with beam.Pipeline(runner=LocalRunner()) as pipeline:
            _ = pipeline | beam.Create([1]) | beam.ParDo(Ends())

    try:
        within_beam()
    except BaseException as error:
        assert user_message(error) is None
