"""The DAG, compiled to TFX's intermediate representation."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from tfx.dsl.compiler import compiler

from dataset.config import AudioConfig, DataConfig
from evaluation.config import ContestConfig, GateConfig
from models.config import TrainConfig
from models.registry import MODELS
from pipeline import cache_key
from pipeline.config import PipelineConfig, TuneConfig
from pipeline.dag import create_pipeline

BEFORE = [
    "FmaExampleGen", "ImportSchemaGen", "StatisticsGen", "StrictExampleValidator", "Transform",
]  # fmt: skip
AFTER = [
    "CandidateRanker",
    "Refit",
    "LatestBlessedModel",
    "Evaluator",
    "AtomicPusher",
    "GenreReport",
]


def configuration(tmp_path: Path, **values: Any) -> PipelineConfig:
    """Return the configuration of a run below `tmp_path`; compiling needs none of its files."""
    paths = {
        name: str(tmp_path / name)
        for name in ("pipeline_root", "metadata_path", "serving_model_dir", "checkpoint_dir")
    }
    data = DataConfig(str(tmp_path / "audio"), str(tmp_path / "metadata"))
    defaults: dict[str, Any] = {"data": data, "bad_files_path": str(tmp_path / "bad.csv")}
    return PipelineConfig(**{**paths, **defaults, **values})


def nodes(config: PipelineConfig) -> dict[str, Any]:
    """Return the compiled nodes by id, in order."""
    compiled = compiler.Compiler().compile(create_pipeline(config))
    return {node.pipeline_node.node_info.id: node.pipeline_node for node in compiled.nodes}


def parameter(node: Any, name: str) -> str:
    """Return an execution property of a compiled node."""
    return node.parameters.parameters[name].field_value.string_value


def test_the_nodes_and_their_order(tmp_path: Path) -> None:
    models = ("cnn1d", "mobilenet_v2")
    trainers = [f"Trainer.{name}" for name in models]
    found = nodes(configuration(tmp_path, models=models))
    assert list(found) == BEFORE + trainers + AFTER
    inputs = {key for key in found["CandidateRanker"].inputs.inputs if key.startswith("candidate")}
    assert inputs == {f"candidate_{name}" for name in models}
    custom = {json.loads(parameter(found[name], "custom_config"))["model"] for name in trainers}
    assert custom == set(models)


def test_a_tuner_is_there_only_where_asked_for_and_feeds_its_trainer(tmp_path: Path) -> None:
    models = ("cnn1d", "fcn5")
    assert not [name for name in nodes(configuration(tmp_path, models=models)) if "Tuner" in name]
    tune = TuneConfig(("fcn5",), trials=3, epochs=2)
    found = nodes(configuration(tmp_path, models=models, tune=tune))
    ours = {"Trainer.cnn1d", "Tuner.fcn5", "Trainer.fcn5"}
    assert set(found) == {*BEFORE, *ours, *AFTER}
    (channel,) = found["Trainer.fcn5"].inputs.inputs["hyperparameters"].channels
    assert channel.producer_node_query.id == "Tuner.fcn5"
    assert channel.output_key == "best_hyperparameters"
    assert "hyperparameters" not in found["Trainer.cnn1d"].inputs.inputs
    assert parameter(found["Tuner.fcn5"], "tuner_fn") == "models.tuner_fn.tuner_fn"
    custom = json.loads(parameter(found["Tuner.fcn5"], "custom_config"))
    assert (custom["model"], custom["trials"], custom["epochs"]) == ("fcn5", 3, 2)
    assert custom["code_digest"] == cache_key.code_digest("models.tuner_fn", "models.networks.fcn5")


def test_every_component_of_ours_carries_a_digest_of_its_code(tmp_path: Path) -> None:
    found = nodes(configuration(tmp_path, models=("all",)))
    stamped = {name for name, node in found.items() if parameter(node, "code_digest")}
    trainers = {f"Trainer.{name}" for name in MODELS}
    assert stamped == set(found) - {"LatestBlessedModel", "Refit"} - trainers
    for name in trainers:
        custom = json.loads(parameter(found[name], "custom_config"))
        family = MODELS[name.removeprefix("Trainer.")]
        assert custom["code_digest"] == cache_key.code_digest("models.run_fn", family)
    custom = json.loads(parameter(found["Refit"], "custom_config"))
    digest = cache_key.code_digest("components.refit", "models.refit_fn", *MODELS.values())
    assert custom["code_digest"] == digest
    digests = {parameter(found[name], "code_digest") for name in stamped}
    assert len(digests) == len(stamped)
    assert {len(digest) for digest in digests} == {64}
    assert parameter(found["Transform"], "code_digest") == cache_key.code_digest(
        "components.strict_transform", "features.preprocessing"
    )


@pytest.mark.parametrize("refit", [True, False])
def test_what_each_node_reads(tmp_path: Path, refit: bool) -> None:
    config = configuration(tmp_path, models=("cnn1d",), train=TrainConfig(refit=refit))
    found = nodes(config)
    assert ("Refit" in found) is refit
    read = {
        (name, key): (channel.producer_node_query.id, channel.output_key)
        for name in ("Evaluator", "AtomicPusher", "GenreReport")
        for key, value in found[name].inputs.inputs.items()
        for channel in value.channels
    }
    best = ("Refit", "model") if refit else ("CandidateRanker", "best_model")
    assert read == {
        ("Evaluator", "examples"): ("FmaExampleGen", "examples"),
        ("Evaluator", "model"): best,
        ("Evaluator", "baseline_model"): ("LatestBlessedModel", "model"),
        ("AtomicPusher", "model"): best,
        ("AtomicPusher", "model_blessing"): ("Evaluator", "blessing"),
        ("GenreReport", "examples"): ("FmaExampleGen", "examples"),
        ("GenreReport", "leaderboard"): ("CandidateRanker", "leaderboard"),
        ("GenreReport", "ranking"): ("CandidateRanker", "evaluation"),
        ("GenreReport", "evaluation"): ("Evaluator", "evaluation"),
        ("GenreReport", "blessing"): ("Evaluator", "blessing"),
        ("GenreReport", "model"): best,
        ("GenreReport", "transformed_examples"): ("Transform", "transformed_examples"),
    }
    assert json.loads(parameter(found["Evaluator"], "example_splits")) == ["test"]
    assert "StrictExampleValidator" in found["Transform"].upstream_nodes
    assert "AtomicPusher" in found["GenreReport"].upstream_nodes
    shown = json.loads(parameter(found["GenreReport"], "configuration"))
    assert shown["gate"] == dataclasses.asdict(config.gate)


def test_a_changed_value_changes_the_components_that_it_concerns(tmp_path: Path) -> None:
    def changed(**values: Any) -> set[str]:
        before, after = nodes(base), nodes(dataclasses.replace(base, **values))
        return {
            name
            for name in before
            if before[name].parameters.SerializeToString(deterministic=True)
            != after[name].parameters.SerializeToString(deterministic=True)
        }

    base = configuration(tmp_path, models=("all",))
    trainers = {"Refit", *(f"Trainer.{name}" for name in MODELS)}
    report = {"GenreReport"}  # shows every value
    audio = AudioConfig(n_mels=96)
    of_all = {"FmaExampleGen", "Transform", "CandidateRanker"}
    assert changed(audio=audio) == of_all | trainers | report
    assert changed(train=dataclasses.replace(base.train, seed=1)) == trainers | report
    assert changed(gate=GateConfig(min_accuracy=0.9)) == {"Evaluator"} | report
    assert changed(gate=GateConfig(max_genre_drop=0.1)) == {"Evaluator"} | report
    assert changed(contest=ContestConfig(push_unservable=True)) == {"CandidateRanker"} | report
    assert changed(contest=ContestConfig(max_credible_accuracy=0.5)) == report
    digest = dataclasses.replace(base.data, metadata_digest="ab")
    assert changed(data=digest) == {"FmaExampleGen"} | report
    assert changed(retried=(("svm", "ab"),)) == {"Trainer.svm"}


@pytest.mark.parametrize("enabled", [True, False])
def test_the_cache_can_be_switched_off(tmp_path: Path, enabled: bool) -> None:
    node = nodes(configuration(tmp_path, enable_cache=enabled))["Transform"]
    assert node.execution_options.caching_options.enable_cache == enabled
