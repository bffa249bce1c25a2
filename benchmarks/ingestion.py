"""FmaExampleGen's two passes over a few clips, without Beam's runner."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dataset.config import AudioConfig
from dataset.track import Track


def ingest(tracks: Sequence[Track], audio: AudioConfig, folder: Path) -> str:
    """Decodes the clips, writes their raw Examples below `folder` and returns the file's path."""
    # Imports Beam and TensorFlow, seconds.
    from components.fma_example_gen.copying import CopyClips
    from components.fma_example_gen.staging import Batch, Stage
    from dataset.copy_plan import plan_copies

    stage = Stage(str(folder), audio)
    stage.setup()
    try:
        outcomes = list(stage.process(Batch(0, list(tracks))))
    finally:
        stage.teardown()
    batch_of = {outcome.track_id: outcome.batch for outcome in outcomes if not outcome.kind}
    (copy,) = plan_copies(batch_of, dict.fromkeys(batch_of, "train"), padded={})
    CopyClips(str(folder), {"train": str(folder)}).process(copy)
    return str(folder / copy.file_names["train"])
