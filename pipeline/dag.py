"""The DAG: one function, for every platform."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import tensorflow_data_validation as tfdv
from tfx import v1 as tfx
from tfx.dsl.components.base.base_node import BaseNode

import dataset
from components.atomic_pusher import AtomicPusher
from components.candidate_ranker.component import CandidateRanker
from components.candidate_ranker.executor import BEST_MODEL, EVALUATION, LEADERBOARD
from components.comparable_evaluator import ComparableEvaluator
from components.fma_example_gen.component import FmaExampleGen
from components.genre_report.component import GenreReport
from components.packaged_schema import PackagedSchemaGen
from components.strict_example_validator import StrictExampleValidator
from components.strict_transform import StrictTransform
from evaluation.gate import gate_config
from features import example_keys, musicnn_weights
from models import failure_notes
from models.registry import MODELS
from models.spec import load, parts
from pipeline.cache_key import CODE_DIGEST, code_digest, versions_digest
from pipeline.config import PipelineConfig
from pipeline.platforms import Platform, ThisMachine

SCHEMA_PATH = Path(dataset.__file__).parent / "schema.pbtxt"


def create_pipeline(config: PipelineConfig, platform: Platform | None = None) -> tfx.dsl.Pipeline:
    """Returns the pipeline for a configuration.

    Args:
        config: the run.
        platform: where it runs; None for this machine.
    """
    platform = platform or ThisMachine()
    example_gen = FmaExampleGen(config.data, config.audio, bad_files_path=config.bad_files_path)
    examples = example_gen.outputs["examples"]
    schema_gen = PackagedSchemaGen(schema_file=f"dataset:{SCHEMA_PATH.name}")
    schema_gen = schema_gen.with_id("ImportSchemaGen")
    schema = schema_gen.outputs["schema"]
    statistics_gen = tfx.components.StatisticsGen(
        examples=examples,
        stats_options=tfdv.StatsOptions(feature_allowlist=list(example_keys.METADATA)),
    )
    validator = StrictExampleValidator(
        statistics=statistics_gen.outputs["statistics"], schema=schema
    )
    transform = _transform(config, examples, schema)
    transform.add_upstream_node(validator)
    tuners = {name: _tuner(name, config, platform, transform) for name in config.tune.models}
    trainers = {
        name: _trainer(name, config, platform, transform, tuners.get(name))
        for name in config.models
    }
    ranker = CandidateRanker(
        examples=examples,
        transform_graph=transform.outputs["transform_graph"],
        candidates={name: trainer.outputs["model"] for name, trainer in trainers.items()},
        contest=config.contest,
        audio=config.audio,
    )
    refit = _refit(config, platform, transform, ranker) if config.train.refit else None
    best_model = refit.outputs["model"] if refit else ranker.outputs[BEST_MODEL]
    baseline = platform.baseline(best_model).with_id("LatestBlessedModel")
    evaluator = ComparableEvaluator(
        examples=examples,
        model=best_model,
        baseline_model=baseline.outputs["model"],
        eval_config=gate_config(config.gate),
        example_splits=["test"],
    ).with_id("Evaluator")
    pusher = AtomicPusher(
        model=best_model,
        model_blessing=evaluator.outputs["blessing"],
        push_destination=tfx.proto.PushDestination(
            filesystem=tfx.proto.PushDestination.Filesystem(base_directory=config.serving_model_dir)
        ),
    )
    deployers = platform.deployers(pusher.outputs["pushed_model"])
    report = GenreReport(
        examples=examples,
        transformed_examples=transform.outputs["transformed_examples"],
        leaderboard=ranker.outputs[LEADERBOARD],
        ranking=ranker.outputs[EVALUATION],
        evaluation=evaluator.outputs["evaluation"],
        blessing=evaluator.outputs["blessing"],
        model=best_model,
        configuration=_configuration(config),
        pipeline_name=config.name,
    )
    report.add_upstream_node(pusher)
    _stamp(example_gen, code_digest("components.fma_example_gen.executor"))
    _stamp(schema_gen, hashlib.sha256(SCHEMA_PATH.read_bytes()).hexdigest())
    _stamp(statistics_gen, versions_digest("tensorflow_data_validation"))
    _stamp(validator, code_digest("components.strict_example_validator"))
    _stamp(transform, code_digest("components.strict_transform", "features.preprocessing"))
    _stamp(ranker, code_digest("components.candidate_ranker.component"))
    _stamp(evaluator, code_digest("components.comparable_evaluator", "evaluation.gate"))
    _stamp(pusher, code_digest("components.atomic_pusher"))
    for deployer in deployers:
        _stamp(deployer, code_digest(type(deployer).__module__))
    _stamp(report, code_digest("components.genre_report.component"))
    return tfx.dsl.Pipeline(
        pipeline_name=config.name,
        pipeline_root=config.pipeline_root,
        components=[
            example_gen,
            schema_gen,
            statistics_gen,
            validator,
            transform,
            *tuners.values(),
            *trainers.values(),
            ranker,
            *([refit] if refit else []),
            baseline,
            evaluator,
            pusher,
            *deployers,
            report,
        ],
        enable_cache=config.enable_cache,
        metadata_connection_config=_metadata_store(config.metadata_path),
        beam_pipeline_args=list(config.beam_args),
    )


def _metadata_store(path: str) -> Any:
    """Returns the connection to a store of ours; None where the platform has its own."""
    if not path:
        return None
    return tfx.orchestration.metadata.sqlite_metadata_connection_config(path)


def _stamp(component: BaseNode, digest: str) -> None:
    """Adds a digest of what is behind a component to its cache key.

    Components are given import paths and file paths, and TFX's cache compares the paths alone; an
    execution property that no executor reads makes it see a changed line.
    """
    component.exec_properties[CODE_DIGEST] = digest


def _configuration(config: PipelineConfig) -> str:
    """Returns every value that changes a result as JSON, by section; the report shows them."""
    sections = {
        name: dataclasses.asdict(getattr(config, name))
        for name in ("data", "audio", "train", "tune", "contest", "gate")
    }
    return json.dumps({**sections, "run": {"models": config.models}}, sort_keys=True)


def _transform(config: PipelineConfig, examples: Any, schema: Any) -> StrictTransform:
    return StrictTransform(
        examples=examples,
        schema=schema,
        preprocessing_fn="features.preprocessing.preprocessing_fn",
        splits_config=tfx.proto.SplitsConfig(
            analyze=["train"], transform=["train", "eval", "test"]
        ),
        custom_config=_transform_config(config),
        # They would be statistics of spectrograms and windows, which nobody reads.
        disable_statistics=True,
    ).with_id("Transform")


def _transform_config(config: PipelineConfig) -> dict[str, Any]:
    """Returns what the preprocessing is told: only the features that the models read."""
    features = {
        key for name in config.models for key in parts(load(MODELS[name]).feature(config.train))
    }
    custom: dict[str, Any] = {"audio": dataclasses.asdict(config.audio)}
    if example_keys.MUSICNN in features:
        custom["musicnn_weights_digest"] = musicnn_weights.digest()
    return {**custom, "features": sorted(features)}


def _tuner(
    name: str, config: PipelineConfig, platform: Platform, transform: StrictTransform
) -> tfx.components.Tuner:
    spec = load(MODELS[name])
    return platform.tuner(
        name,
        tuner_fn="models.tuner_fn.tuner_fn",
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        train_args=tfx.proto.TrainArgs(splits=["train"]),
        eval_args=tfx.proto.EvalArgs(splits=["eval"]),
        custom_config={
            "model": name,
            "module": MODELS[name],
            "audio": dataclasses.asdict(config.audio),
            "train": dataclasses.asdict(config.train.only(spec.settings)),
            "trials": config.tune.trials,
            "epochs": config.tune.epochs,
            "code_digest": code_digest("models.tuner_fn", MODELS[name]),
        },
    )


def _trainer(
    name: str,
    config: PipelineConfig,
    platform: Platform,
    transform: StrictTransform,
    tuner: tfx.components.Tuner | None,
) -> tfx.components.Trainer:
    spec = load(MODELS[name])
    note = dict(config.retried).get(name)
    return platform.trainer(
        name,
        run_fn="models.run_fn.run_fn",
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        hyperparameters=tuner.outputs["best_hyperparameters"] if tuner else None,
        train_args=tfx.proto.TrainArgs(splits=["train"]),
        eval_args=tfx.proto.EvalArgs(splits=["eval"]),
        custom_config={
            "model": name,
            # Trainers do not look it up, or another model would have them all train anew.
            "module": MODELS[name],
            "audio": dataclasses.asdict(config.audio),
            "train": dataclasses.asdict(config.train.only(spec.settings)),
            # Here and not as a stamp, for the Trainer names its checkpoints after this.
            "code_digest": code_digest("models.run_fn", MODELS[name]),
            "checkpoint_dir": config.checkpoint_dir,
            **({failure_notes.RETRIED: note} if note else {}),
        },
    )


def _refit(
    config: PipelineConfig, platform: Platform, transform: StrictTransform, ranker: CandidateRanker
) -> tfx.components.Trainer:
    modules = {name: MODELS[name] for name in config.models}
    note = dict(config.retried).get(failure_notes.REFIT)
    read = {setting for module in modules.values() for setting in load(module).settings}
    return platform.refit(
        config.models,
        run_fn="models.refit_fn.run_fn",
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        base_model=ranker.outputs[BEST_MODEL],
        train_args=tfx.proto.TrainArgs(splits=["train"]),
        eval_args=tfx.proto.EvalArgs(splits=["eval"]),
        custom_config={
            "modules": modules,
            "audio": dataclasses.asdict(config.audio),
            "train": dataclasses.asdict(config.train.only(read)),
            "code_digest": code_digest("components.refit", "models.refit_fn", *modules.values()),
            "checkpoint_dir": config.checkpoint_dir,
            **({failure_notes.RETRIED: note} if note else {}),
        },
    )
