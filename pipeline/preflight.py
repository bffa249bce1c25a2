"""Looking at the input before anything is computed."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from typing import Any

from rich.console import Console

from common import files
from dataset.catalogue.listing import list_audio
from dataset.catalogue.plan import plan_ingest
from dataset.config import FMA_CLIP_SECONDS
from dataset.digests import with_digests
from dataset.finalize import preview
from dataset.splits import table
from dataset.splits.decision import split_policy
from dataset.track import Catalogue
from dataset.validation import needed_of_fma
from models import failure_notes
from pipeline.config import PipelineConfig


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
    policy = split_policy(config.data, catalogue.has_splits)
    plan = Plan(catalogue, policy, preview(catalogue, config.data))
    data = with_digests(config.data, listing)
    train = config.train
    if train.mobilenet_weights not in ("imagenet", "none"):
        digest = files.digest(_bucket_path(train.mobilenet_weights))
        train = dataclasses.replace(train, mobilenet_weights_digest=digest)
    retried = failure_notes.fingerprints(
        config.checkpoint_dir, (*config.models, failure_notes.REFIT)
    )
    return dataclasses.replace(config, data=data, train=train, retried=retried), plan


def _bucket_path(path: str) -> str:
    """Returns the `gs://` path of a file where Vertex AI's custom jobs have it mounted."""
    return "gs://" + path.removeprefix("/gcs/") if path.startswith("/gcs/") else path


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
        notes.append(("", f"than {needed:g} s are bad, also with a smaller --min-clip-seconds."))
    for name, text in notes:
        console.print(f"  {name:<10}{text}", soft_wrap=True, markup=False)
    console.print()
