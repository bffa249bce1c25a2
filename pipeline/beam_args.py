"""Beam's flags, and how its batches are bounded."""

from __future__ import annotations

import os

# Below this many clips a worker process's start (it imports TFX again) costs more than it brings.
_CLIPS_WORTH_WORKERS = 2_000

_RUNNER = "pipeline.beam_runner.LocalRunner"


def direct_runner(n_clips: int, workers: int | None) -> tuple[tuple[str, ...], str]:
    """Returns the flags of Beam's direct runner and the reason for them.

    Args:
        n_clips: clips to read.
        workers: worker processes; 1 means in memory, None lets the number of clips decide.
    """
    if workers is None:
        small = n_clips < _CLIPS_WORTH_WORKERS
        workers = 1 if small else os.cpu_count() or 1
        why = f"{n_clips} clips, {'fewer' if small else 'not fewer'} than {_CLIPS_WORTH_WORKERS}"
    else:
        why = "as asked for"
    if workers == 1:
        return _flags("in_memory", 1), f"in memory ({why})"
    return _flags("multi_processing", workers), f"{workers} worker processes ({why})"


def _flags(mode: str, workers: int) -> tuple[str, ...]:
    return (
        f"--runner={_RUNNER}",
        f"--direct_running_mode={mode}",
        f"--direct_num_workers={workers}",
        # No container runs here. Without this flag TFX packs itself anew for every component, for
        # workers elsewhere: two seconds each, left behind in the temporary folder.
        "--sdk_container_image=none",
    )


def bound_batches() -> None:
    """Makes TFX cut its batches by bytes (20 MiB) instead of rows.

    By rows a batch grows to 1,000, which is over a gigabyte of clips; TFX's components have no
    argument for it. To be called in the process that builds the Beam pipelines.
    """
    from absl import flags
    from tfx_bsl.coders import batch_util

    del batch_util  # imported for the flag that it defines
    flags.FLAGS.set_default("tfxio_use_byte_size_batching", True)
