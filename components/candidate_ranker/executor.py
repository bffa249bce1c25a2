"""Executor of CandidateRanker."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

import tensorflow_model_analysis as tfma
from tfx.components.util import tfxio_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils
from tfx.utils import io_utils, path_utils

from components import files
from pipeline import eval_config
from pipeline.evaluation import read_evaluation
from pipeline.registry import MODEL_NAMES

EXAMPLES = "examples"
BEST_MODEL = "best_model"
EVALUATION = "evaluation"
LEADERBOARD = "leaderboard"
LEADERBOARD_NAME = "leaderboard.json"
_SPLIT = "eval"


def candidate_key(name: str) -> str:
    """Returns the input key of a model's candidate."""
    return f"candidate_{name}"


class Executor(base_beam_executor.BaseBeamExecutor):
    """Evaluates all candidates together and hands the best one on."""

    def Do(  # noqa: N802 - TFX's name
        self,
        input_dict: dict[str, list[Any]],
        output_dict: dict[str, list[Any]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Ranks the candidates; ties go to the one that is registered first."""
        self._log_startup(input_dict, output_dict, exec_properties)
        paths = {
            name: path_utils.serving_model_path(
                artifact_utils.get_single_uri(input_dict[candidate_key(name)])
            )
            for name in MODEL_NAMES
            if input_dict.get(candidate_key(name))
        }
        evaluation_uri = artifact_utils.get_single_uri(output_dict[EVALUATION])
        self._evaluate(input_dict[EXAMPLES], paths, evaluation_uri)

        figures = {
            name: read_evaluation(evaluation_uri, _name_for_tfma(name, paths)).overall
            for name in paths
        }
        ranked = sorted(figures, key=lambda name: -figures[name]["macro_f1"])
        best = ranked[0]
        entries = [{"name": name, "status": "trained", "eval": figures[name]} for name in ranked]
        board = artifact_utils.get_single_uri(output_dict[LEADERBOARD])
        text = json.dumps({"models": entries, "best": best}, indent=2)
        files.write_text(files.join(board, LEADERBOARD_NAME), text)
        best_model = artifact_utils.get_single_instance(output_dict[BEST_MODEL])
        io_utils.copy_dir(paths[best], path_utils.serving_model_dir(best_model.uri))
        best_model.set_string_custom_property("model_name", best)

    def _evaluate(self, examples: list[Any], paths: dict[str, str], output_uri: str) -> None:
        names = {name: _name_for_tfma(name, paths) for name in paths}
        config = eval_config.ranking_config(list(names.values()))
        models = [
            tfma.default_eval_shared_model(
                eval_saved_model_path=path, model_name=names[name], eval_config=config
            )
            for name, path in paths.items()
        ]
        source = tfxio_utils.get_tfxio_factory_from_artifact(
            examples=examples,
            telemetry_descriptors=["CandidateRanker"],
            raw_record_column_name=tfma.constants.ARROW_INPUT_COLUMN,
        )
        split_uri = artifact_utils.get_split_uri(examples, _SPLIT)
        with self._make_beam_pipeline() as pipeline:
            _ = (
                pipeline
                | "Read" >> source(io_utils.all_files_pattern(split_uri)).BeamSource()
                | "Evaluate"
                >> tfma.ExtractEvaluateAndWriteResults(
                    eval_shared_model=models,
                    eval_config=config,
                    output_path=output_uri,
                )
            )


def _name_for_tfma(name: str, candidates: Collection[str]) -> str:
    """Returns the name of a model in an evaluation: TFMA keeps none where there is only one."""
    return name if len(candidates) > 1 else ""
