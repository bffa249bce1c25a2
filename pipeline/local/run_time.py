"""How long a run takes on a CPU, from what was measured on the reference CPU."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from features import example_keys
from models.registry import MODELS
from models.spec import ModelSpec, TrainingSize, load, parts
from pipeline.config import PipelineConfig

# Seconds of a step; None where it has not been measured.
Steps = Mapping[str, float | None]

READING = "reading, features, report"
REFIT = "fitting the best one again"
# Seconds on the reference CPU, of a clip of 30 s: to read it, and to compute each feature of it.
_MEASURED_CLIP_SECONDS = 30.0
_READING = 0.1
_FEATURES: Mapping[str, float] = {
    example_keys.LOG_MEL: 0.02,
    example_keys.WINDOWS: 0.1,
    example_keys.STATISTICS: 0.03,
    example_keys.MUSICNN: 0.08,
    example_keys.FMA_FEATURES: 0.0,
}
# What a run and each of its models take however few the clips are: to load TFX, to judge and
# report; to trace, export, load and rank.
_A_RUN, _A_MODEL = 40.0, 15.0
_LONG_SECONDS = 12 * 3_600


def estimate(config: PipelineConfig, totals: Mapping[str, Any], slowness: float) -> Steps:
    """Returns how long the steps of a run take, with all epochs and nothing cached.

    Args:
        config: the run.
        totals: clips by split, as `dataset.splits.table.count` returns them.
        slowness: of this CPU, see `pipeline.local.cpu_speed`.
    """
    clips = {split: cell["clips"] for split, cell in totals.items()}
    specs = {name: load(MODELS[name]) for name in config.models}
    read = {key for spec in specs.values() for key in parts(spec.feature(config.train))}
    a_clip = _a_clip(config, read)
    # Those of `test` are computed again to judge the best model.
    read_clips = sum(clips.values()) + clips["test"]
    reading = None if a_clip is None else _A_RUN + read_clips * a_clip
    steps = {READING: reading}
    for name, spec in specs.items():
        steps[name] = _a_model(name, spec, config, clips)
    if config.train.refit:
        steps[REFIT] = _refit(specs.values(), config, clips)
    return {name: None if cost is None else cost * slowness for name, cost in steps.items()}


def _a_clip(config: PipelineConfig, features: set[str]) -> float | None:
    """Returns the seconds of reading a clip with its features; None where one is not known."""
    if not features <= _FEATURES.keys():
        return None
    seconds = _READING + sum(_FEATURES[key] for key in features)
    return seconds * config.audio.clip_seconds / _MEASURED_CLIP_SECONDS


def _a_model(
    name: str, spec: ModelSpec, config: PipelineConfig, clips: Mapping[str, int]
) -> float | None:
    """Returns the seconds of a model's tuning, training and ranking."""
    size = TrainingSize(clips["train"], clips["eval"], config.audio)
    trial = TrainingSize(clips["train"], clips["eval"], config.audio, config.tune.epochs)
    trained = spec.training_seconds(config.train, size)
    tuned = spec.training_seconds(config.train, trial)
    a_clip = _a_clip(config, set(parts(spec.feature(config.train))))
    if trained is None or tuned is None or a_clip is None:
        return None
    trials = config.tune.trials if name in config.tune.models else 0
    # The ranker computes the features again, as what is served does.
    return _A_MODEL + trained + trials * tuned + clips["eval"] * a_clip


def _refit(
    specs: Iterable[ModelSpec], config: PipelineConfig, clips: Mapping[str, int]
) -> float | None:
    """Returns the seconds of the model that takes longest, which may be the best one."""
    size = TrainingSize(clips["train"] + clips["eval"], 0, config.audio)
    known = [spec.training_seconds(config.train, size) for spec in specs]
    return max((seconds for seconds in known if seconds is not None), default=None)


def total(steps: Steps) -> float:
    """Returns the seconds of all steps that have been measured."""
    return sum(seconds or 0.0 for seconds in steps.values())


def too_long(steps: Steps) -> list[str]:
    """Returns the longest steps, enough of them to bring the rest below 12 hours."""
    known = {name: seconds for name, seconds in steps.items() if seconds}
    rest, found = total(steps), []
    for name in sorted(known, key=lambda name: known[name], reverse=True):
        if rest <= _LONG_SECONDS:
            break
        found.append(name)
        rest -= known[name]
    return found
