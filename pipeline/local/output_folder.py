"""Whether a run can write to its output folder, and what it needs there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from common.console import output_to_log
from common.errors import InputError
from dataset.catalogue.listing import is_in_audio_folder
from dataset.config import AudioConfig
from models.registry import WAVEFORM_NETWORKS
from pipeline.config import PipelineConfig

if TYPE_CHECKING:
    from pipeline.local.prune import Survey

# What a run writes a clip beside its samples: spectrogram, statistics, and what TFX adds.
_DERIVED_BYTES_A_CLIP = 250_000
_BYTES_A_MODEL = 500_000_000


def check_output(output: Path, config: PipelineConfig) -> None:
    """Checks where the output folder is; writes nothing.

    Raises:
        InputError: where it would become a part of the archive.
    """
    audio_dir = config.data.audio_dir
    if "://" not in audio_dir and is_in_audio_folder(str(output), audio_dir):
        raise InputError(
            f"--output-dir {output} is in the audio folder {audio_dir}, where the next run would "
            "read it: choose a folder outside of it"
        )


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
    from pipeline.local import prune

    found = survey(config)
    # The run takes from the cache, or goes on with, what the latest one has left.
    needed_bytes -= found.total_bytes - found.stale_bytes
    needed_bytes -= prune.folder_bytes(config.checkpoint_dir)
    if free < needed_bytes:
        stale = f"; {found.stale_line}" if found.stale_bytes else ""
        raise InputError(
            f"--output-dir {output} has {free / 1e9:.1f} GB free, the run needs about "
            f"{needed_bytes / 1e9:.1f} GB{stale}"
        )


def survey(config: PipelineConfig) -> Survey:
    """Returns what is below the pipeline root, and how much of it is stale."""
    # TFX and TensorFlow print while they are imported.
    with output_to_log(Path(os.devnull)):
        from pipeline.local import prune

        return prune.survey(config.pipeline_root, config.metadata_path)


def bytes_needed(n_clips: int, models: Sequence[str], audio: AudioConfig) -> int:
    """Returns a generous estimate of what a run writes.

    Samples are in the Examples; networks of raw audio have them in the windows, too, and while they
    are trained a third time.
    """
    copies = 3 if WAVEFORM_NETWORKS.keys() & set(models) else 1
    a_clip = copies * 2 * audio.clip_samples + _DERIVED_BYTES_A_CLIP
    return n_clips * a_clip + len(models) * _BYTES_A_MODEL
