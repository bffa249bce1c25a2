"""A run's data as one HTML page that needs nothing else."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import jinja2
from markupsafe import Markup

from common import formatting
from report import plots
from report.data import Clip, Holdings, Projection, ReportData

NOTHING = "–"
# Room for spectrograms and sounds as data: URIs, so that a page stays below 5 MB.
_EXAMPLES_BYTES = 1_800_000
_MISTAKES_BYTES = 2_000_000
_MOST_PAIRS = 5
_MOST_GENRES = 12  # that a scatter plot tells apart
# Where it is not just the feature's own name.
_SLICE_NAMES = {"license": "Licence", "source_channels": "Channels of the file"}


def render(data: ReportData) -> str:
    """Returns the page of a run; the same bytes for the same data."""
    genres = _genres(data)
    return (
        environment()
        .get_template("report.html")
        .render(
            data=data,
            genres=genres,
            totals=_totals(data.holdings),
            # Every genre has clips to train on, so that a model tells all of them apart, those that
            # test does not hold too.
            chance_loss=math.log(len(genres)),
            hyperparameters=_hyperparameters(data),
            curves=_curves(data),
            eval_flatters_some=_eval_flatters_some(data),
            leaderboard_plot=_leaderboard_plot(data.models),
            f1_plot=_f1_plot(data.test["per_genre"]),
            data_set=_data_set(data),
            is_synthetic=bool(data.examples)
            and all("synthetic" in clip.license for clip in data.examples),
            majority=_share_of_most_frequent(data),
            slices={
                feature: values
                for feature, values in data.test["slices"].items()
                if len(values) > 1
            },
            confused=_most_confused(data.test["confusion"]),
            confusion_columns=_predicted(data.test["confusion"]),
            confusion_plot=_confusion_plot(data.test["confusion"]),
            calibration=_calibration_rows(data.test),
            calibration_plot=_calibration_plot(data.test),
            projection_plot=_projection_plot(data.projection),
            clips_plot=_clips_plot(data),
            slice_names=_SLICE_NAMES,
            examples=_bounded(data.examples, _EXAMPLES_BYTES),
            mistakes=_bounded(data.mistakes, _MISTAKES_BYTES),
        )
    )


def environment() -> jinja2.Environment:
    """Returns the templates, with everything escaped that is not a plot of ours."""
    found = jinja2.Environment(
        loader=jinja2.PackageLoader("report"),
        autoescape=True,  # titles come from an archive
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters.update(
        figure=figure, interval=with_interval, whole=whole, short=short, duration=duration
    )
    return found


def figure(value: float | None, digits: int = 3) -> str:
    """Returns a number with fixed digits, a dash where there is none."""
    if value is None or not math.isfinite(value):
        return NOTHING
    return f"{value:.{digits}f}"


def with_interval(value: float | None, interval: Sequence[float] | None) -> str:
    """Returns a number with its 95 % interval, such as `0.63 [0.52, 0.74]`."""
    if value is None or interval is None:
        return figure(value, 2)
    low, high = interval
    return f"{figure(value, 2)} [{figure(low, 2)}, {figure(high, 2)}]"


def whole(value: float | None) -> str:
    """Returns a whole number, its thousands set apart."""
    return NOTHING if value is None else f"{value:,.0f}"


def short(value: float | None) -> str:
    """Returns a number with three digits and a unit of thousands, such as `2.26 M`."""
    return NOTHING if value is None else formatting.short(value)


def duration(seconds: float | None) -> str:
    """Returns seconds as people say them, such as `3 min 20 s`."""
    if seconds is None:
        return NOTHING
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def _genres(data: ReportData) -> list[str]:
    """Returns every genre of the data, in order."""
    return sorted({genre for counts in data.holdings.clips.values() for genre in counts})


def _totals(holdings: Holdings) -> dict[str, Any]:
    by_genre: Counter[str] = Counter()
    for counts in holdings.clips.values():
        by_genre.update(counts)
    return {
        "clips": by_genre.total(),
        "by_genre": by_genre,
        "seconds": sum(holdings.seconds.values()),
    }


def _hyperparameters(data: ReportData) -> dict[str, Mapping[str, Any]]:
    found = {m["name"]: data.fits.get(m["name"], {}).get("hyperparameters") for m in data.models}
    return {name: values for name, values in found.items() if values}


def _eval_flatters_some(data: ReportData) -> bool:
    """Returns whether networks, which eval tells when to stop, stand beside other models."""
    by_epochs = {
        bool(data.fits.get(model["name"], {}).get("curves"))
        for model in data.models
        if model["status"] == "trained"
    }
    return len(by_epochs) == 2


def _data_set(data: ReportData) -> str:
    """Returns what the data are called: the last two folders of the audio, or nothing."""
    audio_dir = data.provenance.configuration.get("data", {}).get("audio_dir", "")
    return "/".join(audio_dir.rstrip("/").split("/")[-2:])


def _share_of_most_frequent(data: ReportData) -> float | None:
    """Returns the accuracy on test of always saying the most frequent genre of train."""
    train, test = (data.holdings.clips.get(split, {}) for split in ("train", "test"))
    if not train or not sum(test.values()):
        return None
    return test.get(max(train, key=lambda genre: train[genre]), 0) / sum(test.values())


def _most_confused(confusion: Mapping[str, Mapping[str, int]]) -> list[tuple[int, str, str]]:
    """Returns how many clips, of which genre, were taken for which other, the most first."""
    pairs = [
        (count, genre, predicted)
        for genre, row in confusion.items()
        for predicted, count in row.items()
        if predicted != genre and count
    ]
    return sorted(pairs, key=lambda pair: (-pair[0], pair[1:]))[:_MOST_PAIRS]


def _predicted(confusion: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Returns the columns of a confusion matrix: its genres, then whatever else was predicted."""
    others = {name for row in confusion.values() for name in row} - set(confusion)
    return [*confusion, *sorted(others)]


def _leaderboard_plot(models: Sequence[Mapping[str, Any]]) -> Markup:
    rows = [
        plots.Estimate(
            model["name"],
            model["eval"]["macro_f1"],
            model["eval"].get("macro_f1_interval"),
            strong=place == 0,
        )
        for place, model in enumerate(models)
        if model["status"] == "trained"
    ]
    label = "Macro-F1 on eval, best first: " + _in_words(rows)
    return (
        Markup(plots.estimates("leaderboard", rows, "macro-F1 on eval", label)) if rows else _NONE
    )


def _f1_plot(per_genre: Mapping[str, Mapping[str, Any]]) -> Markup:
    rows = [
        plots.Estimate(genre, figures["f1"], figures.get("f1_interval"))
        for genre, figures in per_genre.items()
    ]
    label = "F1 on test by genre: " + _in_words(rows)
    return Markup(plots.estimates("f1", rows, "F1 on test", label))


def _in_words(rows: Sequence[plots.Estimate]) -> str:
    return "; ".join(f"{row.label} {with_interval(row.value, row.interval)}" for row in rows)


def _confusion_plot(confusion: Mapping[str, Mapping[str, int]]) -> Markup:
    label = "Confusion matrix on test, the numbers are in the table that follows."
    return Markup(plots.confusion(confusion, _predicted(confusion), label))


def _calibration_rows(test: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Returns each bin of the scores, calibrated and before; None where one of them has no clip."""
    both = [
        {found["lower"]: found for found in bins}
        for bins in (test["calibration"], _calibration_before(test))
    ]
    return [
        {"bin": both[0].get(lower) or both[1][lower], "bins": [bins.get(lower) for bins in both]}
        for lower in sorted(both[0].keys() | both[1].keys())
    ]


def _calibration_before(test: Mapping[str, Any]) -> Sequence[Mapping[str, float]]:
    found: Sequence[Mapping[str, float]] = test.get("calibration_before", ())
    return found


def _calibration_plot(test: Mapping[str, Any]) -> Markup:
    bins, before = test["calibration"], _calibration_before(test)
    if not bins:
        return _NONE
    label = "Share of right answers by highest score: " + "; before calibration: ".join(
        "; ".join(f"{figure(one['mean_score'], 2)}: {figure(one['accuracy'], 2)}" for one in found)
        for found in (bins, before)
        if found
    )
    return Markup(plots.reliability(bins, before, label))


def _projection_plot(projection: Projection | None) -> Markup:
    if not projection:
        return _NONE
    points = projection.points
    named = sorted(points, key=lambda genre: -len(points[genre]))[:_MOST_GENRES]
    label = f"Clips on two principal components of {projection.feature}: " + ", ".join(
        f"{len(clips)} {genre}" for genre, clips in points.items()
    )
    first, second = (
        f"component {place}, {100 * share:.0f} % of the variance"
        for place, share in enumerate(projection.explained, start=1)
    )
    return Markup(
        plots.scatter(
            [(genre, clips) for genre, clips in points.items() if genre in named],
            [point for genre, clips in points.items() if genre not in named for point in clips],
            (first, second),
            label,
        )
    )


def _clips_plot(data: ReportData) -> Markup:
    label = "Clips of each genre by split, the numbers are in the table that follows."
    return Markup(plots.clips_by_genre(data.holdings.clips, _genres(data), label))


def _curves(data: ReportData) -> list[dict[str, Any]]:
    """Returns plot and epochs of every model that was trained by epochs, as the models are."""
    found = []
    for model in data.models:
        stages = [s for s in data.fits.get(model["name"], {}).get("curves", ()) if s["epochs"]]
        if not stages:
            continue
        epochs = [(stage["stage"], epoch) for stage in stages for epoch in stage["epochs"]]
        last = ", ".join(f"{key} {figure(value)}" for key, value in sorted(epochs[-1][1].items()))
        label = f"{model['name']}, {len(epochs)} epochs; the last has {last}."
        plot = Markup(plots.curves(model["name"], stages, label))
        shown = sorted({key for _, epoch in epochs for key in epoch}, key=_in_order)
        found.append({"name": model["name"], "epochs": epochs, "shown": shown, "plot": plot})
    return found


def _in_order(key: str) -> tuple[str, bool]:
    """Puts a figure on eval right after the same one on train."""
    return key.removeprefix("val_"), key.startswith("val_")


def _bounded(clips: Sequence[Clip], bytes_left: int) -> list[Clip]:
    """Returns the clips without the spectrograms, then the sounds, that there is no room for."""
    found = list(clips)
    for place, clip in enumerate(found):
        if len(clip.spectrogram) > bytes_left:
            found[place] = dataclasses.replace(clip, spectrogram="")
        bytes_left -= len(found[place].spectrogram)
    for place, clip in enumerate(found):
        if len(clip.audio) > bytes_left:
            found[place] = dataclasses.replace(clip, audio="")
        bytes_left -= len(found[place].audio)
    return found


_NONE = Markup("")
