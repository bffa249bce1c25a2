"""Executor of CandidateRanker."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any

import tensorflow_model_analysis as tfma
from tfx.components.util import tfxio_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.utils import io_utils, path_utils

from common import files, strict_json
from common.config import from_json
from common.errors import InputError
from components.candidate_ranker import latency
from components.candidate_ranker.contender import Contender, contender
from components.candidate_ranker.ensembles import best_mean
from components.model_properties import MODEL_NAME, SERVABLE, WITHHELD
from dataset.config import AudioConfig
from evaluation import eval_config
from evaluation.config import ContestConfig
from evaluation.ranking import Candidate, Ranking, rank
from evaluation.tfma_results import Evaluation, read_evaluation, read_macro_f1_replicates
from models import ensemble
from models.registry import MODEL_NAMES
from models.training import fit_record
from models.training.fit_record import FitRecord

EXAMPLES = "examples"
BEST_MODEL = "best_model"
EVALUATION = "evaluation"
LEADERBOARD = "leaderboard"
TRANSFORM_GRAPH = "transform_graph"
CONTEST = "contest"
AUDIO = "audio"
# Files of the Leaderboard artifact.
LEADERBOARD_NAME = "leaderboard.json"
FITS_NAME = "fits.json"
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
        """Ranks the candidates that trained and lists those that failed.

        Raises:
            InputError: where all failed, with every reason.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        uris = {
            name: artifact_utils.get_single_uri(input_dict[candidate_key(name)])
            for name in MODEL_NAMES
            if input_dict.get(candidate_key(name))
        }
        fits = {name: fit_record.read(path_utils.serving_model_dir(uris[name])) for name in uris}
        contest = from_json(ContestConfig, exec_properties[CONTEST])
        split_uri = artifact_utils.get_split_uri(input_dict[EXAMPLES], _SPLIT)
        clips = latency.first_examples(files.matching(io_utils.all_files_pattern(split_uri)))
        contenders = {
            name: contender(fit, path_utils.serving_model_path(uris[name]), clips, contest)
            for name, fit in fits.items()
            if fit.status == fit_record.TRAINED
        }
        if not contenders:
            reasons = "; ".join(f"{name}: {fit.reason}" for name, fit in fits.items())
            raise InputError(f"no candidate could be trained: {reasons}")
        mean = best_mean(
            contenders if contest.ensemble else {},
            artifact_utils.get_single_uri(input_dict[TRANSFORM_GRAPH]),
            from_json(AudioConfig, exec_properties[AUDIO]),
        )
        best_model = artifact_utils.get_single_instance(output_dict[BEST_MODEL])
        temporary = files.join(best_model.uri, ensemble.NAME)
        if mean:
            path = files.join(temporary, "model")
            mean.export(path)
            fits[ensemble.NAME] = mean.fit()
            contenders[ensemble.NAME] = contender(fits[ensemble.NAME], path, clips, contest)
        evaluation_uri = artifact_utils.get_single_uri(output_dict[EVALUATION])
        self._evaluate(input_dict[EXAMPLES], contenders, evaluation_uri)
        evaluations = {
            name: read_evaluation(evaluation_uri, _name_for_tfma(name, contenders), c.fit.genres)
            for name, c in contenders.items()
        }
        ranking = _rank(contenders, evaluations, evaluation_uri)
        _write_board(
            artifact_utils.get_single_uri(output_dict[LEADERBOARD]),
            board(ranking, fits, contenders, evaluations),
            fits,
        )
        _write_best_model(best_model, ranking, contenders)
        if mean:
            fileio.rmtree(temporary)

    def _evaluate(
        self, examples: list[Any], contenders: Mapping[str, Contender], output_uri: str
    ) -> None:
        names = {name: _name_for_tfma(name, contenders) for name in contenders}
        config = eval_config.ranking_config(list(names.values()))
        models = [
            tfma.default_eval_shared_model(
                eval_saved_model_path=c.path, model_name=names[name], eval_config=config
            )
            for name, c in contenders.items()
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


def _rank(
    contenders: Mapping[str, Contender], evaluations: Mapping[str, Evaluation], uri: str
) -> Ranking:
    return rank(
        [
            Candidate(
                name,
                evaluations[name].overall["macro_f1"],
                evaluations[name].overall["log_loss"],
                read_macro_f1_replicates(uri, _name_for_tfma(name, contenders)),
                c.fit.parameters,
                c.barred,
                c.held_out.losses() if c.held_out else {},
            )
            for name, c in contenders.items()
        ]
    )


def _write_best_model(
    best_model: Any, ranking: Ranking, contenders: Mapping[str, Contender]
) -> None:
    """Writes the best model and, of an ensemble, its members, and says what it is."""
    directory = path_utils.serving_model_dir(best_model.uri)
    best = contenders[ranking.best]
    io_utils.copy_dir(best.path, directory)
    if ranking.best == ensemble.NAME:
        for name, path in ensemble.member_dirs(directory, best.fit).items():
            io_utils.copy_dir(contenders[name].path, path)
    best_model.set_string_custom_property(MODEL_NAME, ranking.best)
    best_model.set_int_custom_property(SERVABLE, int(best.fit.servable))
    if ranking.withheld:
        best_model.set_string_custom_property(WITHHELD, ranking.withheld)


def _name_for_tfma(name: str, candidates: Collection[str]) -> str:
    """Returns the name of a model in an evaluation: TFMA keeps none where there is only one."""
    return name if len(candidates) > 1 else ""


def board(
    ranking: Ranking,
    fits: Mapping[str, FitRecord],
    contenders: Mapping[str, Contender],
    evaluations: Mapping[str, Evaluation],
) -> dict[str, Any]:
    """Returns what `leaderboard.json` holds before the judgement.

    Args:
        ranking: of the candidates that trained.
        fits: of all candidates.
        contenders: those that trained.
        evaluations: of these.
    """
    return {
        "models": [
            {
                **entry_of(fits[name]),
                "eval": _figures(evaluations[name]),
                "prediction_ms": contenders[name].prediction_ms,
                "tied": name in ranking.tied,
            }
            for name in ranking.order
        ]
        + [entry_of(fit) for name, fit in fits.items() if name not in contenders],
        "best": ranking.best,
        "leader": ranking.order[0],
        "why_best": "; ".join([ranking.why_best, *_members(fits.get(ensemble.NAME))]),
    }


def _members(fit: FitRecord | None) -> list[str]:
    """Returns a sentence on the members of an ensemble, if there is one."""
    if not fit:
        return []
    return [f"{fit.name} is the mean of the scores of {', '.join(fit.hyperparameters['members'])}"]


def entry_of(fit: FitRecord) -> dict[str, Any]:
    """Returns what `leaderboard.json` holds of a candidate that has not been evaluated."""
    return {
        "name": fit.name,
        "status": fit.status,
        "reason": fit.reason,
        "eval": None,
        "parameters": fit.parameters,
        "training_seconds": fit.training_seconds,
        "prediction_ms": None,
        "servable": fit.servable,
        "feature": fit.feature,
        "tied": False,
        "hyperparameters": dict(fit.hyperparameters),
    }


def _figures(evaluation: Evaluation) -> dict[str, Any]:
    return {
        **evaluation.overall,
        **{f"{name}_interval": list(bounds) for name, bounds in evaluation.intervals.items()},
        "per_genre": {genre: figures["f1"] for genre, figures in evaluation.per_genre.items()},
    }


def _write_board(uri: str, content: dict[str, Any], fits: Mapping[str, FitRecord]) -> None:
    files.write_text(files.join(uri, LEADERBOARD_NAME), strict_json.dumps(content, indent=2))
    records = {name: dataclasses.asdict(fit) for name, fit in fits.items()}
    files.write_text(files.join(uri, FITS_NAME), strict_json.dumps(records, indent=2))
