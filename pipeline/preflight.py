"""Looking at the input before anything is computed."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from components import failure_notes, files
from components.fma_example_gen.archive.catalogue import Catalogue
from components.fma_example_gen.archive.listing import is_in_audio_folder, list_audio
from components.fma_example_gen.archive.plan import plan_ingest
from components.fma_example_gen.conclusion import foresee, policy_of
from components.fma_example_gen.digests import with_digests
from components.fma_example_gen.judging import needed_of_fma
from components.fma_example_gen.splits import table
from components.fma_example_gen.tables import echonest
from pipeline.config import FMA_CLIP_SECONDS, AudioConfig
from pipeline.console import output_to_log
from pipeline.errors import InputError
from pipeline.run_config import PipelineConfig

if TYPE_CHECKING:
    from pipeline.prune import Survey

# What a run writes a clip beside its samples, which are in the Examples, again in the windows and,
# while a network of raw audio is trained, a third time: picture, statistics, and what TFX adds.
_DERIVED_BYTES_A_CLIP = 250_000
_MODEL_BYTES = 1_500_000_000
# SQLite takes paths of up to 512 bytes, and that of the database has `-journal` appended; a link
# counts as what it leads to. Linux's own limit, 4,096 bytes, is out of reach then: all else that a
# run writes has paths of up to 260 bytes below --output-dir (TFT's cache of analyzers).
_MAX_DATABASE_PATH_BYTES = 504


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is to be read, who decides the splits, and what they hold by the metadata."""

    catalogue: Catalogue
    split_policy: str
    splits: Mapping[str, Any]

    @property
    def n_clips(self) -> int:
        """Number of tracks to read."""
        return len(self.catalogue.tracks)


def check(config: PipelineConfig) -> tuple[PipelineConfig, Plan]:
    """Returns the configuration with the digests of the files it starts from, and what is to read.

    Raises:
        InputError: where the input cannot train a classifier.
    """
    listing = list_audio(config.data)
    catalogue = plan_ingest(config.data, listing)
    policy = policy_of(catalogue, config.data)
    plan = Plan(catalogue, policy, foresee(catalogue, config.data))
    data = with_digests(config.data, listing)
    train = config.train
    if train.mobilenet_weights not in ("imagenet", "none"):
        digest = files.digest(_bucket_path(train.mobilenet_weights))
        train = dataclasses.replace(train, mobilenet_weights_digest=digest)
    retried = failure_notes.fingerprints(config.checkpoint_dir, config.models)
    return dataclasses.replace(config, data=data, train=train, retried=retried), plan


def check_output(output: Path, config: PipelineConfig) -> None:
    """Checks where the output folder is; writes nothing.

    Raises:
        InputError: where its path is too long, or where it would become a part of the archive.
    """
    database_bytes = len(os.fsencode(os.path.realpath(config.metadata_path)))
    excess = database_bytes - _MAX_DATABASE_PATH_BYTES
    if excess > 0:
        raise InputError(
            f"--output-dir {output} is too long: SQLite takes paths of up to "
            f"{_MAX_DATABASE_PATH_BYTES} bytes, and that of {config.metadata_path} has "
            f"{database_bytes}: choose a path with {excess} fewer"
        )
    audio_dir = config.data.audio_dir
    if "://" not in audio_dir and is_in_audio_folder(str(output), audio_dir):
        raise InputError(
            f"--output-dir {output} is in the audio folder {audio_dir}, where the next run would "
            "read it: choose a folder outside of it"
        )


def check_echonest(config: PipelineConfig) -> str | None:
    """Returns a line on FMA's `echonest.csv`, which no model reads, None where there is none.

    Raises:
        InputError: where it is not as FMA has it.
    """
    path = files.join(config.data.metadata_dir, echonest.FILE_NAME)
    if not config.data.metadata_dir or not files.exists(path):
        return None
    return f"{echonest.FILE_NAME} is FMA's, with {echonest.check(path)} rows; no model reads it"


def _bucket_path(path: str) -> str:
    """Returns the `gs://` path of a file where Vertex AI's custom jobs have it mounted."""
    return "gs://" + path.removeprefix("/gcs/") if path.startswith("/gcs/") else path


def prepare_output(output: Path) -> None:
    """Makes the output folder.

    Raises:
        InputError: where it cannot be written.
    """
    try:
        (output / "logs").mkdir(parents=True, exist_ok=True)
        probe = output / ".write-probe"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise InputError(f"cannot write to --output-dir {output}: {error.strerror}") from error


def check_disk(config: PipelineConfig, output: Path, needed_bytes: int) -> None:
    """Checks that the disk of the output folder can take what is to come.

    Raises:
        InputError: where it is too small.
    """
    free = shutil.disk_usage(output).free
    if free >= needed_bytes:
        return
    found = survey(config)
    needed_bytes -= found.reusable_bytes
    if free < needed_bytes:
        stale = f"; {found.stale_line}" if found.stale_bytes else ""
        raise InputError(
            f"--output-dir {output} has {free / 1e9:.1f} GB free, the run needs about "
            f"{needed_bytes / 1e9:.1f} GB{stale}"
        )


def survey(config: PipelineConfig) -> Survey:
    """Returns what is below the pipeline root, and how much of it the run can reuse."""
    # TFX and TensorFlow print while they are imported.
    with output_to_log(Path(os.devnull)):
        from pipeline import prune

        return prune.survey_before(config)


def bytes_needed(n_clips: int, n_models: int, audio: AudioConfig) -> int:
    """Returns a generous estimate of what a run writes."""
    a_clip = 3 * 2 * audio.clip_samples + _DERIVED_BYTES_A_CLIP
    return n_clips * a_clip + n_models * _MODEL_BYTES // 3


def print_plan(console: Console, config: PipelineConfig, plan: Plan, beam: str) -> None:
    """Prints what is to be read, by genre and split, and how."""
    for line in table.lines(plan.splits):
        console.print(f"  {line}", soft_wrap=True, markup=False)
    console.print()
    notes = [("split", plan.split_policy), ("models", ", ".join(config.models)), ("Beam", beam)]
    for reason, count in sorted(plan.catalogue.left_out.items()):
        notes.append(("left out", f"{reason}: {count}"))
    kinds = Counter(fault.kind.value for fault in plan.catalogue.faults)
    for kind, count in sorted(kinds.items()):
        notes.append(("left out", f"{kind}: {count}"))
    if "mobilenet_v2" in config.models and config.train.mobilenet_weights == "none":
        notes.append(
            ("note", "the base of mobilenet_v2 is untrained: only its head learns. Give it")
        )
        notes.append(("", "trained weights with --mobilenet-weights imagenet, or a path."))
    needed = needed_of_fma(config.data, config.audio)
    if needed > config.audio.min_clip_seconds:
        note = f"if 95 % of the files last {FMA_CLIP_SECONDS:g} s, as FMA's clips do, files shorter"
        notes.append(("note", note))
        notes.append(("", f"than {needed:g} s are bad, whatever --min-clip-seconds says."))
    for name, text in notes:
        console.print(f"  {name:<10}{text}", soft_wrap=True, markup=False)
    console.print()
