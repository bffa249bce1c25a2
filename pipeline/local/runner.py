"""A run on this machine, from preflight to the verdict on the console."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import fcntl
import logging
import os
import shutil
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from common.console import PlainConsole, output_to_log
from common.errors import InputError, in_a_line
from common.exit_status import PUSHED, REFUSED, with_exit_status
from common.formatting import in_bytes
from dataset.bad_files import BAD_FILES_NAME
from models import failure_notes
from pipeline import beam_args, metadata_store, preflight
from pipeline.beam_args import BeamConfig
from pipeline.config import PipelineConfig
from pipeline.local import cpu_speed, output_folder, result_tables
from pipeline.local.step_reporter import ComponentLog, StepReporter

if TYPE_CHECKING:
    from pipeline.local.prune import Survey
    from pipeline.local.results import RunResult

PROGRAM = "local_runner.py"


def show_plan(
    config: PipelineConfig, output: Path, beam: BeamConfig, *, prune: bool = False
) -> int:
    """Checks the input and prints what a run would do, and with `prune` what it would remove."""
    console = PlainConsole()

    def plan_only() -> int:
        output_folder.check_output(output, config)
        checked, plan = preflight.check(config)
        preflight.print_plan(console, checked, plan, beam.flags(plan.n_clips)[1])
        _print_times(console, checked, plan)
        if prune:
            metadata_store.check(Path(config.metadata_path), write=False)
            found = output_folder.survey(checked)
            _print_pruned(console, "would remove", found)
            for folder, n_bytes in sorted(found.stale.items()):
                console.print(f"  {in_bytes(n_bytes):>8}  {folder}", soft_wrap=True, markup=False)
        return PUSHED

    return with_exit_status(PROGRAM, plan_only)


def run(
    config: PipelineConfig, output: Path, beam: BeamConfig, *, resume: bool, prune: bool = False
) -> int:
    """Runs the pipeline and returns the exit status.

    Args:
        config: the run.
        output: its folder.
        beam: how Beam is to run.
        resume: whether an interrupted training goes on.
        prune: whether stale artifacts are removed first.
    """
    started = datetime.datetime.now()
    log_path = output / "logs" / f"{started:%Y%m%d-%H%M%S}.log"

    def whole_run() -> int:
        output_folder.check_output(output, config)
        checked, plan = preflight.check(config)
        needed = output_folder.bytes_needed(plan.n_clips, config.models, config.audio)
        output_folder.prepare_output(output)
        flags, why = beam.flags(plan.n_clips)
        checked = dataclasses.replace(checked, beam_args=flags)
        _let_numba_cache(output)
        with _only_run_in(output):
            if prune:
                _prune(checked)
            metadata_store.check(Path(config.metadata_path), write=True)
            output_folder.check_disk(checked, output, needed)
            if not resume:
                _forget_checkpoints(Path(config.checkpoint_dir))
            preflight.print_plan(PlainConsole(), checked, plan, why)
            _print_times(PlainConsole(), checked, plan)
            with output_to_log(log_path) as console:
                result = _execute(checked, output, console)
                _print_result(console, result, output, log_path, started)
                _print_stale(checked, console)
        return PUSHED if result.pushed_to else REFUSED

    return with_exit_status(PROGRAM, whole_run, log_path)


def _forget_checkpoints(folder: Path) -> None:
    # Not the notes of failed trainings, or the cache would serve these again.
    for checkpoints in folder.glob("*"):
        if checkpoints.name != failure_notes.FOLDER:
            shutil.rmtree(checkpoints)


def _print_times(console: Console, config: PipelineConfig, plan: preflight.Plan) -> None:
    # TensorFlow prints while it is imported.
    with output_to_log(Path(os.devnull)):
        from pipeline.local import run_time, time_table

        steps = run_time.estimate(config, plan.splits["totals"], cpu_speed.slowness())
    time_table.print_times(console, steps)


def _prune(config: PipelineConfig) -> None:
    # Not whether it can be written, for on a full disk it cannot before something is removed.
    metadata_store.check(Path(config.metadata_path), write=False)
    found = output_folder.survey(config)
    from pipeline.local import prune

    prune.remove(config.metadata_path, found)
    _print_pruned(PlainConsole(), "removed", found)


def _print_pruned(console: Console, what: str, found: Survey) -> None:
    console.print(f"  {what} {in_bytes(found.stale_bytes)} of stale artifacts")


def _print_stale(config: PipelineConfig, console: Console) -> None:
    from pipeline.local import prune

    try:
        found = prune.survey(config.pipeline_root, config.metadata_path)
    except Exception:  # no reason to call a run failed that has pushed
        logging.exception("Stale artifacts could not be listed")
        return
    if found.is_worth_telling:
        console.print(f"  {'note':<12} {found.stale_line}", markup=False)


@contextlib.contextmanager
def _only_run_in(output: Path) -> Iterator[None]:
    with open(output / ".lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(f"another run is using --output-dir {output}") from error
        yield


def _let_numba_cache(output: Path) -> None:
    """Has numba cache below `output` where the user has no cache folder to write to.

    librosa cannot be imported where numba finds no folder. For this process and its children.
    """
    user_cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    try:
        user_cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=user_cache):
            pass
    except OSError:
        os.environ.setdefault("NUMBA_CACHE_DIR", str(output / ".numba"))


def _execute(config: PipelineConfig, output: Path, console: Console) -> RunResult:
    with StepReporter(console) as reporter:
        try:
            reporter.start("loading TFX")
            log = ComponentLog(reporter, {"FmaExampleGen": lambda: _print_splits(config, console)})
            with _failure_published(config, output), _followed(log):
                return _run_dag(config, output, console, reporter)
        except BaseException:
            traceback.print_exc()  # to the log
            raise


@contextlib.contextmanager
def _failure_published(config: PipelineConfig, output: Path) -> Iterator[None]:
    """Removes what an earlier run has published; publishes the reason of a failure instead."""
    from pipeline.local import results

    earlier = 0
    try:
        results.withdraw(str(output))
        earlier = metadata_store.latest_run(config.metadata_path)
        yield
    except (Exception, SystemExit) as error:
        try:
            done = metadata_store.latest_outputs(config.metadata_path, after=earlier)
            results.publish_failure(done, str(output), in_a_line(error))
        except Exception:
            logging.exception("The reason of the failure could not be published")
        raise


def _run_dag(
    config: PipelineConfig, output: Path, console: Console, reporter: StepReporter
) -> RunResult:
    from tfx import v1 as tfx

    from pipeline.dag import create_pipeline
    from pipeline.local import results

    beam_args.bound_batches()
    dag = create_pipeline(config)
    note = _look_for_weights(config)
    reporter.finish()
    if note:
        console.print(f"  note      {note}", markup=False)
    tfx.orchestration.LocalDagRunner().run(dag)
    outputs = metadata_store.latest_outputs(config.metadata_path)
    return results.publish(outputs, str(output), config.gate, config.contest.max_credible_accuracy)


def _print_splits(config: PipelineConfig, console: Console) -> None:
    from pipeline.local import ingest_summary

    for line in ingest_summary.lines(config.metadata_path):
        console.print(f"    {line}", markup=False)


def _look_for_weights(config: PipelineConfig) -> str | None:
    """Returns what is wrong with the weights of MobileNetV2, better now than after hours.

    Raises:
        InputError: where no other model is to be trained.
    """
    if "mobilenet_v2" not in config.models or config.train.mobilenet_weights == "none":
        return None
    from models.transfer import mobilenet

    try:
        mobilenet.build_base(config.audio, config.train.mobilenet_weights)
    except InputError as error:
        if len(config.models) == 1:
            raise
        return f"mobilenet_v2 will fail, the others go on: {error}"
    return None


@contextlib.contextmanager
def _followed(handler: logging.Handler) -> Iterator[None]:
    """Logs from INFO on, and passes what TFX logs to `handler`."""
    from absl import logging as absl_logging

    absl_logging.set_verbosity(absl_logging.INFO)
    logger = logging.getLogger("absl")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def _print_result(
    console: Console,
    result: RunResult,
    output: Path,
    log_path: Path,
    started: datetime.datetime,
) -> None:
    console.print()
    result_tables.print_board(console, result.leaderboard, pushed=result.pushed_to is not None)
    if result.note:
        console.print(f"  {result.note}", markup=False)
    console.print()
    rows = [
        ("model", result.pushed_to or "-"),
        ("report", result.report),
        ("leaderboard", output / "leaderboard.json"),
        ("bad files", f"{output / BAD_FILES_NAME} ({sum(result.faults.values())} lines)"),
        ("log", log_path),
    ]
    for name, value in rows:
        console.print(f"  {name:<12} {value}", markup=False)
    seconds = (datetime.datetime.now() - started).total_seconds()
    console.print(f"  {'time':<12} {seconds:.0f} s")
