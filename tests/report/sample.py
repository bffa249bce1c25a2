"""A made-up run of nine models on eight genres, for pages to be made of."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from report.data import Clip, Holdings, Projection, Provenance, ReportData, Source
from report.media import excerpt_uri, spectrogram_uri

GENRES = (
    "Electronic", "Experimental", "Folk", "Hip-Hop", "Instrumental", "International", "Pop", "Rock",
)  # fmt: skip
MODELS = (
    "logistic_regression", "svm", "mobilenet_v2", "sample_cnn", "knn", "cnn1d", "fcn5", "mlp",
    "gaussian_nb",
)  # fmt: skip
DEEP = {"mobilenet_v2": 40, "sample_cnn": 60, "cnn1d": 35, "fcn5": 50, "mlp": 80}
LICENSE = "Attribution-Noncommercial-Share Alike 3.0 United States"
SPLITS = {"train": 128, "eval": 36, "test": 36}
_RATE_HZ = 22_050


def _interval(value: float, clips: float) -> list[float]:
    half = 1.96 * (max(value * (1 - value), 0.01) / clips) ** 0.5
    return [max(value - half, 0.0), min(value + half, 1.0)]


def _row(
    name: str, place: int, genres: Sequence[str], chance: np.random.Generator
) -> dict[str, Any]:
    macro_f1 = 0.68 - 0.045 * place
    accuracy = macro_f1 + 0.02
    f1 = np.clip(macro_f1 + chance.normal(0, 0.12, len(genres)), 0.05, 1)
    return {
        "name": name,
        "status": "trained",
        "reason": None,
        "eval": {
            "clips": 36.0,
            "accuracy": accuracy,
            "macro_f1": macro_f1,
            "top_3_accuracy": min(accuracy + 0.22, 1.0),
            "log_loss": 0.9 + 0.12 * place,
            "calibration_error": 0.06 + 0.01 * place,
            "accuracy_interval": _interval(accuracy, 36),
            "macro_f1_interval": _interval(macro_f1, 36),
            "per_genre": {g: float(v) for g, v in zip(genres, f1, strict=True)},
        },
        "parameters": int(3_900 * 3.1**place),
        "training_seconds": 4.2 * 2.3**place,
        "prediction_ms": 12.5 + 3 * place,
        "servable": True,
        "feature": "statistics" if name not in DEEP or name == "mlp" else "log_mel",
        "tied": place in (1, 2),
        "hyperparameters": {"c": 0.1, "pca": False} if place < 2 else {"learning_rate": 0.001},
    }


def _curves(n_epochs: int) -> list[dict[str, Any]]:
    losses = np.linspace(2.0, 0.2, n_epochs)
    epochs = [
        {"loss": loss, "val_loss": loss + 0.3, "accuracy": np.exp(-loss),
         "val_accuracy": np.exp(-loss - 0.3)}
        for loss in losses.tolist()
    ]  # fmt: skip
    half = n_epochs // 2
    return [{"stage": "head", "epochs": epochs[:half]}, {"stage": "top", "epochs": epochs[half:]}]


def gate(test: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what a gate checked that a model passes, with the figures of a last blessed one."""
    accuracy = test["overall"]["accuracy"]
    recalls = {genre: figures["recall"] for genre, figures in test["per_genre"].items()}
    figures = {"accuracy": (0.3, accuracy, accuracy - 0.01),
               "accuracy vs last blessed": (accuracy - 0.03, accuracy, accuracy - 0.01),
               **{f"recall of {genre}": ("too few clips to judge", recall, None)
                  for genre, recall in recalls.items()}}  # fmt: skip
    return [
        {"check": check, "required": required, "measured": measured, "baseline": baseline,
         "passed": None if isinstance(required, str) else True}
        for check, (required, measured, baseline) in figures.items()
    ]  # fmt: skip


def evaluation(
    genres: Sequence[str], chance: np.random.Generator, clips: int = 36
) -> dict[str, Any]:
    """Return an `Evaluation` as a dictionary."""
    n = len(genres)
    counts = chance.integers(max(clips // n - 1, 1), clips // n + 3, n)
    confusion = {}
    for place, genre in enumerate(genres):
        shares = np.full(n, 0.05)
        shares[place] = 0.55 + 0.35 * chance.random()
        shares[(place + 1) % n] += 0.15
        row = chance.multinomial(counts[place], shares / shares.sum())
        confusion[genre] = {g: int(k) for g, k in zip(genres, row, strict=True) if k}
    per_genre: dict[str, dict[str, Any]] = {}
    for genre in genres:
        hits, total = confusion[genre].get(genre, 0), sum(confusion[genre].values())
        column = sum(row.get(genre, 0) for row in confusion.values())
        recall, precision = hits / total, hits / column if column else 0.0
        f1 = 2 * hits / (total + column)
        per_genre[genre] = {
            "clips": float(total), "precision": precision, "recall": recall, "f1": f1,
            "recall_interval": _interval(recall, total), "f1_interval": _interval(f1, total),
        }  # fmt: skip
    total = int(counts.sum())
    accuracy = sum(confusion[g].get(g, 0) for g in genres) / total
    macro_f1 = float(np.mean([figures["f1"] for figures in per_genre.values()]))

    def sliced(values: Sequence[str]) -> dict[str, dict[str, Any]]:
        found = {}
        for value in values:
            part = int(chance.integers(2, 14))
            share = float(np.clip(accuracy + chance.normal(0, 0.15), 0, 1))
            found[value] = {"clips": float(part), "accuracy": share, "macro_f1": share * 0.95,
                            "accuracy_interval": _interval(share, part)}  # fmt: skip
        return found

    return {
        "overall": {"clips": float(total), "accuracy": accuracy, "macro_f1": macro_f1,
                    "top_3_accuracy": 0.86, "log_loss": 1.042, "calibration_error": 0.083,
                    "calibration_error_before": 0.147},
        "intervals": {"accuracy": _interval(accuracy, total),
                      "macro_f1": _interval(macro_f1, total)},
        "per_genre": per_genre,
        "confusion": confusion,
        "calibration": [
            {"lower": low / 10, "upper": low / 10 + 0.1, "clips": float(3 + low),
             "mean_score": low / 10 + 0.05, "accuracy": min(0.9 * low / 10 + 0.02 * (low % 3), 1.0)}
            for low in range(2, 10)
        ],
        "calibration_before": [
            {"lower": low / 10, "upper": low / 10 + 0.1, "clips": float(1 + low),
             "mean_score": low / 10 + 0.05, "accuracy": 0.7 * low / 10}
            for low in range(3, 10)
        ],
        "slices": {
            "license": sliced(["", LICENSE, "Attribution", "FMA-Limited: Download Only",
                               "Attribution-NonCommercial-NoDerivatives 3.0 International"]),
            "year": sliced([str(year) for year in range(2_001, 2_018)]),
            "source_channels": sliced(["1", "2"]),
        },
        "mistakes": [],
    }  # fmt: skip


def _projection(genres: Sequence[str]) -> Projection:
    """Return a cloud of 60 clips a genre, around points on a circle."""
    chance = np.random.default_rng(0)
    points = {}
    for genre, angle in zip(genres, np.linspace(0, 6, len(genres)), strict=True):
        cloud = chance.normal((8 * np.cos(angle), 8 * np.sin(angle)), 4, (60, 2))
        points[genre] = cloud.round(3).tolist()
    return Projection("statistics", [0.214, 0.112], points)


@functools.cache
def _sound(seed: int) -> NDArray[np.int16]:
    """Return 12 s of noise, mono PCM16."""
    noise = np.random.default_rng(seed).normal(0, 5_000, _RATE_HZ * 12)
    return noise.clip(-32_768, 32_767).astype(np.int16)


@functools.cache
def _spectrogram(seed: int) -> str:
    levels = np.random.default_rng(seed).integers(0, 256, (224, 224)).astype(np.uint8)
    return spectrogram_uri(levels)


@functools.cache
def _audio(seed: int, seconds: float) -> str:
    return excerpt_uri(_sound(seed), _RATE_HZ, seconds)


def report_data(
    genres: Sequence[str] = GENRES,
    models: Sequence[str] = MODELS,
    *,
    seed: int = 0,
    n_tunes: int = 4,
    **changes: Any,
) -> ReportData:
    """Return the data of a blessed run; `changes` replace its fields.

    Args:
        genres: names.
        models: names, best first.
        seed: the random seed.
        n_tunes: how many sounds there are; clips share them.
        **changes: fields of ReportData.
    """
    chance = np.random.default_rng(seed)
    rows = [_row(name, place, genres, chance) for place, name in enumerate(models)]
    clips = {
        split: {genre: int(chance.integers(max(n // len(genres) - 3, 1), n // len(genres) + 4))
                for genre in genres}
        for split, n in SPLITS.items()
    }  # fmt: skip
    artists = {s: {g: max(n * 2 // 3, 1) for g, n in by.items()} for s, by in clips.items()}
    titles = ("Night Owl", "Ein schöner Müßiggang", "Untitled #4 (Live)", "Θάλασσα")
    common: dict[str, Any] = {
        "artist": "Åsa & the Owls",
        "artist_id": 77,
        "license": LICENSE,
        "seconds": 29.98,
    }
    examples = [
        Clip(track_id=2 + 10 * place, genre=genre, title=titles[place % 4], year=2_009,
             spectrogram=_spectrogram((place + seed) % n_tunes),
             audio=_audio((place + seed) % n_tunes, 5.0), **common)
        for place, genre in enumerate(genres)
    ]  # fmt: skip
    mistakes = []
    for place in range(12):
        genre, predicted = (genres[(place + step) % len(genres)] for step in (0, 1))
        tune, score = (place + seed) % n_tunes, 0.97 - 0.04 * place
        mistakes.append(
            Clip(track_id=1_000 + place, genre=genre, title=titles[place % 4],
                 year=-1 if place == 1 else 2_004 + place, predicted=predicted, score=score,
                 genre_score=0.02, top=[(predicted, score), (genre, 0.02)],
                 spectrogram=_spectrogram(tune), audio=_audio(tune, 10.0), **common)
        )  # fmt: skip
    root = "/srv/music/output/small/pipeline"
    sources = [
        Source("examples", "Examples", 1, f"{root}/FmaExampleGen/examples/1"),
        Source("transformed_examples", "Examples", 5, f"{root}/Transform/transformed_examples/5"),
        Source("leaderboard", "Leaderboard", 15, f"{root}/CandidateRanker/leaderboard/15"),
        Source("ranking", "ModelEvaluation", 14, f"{root}/CandidateRanker/evaluation/15"),
        Source("evaluation", "ModelEvaluation", 16, f"{root}/Evaluator/evaluation/17"),
        Source("blessing", "ModelBlessing", 17, f"{root}/Evaluator/blessing/17"),
        Source("model", "Model", 13, f"{root}/CandidateRanker/best_model/15"),
    ]
    test = evaluation(genres, chance)
    found = ReportData(
        best=models[0],
        blessed=True,
        reasons=[],
        alarms=[],
        why_best=f"{models[0]} leads on macro-F1 (0.680); svm and mobilenet_v2 are within its "
        "95 % interval, and it is the smallest of the three.",
        models=rows,
        fits={
            row["name"]: {
                "curves": _curves(DEEP[row["name"]]) if row["name"] in DEEP else [],
                "hyperparameters": {**row["hyperparameters"], "temperature": 1.317},
            }
            for row in rows
        },
        test=test,
        holdings=Holdings(
            clips=clips,
            artists=artists,
            artists_of_split={split: sum(by.values()) for split, by in artists.items()},
            n_artists=sum(sum(by.values()) for by in artists.values()),
            straddling=0,
            seconds={split: 29.98 * sum(by.values()) for split, by in clips.items()},
            faults={"empty_file": 1, "no_genre": 2, "undecodable": 3},
            fault_rows=[
                {"path": f"/srv/music/fma_small/133/1335{n}.mp3", "track_id": f"1335{n}",
                 "kind": "undecodable", "detail": "Format not recognised."}
                for n in range(3)
            ],
            left_out={"licence": 12, "fewer than 10 clips a genre": 4},
        ),
        examples=examples,
        mistakes=mistakes,
        spectrogram_axes={"fmin_hz": 0.0, "fmax_hz": 11_025.0, "dynamic_range_db": 80.0},
        provenance=Provenance(
            created="2026-11-22T15:10:16+00:00",
            pipeline="music-genre",
            run_id="2026-11-22T15:05:01.123456",
            code_digest="3f1c" * 16,
            versions={"python": "3.10.13", "tfx": "1.16.0", "tensorflow": "2.16.2"},
            configuration={
                "audio": {"sample_rate_hz": 22_050, "clip_seconds": 30.0},
                "data": {"audio_dir": "/srv/music/fma_small", "split": "official"},
                "train": {"seed": 0, "epochs": None},
                "gate": {"min_accuracy": 0.3},
            },
            sources=sources,
        ),
        gate=gate(test),
        projection=_projection(genres),
    )  # fmt: skip
    return dataclasses.replace(found, **changes)
