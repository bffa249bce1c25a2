"""The real executor after the real ranker and Evaluator, on small clips and known scores."""

from __future__ import annotations

import ast
import dataclasses
import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_model_analysis.notebook.jupyter.tfma_widget import widget as tfma_widget
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_executor
from tfx.proto import example_gen_pb2
from tfx.types import standard_artifacts

import system
from common.config import to_json as config_to_json
from components.candidate_ranker import executor as ranker
from components.candidate_ranker.component import Leaderboard
from components.comparable_evaluator import Executor as Evaluator
from components.genre_report import executor
from dataset.bad_files import Fault, FaultKind, to_csv
from dataset.config import SPLITS, AudioConfig
from evaluation.config import ContestConfig, GateConfig
from evaluation.tfma_results import read_evaluation
from features import example_keys as keys
from models.training.fit_record import FAILED
from report.data import ReportData, from_json, to_json
from tests.cli.test_report import record
from tests.report.test_page import Outline
from tests.stand_ins import beam_context, model_artifact, run_evaluator, scores_for

ROOT = Path(__file__).parents[3]
GENRES = ("Pop", "Rock", "Müßiggang")
AUDIO = AudioConfig(sample_rate_hz=16_000, fmax_hz=8_000.0, clip_seconds=2.0)
GATE = GateConfig(min_accuracy=0.9)  # which lets nothing through
HOSTILE = "</h3><script>alert(1)</script>"
HOSTILE_NAME = "<img src=x onerror=alert(2)>"
CURVES = [{"stage": "all", "epochs": [{"loss": 1.0, "val_loss": 1.2, "accuracy": 0.5}]}]
# For each split the class ids of its clips; of test also what the better model takes them for.
LABELS = {"train": [0, 0, 0, 1, 1, 2, 2], "eval": [0, 0, 1, 1, 2, 2], "test": [0, 0, 1, 1, 2, 2]}
PREDICTED = {
    "svm": {"train": LABELS["train"], "eval": LABELS["eval"], "test": [0, 1, 1, 1, 2, 0]},
    "knn": {"train": LABELS["train"], "eval": [0, 1, 2, 1, 0, 1], "test": LABELS["test"]},
}


def clips() -> Iterator[tuple[str, int, tf.train.Example]]:
    """Yield (split, class id, raw Example); the first artist is in train and in test."""
    chance = np.random.default_rng(0)
    track_id = 100
    for split in SPLITS:
        scores = {
            name: scores_for(by_split[split], len(GENRES), seed=1)
            for name, by_split in PREDICTED.items()
        }
        for place, label in enumerate(LABELS[split]):
            track_id += 1
            signal = chance.integers(-9_000, 9_000, 32_000).astype("<i2")
            example = tf.train.Example()
            feature = example.features.feature
            feature[keys.AUDIO].bytes_list.value.append(signal.tobytes())
            texts = {keys.GENRE: GENRES[label], keys.LICENSE: "CC BY",
                     keys.TITLE: HOSTILE if split == "test" else f"Tune {place}",
                     keys.ARTIST: HOSTILE_NAME if split == "test" else ""}  # fmt: skip
            for key, text in texts.items():
                feature[key].bytes_list.value.append(text.encode())
            artist = 7 if place == 0 and split != "eval" else track_id
            whole = {keys.TRACK_ID: track_id, keys.ARTIST_ID: artist, "index": label,
                     keys.YEAR: 2008, keys.SOURCE_CHANNELS: 2}  # fmt: skip
            for key, number in whole.items():
                feature[key].int64_list.value.append(number)
            feature[keys.DURATION_SECONDS].float_list.value.append(2.0)
            for name, values in scores.items():
                feature[name].float_list.value.extend(values[place])
            yield split, label, example


def write_examples(folder: Path) -> standard_artifacts.Examples:
    """Write the Examples as FmaExampleGen does, with its list of bad files and its summary."""
    counts: dict[str, Counter[str]] = {split: Counter() for split in SPLITS}
    writers = {}
    for split in SPLITS:
        path = folder / f"Split-{split}" / "data_tfrecord-00000-of-00001.gz"
        path.parent.mkdir(parents=True)
        writers[split] = tf.io.TFRecordWriter(str(path), "GZIP")
    for split, label, example in clips():
        counts[split][GENRES[label]] += 1
        writers[split].write(example.SerializeToString())
    for writer in writers.values():
        writer.close()
    faults = [Fault(f"001/{n:06d}.mp3", n, FaultKind.SILENT, "no sample") for n in range(25)]
    faults.append(Fault("000/Icon\r", -1, FaultKind.NO_METADATA, "no row"))  # as macOS has them
    (folder / "bad_files.csv").write_text(to_csv(faults))
    summary = {
        "clips": counts,
        "faults": {"no_metadata": 1, "silent": 25},
        "left_out": {"licence": 3},
        "overlaps": {"artists": [7], "audio": []},
    }
    (folder / "ingest.json").write_text(json.dumps(summary))
    examples = standard_artifacts.Examples()
    examples.uri, examples.split_names = str(folder), json.dumps(list(SPLITS))
    examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
    return examples


def write_transformed(folder: Path) -> standard_artifacts.Examples:
    """Write transformed Examples of the train split, with vectors of 5 columns, one constant."""
    path = folder / "Split-train" / "transformed_examples-00000-of-00001.gz"
    path.parent.mkdir(parents=True)
    chance = np.random.default_rng(1)
    with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
        for track_id, label in enumerate([*LABELS["train"], -1], start=101):
            example = tf.train.Example()
            feature = example.features.feature
            feature[keys.LABEL].int64_list.value.append(label)
            feature[keys.TRACK_ID].int64_list.value.append(track_id)
            vector = np.append(chance.normal(label, 1, 4), 7).astype("<f4")
            feature[keys.STATISTICS].bytes_list.value.append(vector.tobytes())
            writer.write(example.SerializeToString())
    examples = standard_artifacts.Examples()
    examples.uri, examples.split_names = str(folder), json.dumps(["train"])
    return examples


def rank(folder: Path, examples: standard_artifacts.Examples) -> dict[str, Any]:
    """Run the ranker on two models and one that failed; return its output artifacts."""
    models = [
        model_artifact(
            folder,
            "svm",
            3,
            1,
            genres=GENRES,
            curves=CURVES,
            parameters=10,
            feature="statistics",
            hyperparameters={"temperature": 1.5},
        ),  # fmt: skip
        model_artifact(folder, "knn", 3, 2, genres=GENRES, parameters=20, hyperparameters={"k": 5}),
        model_artifact(folder, "mlp", 3, 3, status=FAILED, reason="OSError: no such thing"),
    ]
    inputs = {
        ranker.candidate_key(name): [model]
        for name, model in zip(("svm", "knn", "mlp"), models, strict=True)
    }
    outputs = {
        ranker.BEST_MODEL: standard_artifacts.Model(),
        ranker.EVALUATION: standard_artifacts.ModelEvaluation(),
        ranker.LEADERBOARD: Leaderboard(),
    }
    for place, (key, artifact) in enumerate(outputs.items(), start=10):
        artifact.uri, artifact.id = str(folder / key), place
        Path(artifact.uri).mkdir()
    transform_graph = standard_artifacts.TransformGraph()
    transform_graph.uri = str(folder / "transform_graph")
    ranker.Executor(beam_context(folder)).Do(
        {ranker.EXAMPLES: [examples], ranker.TRANSFORM_GRAPH: [transform_graph], **inputs},
        {key: [artifact] for key, artifact in outputs.items()},
        {
            ranker.CONTEST: config_to_json(ContestConfig()),
            ranker.AUDIO: config_to_json(AudioConfig()),
        },
    )
    return outputs


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run, with everything that the component wrote."""
    folder = tmp_path_factory.mktemp("run")
    examples = write_examples(folder / "examples")
    # The ranker knows the names of the registry alone.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranker, "MODEL_NAMES", ("svm", "knn", "mlp"))
        ranked = rank(folder, examples)
    evaluation, blessing = run_evaluator(
        folder / "judgement",
        Evaluator,
        GATE,
        examples=examples,
        model=ranked[ranker.BEST_MODEL],
    )
    evaluation.id, blessing.id = 20, 21
    inputs = {
        executor.EXAMPLES: examples,
        executor.TRANSFORMED: write_transformed(folder / "transformed"),
        executor.LEADERBOARD: ranked[ranker.LEADERBOARD],
        executor.RANKING: ranked[ranker.EVALUATION],
        executor.EVALUATION: evaluation,
        executor.BLESSING: blessing,
        executor.MODEL: ranked[ranker.BEST_MODEL],
    }
    report, page = system.Artifact(), system.HTML()
    report.uri, page.uri = str(folder / "report"), str(folder / "page")
    configuration = {
        "audio": dataclasses.asdict(AUDIO),
        "contest": dataclasses.asdict(ContestConfig(max_credible_accuracy=0.9)),
        "gate": dataclasses.asdict(GATE),
        "train": {"seed": 3},
    }
    executor.Executor(base_executor.BaseExecutor.Context(pipeline_run_id="run 1")).Do(
        {key: [artifact] for key, artifact in inputs.items()},
        {executor.REPORT: [report], executor.PAGE: [page]},
        {
            executor.CONFIGURATION: json.dumps(configuration),
            executor.PIPELINE_NAME: "music-genre",
            executor.CODE_DIGEST: "ab" * 32,
        },
    )
    return folder


@pytest.fixture(scope="module")
def data(run: Path) -> ReportData:
    return from_json((run / "report" / "report.json").read_text(encoding="utf-8"))


def test_the_page_is_written_twice_and_its_data_once(run: Path, data: ReportData) -> None:
    text = (run / "report" / "index.html").read_bytes()
    assert text == (run / "page").read_bytes()
    assert {path.name for path in (run / "report").iterdir()} == {"index.html", "report.json"}
    assert json.loads(to_json(data)) == json.loads((run / "report" / "report.json").read_text())
    outline = Outline(text.decode())
    assert outline.all("script") == []
    assert "Refused: svm" in outline.text
    assert "failed: OSError: no such thing" in outline.text
    assert HOSTILE in outline.text
    assert f"by {HOSTILE_NAME}" in outline.text
    assert not any(image["src"] == "x" for image in outline.all("img"))


def test_the_verdict_is_the_evaluators(data: ReportData) -> None:
    assert data.best == "svm"
    assert data.blessed is False
    assert "all genres: accuracy is 0.667, at least 0.900 is needed" in data.reasons
    checks = {row["check"]: (row["required"], row["passed"]) for row in data.gate}
    assert checks["accuracy"] == (0.9, False)
    assert checks["recall of Pop"] == ("too few clips to judge", None)
    assert data.alarms[0].startswith("1 artist is in more than one split (7)")
    assert data.alarms[1].startswith("accuracy on eval is above the 0.9 that is credible (svm 1.0")
    assert [row["name"] for row in data.models] == ["svm", "knn", "mlp"]
    assert data.fits["svm"]["curves"] == CURVES
    assert data.why_best


def test_figures_of_test_are_those_of_tfmas_artifact(run: Path, data: ReportData) -> None:
    expected = dataclasses.asdict(
        read_evaluation(str(run / "judgement" / "evaluation"), "", GENRES)
    )
    assert data.test == json.loads(json.dumps(expected))
    assert data.test["overall"]["accuracy"] == pytest.approx(4 / 6)
    assert set(data.test["slices"]) == {"license", "year", "source_channels", "duration"}
    sources = {
        source.key: (source.type, source.id, source.uri) for source in data.provenance.sources
    }
    uri = str(run / "judgement" / "evaluation")
    assert sources[executor.EVALUATION] == ("ModelEvaluation", 20, uri)
    assert list(sources) == [
        "examples", "transformed_examples", "leaderboard", "ranking", "model", "evaluation",
        "blessing",
    ]  # fmt: skip


def test_the_winners_vectors_are_projected(data: ReportData) -> None:
    assert data.projection is not None
    assert data.projection.feature == "statistics"
    points = data.projection.points
    assert {genre: len(clips) for genre, clips in points.items()} == {
        "Müßiggang": 2, "Pop": 3, "Rock": 2,
    }  # fmt: skip
    first, second = data.projection.explained
    assert 1 >= first + second >= first > second > 0
    # Components have a mean of 0, and the first one varies more.
    both = np.array([point for clips in points.values() for point in clips])
    assert both.mean(axis=0) == pytest.approx([0, 0], abs=1e-3)
    assert both[:, 0].std() > both[:, 1].std()


def test_scores_are_shown_before_calibration_too(data: ReportData) -> None:
    assert data.test["calibration_before"] != data.test["calibration"]
    assert data.test["overall"]["calibration_error_before"] > 0


def test_clips_and_artists_are_counted(data: ReportData) -> None:
    held = data.holdings
    assert held.clips == {
        "train": {"Müßiggang": 2, "Pop": 3, "Rock": 2},
        "eval": {"Müßiggang": 2, "Pop": 2, "Rock": 2},
        "test": {"Müßiggang": 2, "Pop": 2, "Rock": 2},
    }
    assert held.artists_of_split == {"train": 7, "eval": 6, "test": 6}
    assert held.artists["train"]["Pop"] == 3
    assert (held.n_artists, held.straddling) == (18, 1)
    assert held.seconds == {"train": 14.0, "eval": 12.0, "test": 12.0}
    assert held.faults == {"no_metadata": 1, "silent": 25}
    assert len(held.fault_rows) == 20
    assert held.left_out == {"licence": 3}
    assert held.fault_rows[0] == {
        "path": "000/Icon\r", "track_id": "-1", "kind": "no_metadata", "detail": "no row",
    }  # fmt: skip
    assert held.fault_rows[4] == {
        "path": "001/000003.mp3", "track_id": "3", "kind": "silent", "detail": "no sample",
    }  # fmt: skip


def test_mistakes_can_be_heard_and_examples_seen(data: ReportData) -> None:
    assert [(clip.genre, clip.predicted) for clip in data.mistakes] == [
        (mistake["genre"], mistake["predicted"]) for mistake in data.test["mistakes"]
    ]
    assert {(clip.genre, clip.predicted) for clip in data.mistakes} == {
        ("Pop", "Rock"), ("Müßiggang", "Pop"),
    }  # fmt: skip
    for clip in data.mistakes:
        assert clip.audio.startswith("data:audio/mpeg;base64,")
        assert clip.spectrogram.startswith("data:image/png;base64,")
        assert tuple(clip.top[0]) == (clip.predicted, clip.score)
        assert clip.genre_score < clip.score
        assert clip.title == HOSTILE
        assert (clip.license, clip.year, clip.seconds) == ("CC BY", 2008, 2.0)
    assert [clip.genre for clip in data.examples] == [
        "Müßiggang", "Müßiggang", "Pop", "Pop", "Rock", "Rock",
    ]  # fmt: skip
    assert len({clip.spectrogram for clip in data.examples}) == 6
    assert all(clip.spectrogram.startswith("data:image/png;base64,") for clip in data.examples)
    assert len({clip.artist_id for clip in data.examples}) == 6


def test_provenance_has_versions_seeds_and_the_run(data: ReportData) -> None:
    assert data.provenance.run_id == "run 1"
    assert data.provenance.code_digest == "ab" * 32
    assert data.provenance.configuration["train"] == {"seed": 3}
    assert data.provenance.versions["tensorflow"].count(".") == 2
    assert data.provenance.created.endswith("+00:00")
    assert all(isinstance(source.id, int) for source in data.provenance.sources)


def test_on_vertex_the_run_is_in_the_path_and_ids_are_of_no_store() -> None:
    uri = "gs://bucket/root/123456789/music-genre-20261125/GenreReport_42/report"
    assert executor.run_of(None, uri) == executor.Run("music-genre-20261125", ids_of_store=False)
    assert executor.run_of("run 1", "output/report/7") == executor.Run("run 1", ids_of_store=True)


def test_the_notebook_shows_the_run(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(run / "report", tmp_path / "pipeline" / "GenreReport" / "report" / "1")
    record(tmp_path, [1])
    notebook = ROOT / "notebooks" / "slices.ipynb"
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    monkeypatch.chdir(notebook.parent)
    monkeypatch.setenv("OUTPUT_DIR", str(tmp_path))
    names: dict[str, Any] = {}
    for cell in code:
        *before, last = ast.parse("".join(cell["source"])).body
        exec(compile(ast.Module(before, []), str(notebook), "exec"), names)
        if isinstance(last, ast.Expr):  # what a cell ends in is what it shows
            names["shown"] = eval(compile(ast.Expression(last.value), str(notebook), "eval"), names)
        else:
            exec(compile(ast.Module([last], []), str(notebook), "exec"), names)
    assert f"run 1 of {tmp_path}: svm, refused" in capsys.readouterr().out
    assert list(names["leaderboard"]["model"]) == ["svm", "knn", "mlp"]
    assert isinstance(names["shown"], tfma_widget.SlicingMetricsViewer)
    assert {row["slice"] for row in names["shown"].data} == {f"genre:{genre}" for genre in GENRES}
