"""Executor of GenreReport: reads artifacts, hands plain values to `report`, writes what it gets."""

from __future__ import annotations

import csv
import dataclasses
import datetime
import importlib.metadata
import io
import json
import platform
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import io_utils, path_utils

from common import files, progress
from common.config import from_json
from components.candidate_ranker.executor import FITS_NAME, LEADERBOARD_NAME
from components.genre_report import clips
from components.genre_report.projection import project, vector_feature
from components.model_properties import WITHHELD
from dataset.bad_files import BAD_FILES_NAME, SUMMARY_NAME
from dataset.config import SPLITS, AudioConfig
from evaluation.config import ContestConfig, GateConfig
from evaluation.tfma_results import read_evaluation
from evaluation.verdict import complete_board
from models.training import fit_record
from report import page
from report.data import (
    DATA_NAME,
    PAGE_NAME,
    Holdings,
    Projection,
    Provenance,
    ReportData,
    Source,
    to_json,
)

EXAMPLES, TRANSFORMED = "examples", "transformed_examples"
LEADERBOARD, RANKING = "leaderboard", "ranking"
EVALUATION, BLESSING, MODEL = "evaluation", "blessing", "model"
CONFIGURATION, PIPELINE_NAME = "configuration", "pipeline_name"
REPORT, PAGE = "report", "page"
_IN_ORDER = (EXAMPLES, TRANSFORMED, LEADERBOARD, RANKING, MODEL, EVALUATION, BLESSING)
CODE_DIGEST = "code_digest"

_FAULT_ROWS = 20
_PACKAGES = (
    "tfx", "tensorflow", "keras", "tensorflow-model-analysis", "tensorflow-transform",
    "tensorflow-data-validation", "ml-metadata", "apache-beam", "scikit-learn", "numpy", "librosa",
    "soundfile", "soxr", "matplotlib",
)  # fmt: skip


class Executor(base_executor.BaseExecutor):
    """Gathers a run's figures and writes its page."""

    def Do(  # noqa: N802 - TFX's name
        self,
        input_dict: dict[str, list[Any]],
        output_dict: dict[str, list[Any]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes `index.html` and `report.json` into the report, and the page once more alone."""
        self._log_startup(input_dict, output_dict, exec_properties)
        inputs = {
            key: artifact_utils.get_single_instance(found) for key, found in input_dict.items()
        }
        uri = artifact_utils.get_single_uri(output_dict[REPORT])
        data = gather(inputs, exec_properties, run_of(self._context.pipeline_run_id, uri))
        text = page.render(data)
        files.write_text(files.join(uri, DATA_NAME), to_json(data))
        files.write_text(files.join(uri, PAGE_NAME), text)
        artifact_utils.get_single_instance(output_dict[PAGE]).value = text


@dataclasses.dataclass(frozen=True)
class Run:
    """The pipeline run that makes the report, and whether artifacts have their ids of its store."""

    id: str
    ids_of_store: bool


def run_of(pipeline_run_id: str | None, report_uri: str) -> Run:
    """Returns the run.

    TFX's entry point on Vertex AI tells an executor of no run, and makes ids of its own, which
    nothing can be looked up by. Vertex AI has the id of the run in the path of what a task writes:
    `pipeline root/project number/run/task/report`.

    Args:
        pipeline_run_id: of the executor's context; None on Vertex AI.
        report_uri: of the report that is written.
    """
    if pipeline_run_id:
        return Run(pipeline_run_id, ids_of_store=True)
    return Run(report_uri.rstrip("/").split("/")[-3], ids_of_store=False)


def gather(inputs: Mapping[str, Any], exec_properties: Mapping[str, Any], run: Run) -> ReportData:
    """Returns everything that the page of a run shows.

    Args:
        inputs: an artifact for each input of the component.
        exec_properties: of the component.
        run: of the pipeline.
    """
    configuration = json.loads(exec_properties[CONFIGURATION])
    audio = from_json(AudioConfig, configuration["audio"])
    contest = from_json(ContestConfig, configuration["contest"])
    uri = {key: artifact.uri for key, artifact in inputs.items()}
    summary = json.loads(files.read_text(files.join(uri[EXAMPLES], SUMMARY_NAME)))
    fits = json.loads(files.read_text(files.join(uri[LEADERBOARD], FITS_NAME)))
    ranked = json.loads(files.read_text(files.join(uri[LEADERBOARD], LEADERBOARD_NAME)))
    judged = fit_record.read(path_utils.serving_model_path(uri[MODEL]))
    fits[judged.name] = dataclasses.asdict(judged)
    genres = judged.genres
    board = complete_board(
        ranked,
        uri[EVALUATION],
        genres=genres,
        blessed=inputs[BLESSING].get_int_custom_property("blessed") == 1,
        withheld=inputs[MODEL].get_string_custom_property(WITHHELD) or None,
        gate=from_json(GateConfig, configuration["gate"]),
        overlaps=summary["overlaps"],
        max_credible_accuracy=contest.max_credible_accuracy,
        clips=summary["clips"],
    )
    test = read_evaluation(uri[EVALUATION], "", genres)
    held = _survey(inputs[EXAMPLES], test.mistakes, audio, summary)
    return ReportData(
        best=board["best"],
        blessed=board["blessed"],
        reasons=board["reasons"],
        gate=board["gate"],
        alarms=board["alarms"],
        why_best=board["why_best"],
        models=board["models"],
        fits=fits,
        test=dataclasses.asdict(test),
        holdings=_holdings(held, summary, uri[EXAMPLES]),
        projection=_projection(inputs[TRANSFORMED], board, genres),
        examples=held.examples,
        mistakes=held.mistakes,
        spectrogram_axes={
            "fmin_hz": audio.fmin_hz,
            "fmax_hz": audio.fmax_hz,
            "dynamic_range_db": audio.dynamic_range_db,
        },
        provenance=Provenance(
            created=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            pipeline=exec_properties[PIPELINE_NAME],
            run_id=run.id,
            code_digest=exec_properties[CODE_DIGEST],
            versions=_versions(),
            configuration=configuration,
            sources=[
                Source(
                    key,
                    inputs[key].type_name,
                    inputs[key].id if run.ids_of_store else None,
                    inputs[key].uri,
                )
                for key in _IN_ORDER
            ],
        ),
    )


def _survey(
    examples: Any, mistakes: list[dict[str, Any]], audio: AudioConfig, summary: Mapping[str, Any]
) -> clips.Survey:
    split_files = {split: _split_files(examples, split) for split in SPLITS}
    genres = {genre for counts in summary["clips"].values() for genre in counts}
    progress.start(sum(sum(counts.values()) for counts in summary["clips"].values()))
    return clips.survey(split_files, mistakes, audio, sorted(genres))


def _projection(
    transformed: Any, board: Mapping[str, Any], genres: Sequence[str]
) -> Projection | None:
    feature = vector_feature(board["models"], board["best"])
    if not feature:
        return None
    return project(_split_files(transformed, clips.EXAMPLE_SPLIT), feature, genres)


def _split_files(examples: Any, split: str) -> list[str]:
    uri = artifact_utils.get_split_uri([examples], split)
    return files.matching(io_utils.all_files_pattern(uri))


def _holdings(held: clips.Survey, summary: Mapping[str, Any], examples_uri: str) -> Holdings:
    by_split = {
        split: frozenset[int]().union(*by_genre.values())
        for split, by_genre in held.artists.items()
    }
    return Holdings(
        clips=held.clips,
        artists={
            split: {genre: len(ids) for genre, ids in by_genre.items()}
            for split, by_genre in held.artists.items()
        },
        artists_of_split={split: len(ids) for split, ids in by_split.items()},
        n_artists=len(frozenset[int]().union(*by_split.values())),
        straddling=len(summary["overlaps"]["artists"]),
        seconds=held.seconds,
        faults=summary["faults"],
        fault_rows=_first_faults(examples_uri),
        left_out=summary["left_out"],
    )


def _first_faults(examples_uri: str) -> list[dict[str, str]]:
    text = files.read_text(files.join(examples_uri, BAD_FILES_NAME))
    return list(islice(csv.DictReader(io.StringIO(text, newline="")), _FAULT_ROWS))


def _versions() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        **{name: importlib.metadata.version(name) for name in _PACKAGES},
    }
