"""The DAG, compiled to TFX's intermediate representation."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from tfx.dsl.compiler import compiler

from common.config import to_json
from components.fma_example_gen.executor import unpack_custom_config
from dataset.config import AudioConfig, DataConfig
from evaluation.config import ContestConfig, GateConfig
from models.registry import MODELS
from pipeline import cache_key
from pipeline.config import PipelineConfig, TuneConfig
from pipeline.dag import create_pipeline

BEFORE = [
    "FmaExampleGen", "ImportSchemaGen", "StatisticsGen", "StrictExampleValidator", "Transform",
]  # fmt: skip
AFTER = ["CandidateRanker", "LatestBlessedModel", "Evaluator", "AtomicPusher", "GenreReport"]


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


def test_nothing_is_transformed_before_the_examples_are_validated(tmp_path: Path) -> None:
    found = nodes(configuration(tmp_path, models=("cnn1d",)))
    assert "StrictExampleValidator" in found["Transform"].upstream_nodes
    assert set(found["Trainer.cnn1d"].upstream_nodes) == {"Transform"}


def test_every_component_of_ours_carries_a_digest_of_its_code(tmp_path: Path) -> None:
    found = nodes(configuration(tmp_path, models=("all",)))
    stamped = {name for name, node in found.items() if parameter(node, "code_digest")}
    trainers = {f"Trainer.{name}" for name in MODELS}
    assert stamped == set(found) - {"LatestBlessedModel"} - trainers
    for name in trainers:
        custom = json.loads(parameter(found[name], "custom_config"))
        family = MODELS[name.removeprefix("Trainer.")]
        assert custom["code_digest"] == cache_key.code_digest("models.run_fn", family)
    digests = {parameter(found[name], "code_digest") for name in stamped}
    assert len(digests) == len(stamped)
    assert {len(digest) for digest in digests} == {64}
    assert parameter(found["Transform"], "code_digest") == cache_key.code_digest(
        "components.strict_transform", "features.preprocessing"
    )


def test_the_best_model_is_evaluated_on_test_and_pushed_only_with_a_blessing(
    tmp_path: Path,
) -> None:
    found = nodes(configuration(tmp_path))
    assert json.loads(parameter(found["Evaluator"], "example_splits")) == ["test"]
    (model,) = found["Evaluator"].inputs.inputs["model"].channels
    assert model.producer_node_query.id == "CandidateRanker"
    assert model.output_key == "best_model"
    (pushed,) = found["AtomicPusher"].inputs.inputs["model"].channels
    assert (pushed.producer_node_query.id, pushed.output_key) == ("CandidateRanker", "best_model")
    (blessing,) = found["AtomicPusher"].inputs.inputs["model_blessing"].channels
    assert blessing.producer_node_query.id == "Evaluator"


def test_the_report_is_made_last(tmp_path: Path) -> None:
    config = configuration(tmp_path)
    report = nodes(config)["GenreReport"]
    assert "AtomicPusher" in report.upstream_nodes
    read = {
        key: (channel.producer_node_query.id, channel.output_key)
        for key, found in report.inputs.inputs.items()
        for channel in found.channels
    }
    assert read == {
        "examples": ("FmaExampleGen", "examples"),
        "transformed_examples": ("Transform", "transformed_examples"),
        "leaderboard": ("CandidateRanker", "leaderboard"),
        "ranking": ("CandidateRanker", "evaluation"),
        "evaluation": ("Evaluator", "evaluation"),
        "blessing": ("Evaluator", "blessing"),
        "model": ("CandidateRanker", "best_model"),
    }
    shown = json.loads(parameter(report, "configuration"))
    assert shown["gate"] == dataclasses.asdict(config.gate)
    assert shown["run"] == {"models": list(config.models)}


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
    trainers = {f"Trainer.{name}" for name in MODELS}
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
    beam = {"FmaExampleGen", "StatisticsGen", "Transform", "CandidateRanker", "Evaluator"}
    assert changed(beam_args=("--direct_num_workers=2",)) == beam
    assert changed(retried=(("svm", "ab"),)) == {"Trainer.svm"}


def test_the_configuration_arrives_at_the_executor(tmp_path: Path) -> None:
    config = configuration(tmp_path, audio=AudioConfig(clip_seconds=5.0))
    node = nodes(config)["FmaExampleGen"]
    custom = unpack_custom_config({"custom_config": parameter(node, "custom_config")})
    assert custom == {
        # As JSON, a tuple is a list.
        "data": json.loads(to_json(config.data)),
        "audio": dataclasses.asdict(config.audio),
        "bad_files_path": str(tmp_path / "bad.csv"),
    }


@pytest.mark.parametrize("enabled", [True, False])
def test_the_cache_can_be_switched_off(tmp_path: Path, enabled: bool) -> None:
    node = nodes(configuration(tmp_path, enable_cache=enabled))["Transform"]
    assert node.execution_options.caching_options.enable_cache == enabled
