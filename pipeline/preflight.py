"""Looking at the input before anything is computed."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from components import failure_notes, files
from components.fma_example_gen.digests import with_digests
from components.fma_example_gen.tracks import (
    IngestPlan,
    check_trainable,
    plan_ingest,
)
from pipeline.config import SPLITS, AudioConfig
from pipeline.errors import InputError
from pipeline.run_config import PipelineConfig

# What a run writes a clip beside its samples, which are in the Examples, again in the windows and,
# while a network of raw audio is trained, a third time: picture, statistics, and what TFX adds.
_DERIVED_BYTES_A_CLIP = 250_000
_MODEL_BYTES = 1_500_000_000


def check(config: PipelineConfig) -> tuple[PipelineConfig, IngestPlan]:
    """Returns the configuration with the digests of the files it starts from, and what is to read.

    Raises:
        InputError: where the input cannot train a classifier.
    """
    plan = plan_ingest(config.data)
    check_trainable(plan.clips, config.data.audio_dir)
    data = with_digests(config.data)
    train = config.train
    if train.mobilenet_weights not in ("imagenet", "none"):
        digest = files.digest(_bucket_path(train.mobilenet_weights))
        train = dataclasses.replace(train, mobilenet_weights_digest=digest)
    retried = failure_notes.fingerprints(config.checkpoint_dir, config.models)
    return dataclasses.replace(config, data=data, train=train, retried=retried), plan


def _bucket_path(path: str) -> str:
    """Returns the `gs://` path of a file where Vertex AI's custom jobs have it mounted."""
    return "gs://" + path.removeprefix("/gcs/") if path.startswith("/gcs/") else path


def prepare_output(output: Path, needed_bytes: int) -> None:
    """Makes the output folder and checks that it can take what is to come.

    Raises:
        InputError: where it cannot be written or its disk is too small.
    """
    try:
        (output / "logs").mkdir(parents=True, exist_ok=True)
        probe = output / ".write-probe"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise InputError(f"cannot write to --output-dir {output}: {error.strerror}") from error
    # What earlier runs have left here is reused, or written once already; the clips that a killed
    # training has unpacked are removed before others are.
    kept = sum(path.stat().st_size for path in output.rglob("*") if path.is_file())
    needed_bytes -= kept
    free = shutil.disk_usage(output).free
    if free < needed_bytes:
        raise InputError(
            f"--output-dir {output} has {free / 1e9:.1f} GB free, the run needs about "
            f"{needed_bytes / 1e9:.1f} GB"
        )


def bytes_needed(n_clips: int, n_models: int, audio: AudioConfig) -> int:
    """Returns a generous estimate of what a run writes."""
    a_clip = 3 * 2 * audio.clip_samples + _DERIVED_BYTES_A_CLIP
    return n_clips * a_clip + n_models * _MODEL_BYTES // 3


def print_plan(console: Console, config: PipelineConfig, plan: IngestPlan, beam: str) -> None:
    """Prints what is to be read, by genre and split, and how."""
    table = Table(box=None, padding=(0, 2), header_style="bold")
    table.add_column("clips")
    for split in SPLITS:
        table.add_column(split, justify="right")
    for genre in sorted({genre for _, genre in plan.clips}):
        table.add_row(Text(genre), *(str(plan.clips[split, genre]) for split in SPLITS))
    totals = (sum(n for (s, _), n in plan.clips.items() if s == split) for split in SPLITS)
    table.add_row("all", *map(str, totals), style="bold")
    console.print(table)
    notes = [("models", ", ".join(config.models)), ("Beam", beam)]
    if plan.faults:
        notes.append(("left out", f"{len(plan.faults)} rows or files, before any file is opened"))
    if straddling := plan.straddling_artists:
        shown = ", ".join(map(str, straddling[:5])) + (", …" if len(straddling) > 5 else "")
        notes.append(
            ("warning", f"{len(straddling)} artists are in more than one split ({shown}):")
        )
        notes.append(("", "every figure below is flattered; --split artist-hash avoids it."))
    if "mobilenet_v2" in config.models and config.train.mobilenet_weights == "none":
        notes.append(
            ("note", "the base of mobilenet_v2 is untrained: only its head learns. Give it")
        )
        notes.append(("", "trained weights with --mobilenet-weights imagenet, or a path."))
    for name, text in notes:
        console.print(f"  {name:<10}{text}", soft_wrap=True, markup=False)
    console.print()
