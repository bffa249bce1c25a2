"""Plots as SVG text that lives inside a page: the same bytes for the same figures.

Text and axes take the colour of the text around them, series the page's own colours, so that a plot
follows the page from light to dark.
"""

from __future__ import annotations

import dataclasses
import functools
import html
import io
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ParamSpec

import matplotlib
import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

# Drawn in these, replaced by what CSS knows. The series are told apart by any kind of colour
# vision: blue, vermilion, green, purple, orange and black of Okabe and Ito (2008), lighter on a
# dark page.
_INK = "#010203"
_CELL, _ON_CELL = "#040507", "#040506"
_SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#000001")
_MARKERS = "os^DvPX"  # one more than colours: 42 pairs, no two the same
_IN_CSS = {
    _INK: "currentColor",
    _CELL: "var(--cell)",
    _ON_CELL: "var(--on-cell)",
    **{colour: f"var(--series-{place})" for place, colour in enumerate(_SERIES, start=1)},
}
_GRID_ALPHA = 0.14
_WEAK_ALPHA = 0.45
_POINT = 72.0  # points an inch
_PIXEL = 0.75  # points a CSS pixel
_STYLE: dict[str, Any] = {
    # Text stays text, in the page's own type.
    "svg.fonttype": "none",
    "text.parse_math": False,  # a genre may have a dollar in its name
    "font.size": 8.5,
    "axes.titlesize": 9,
    "axes.labelsize": 8.5,
    "axes.titleweight": "bold",
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": _INK,
    "grid.alpha": _GRID_ALPHA,
    "grid.linewidth": 0.7,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "lines.linewidth": 1.6,
    "text.color": _INK,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
}
_ROW_PX = 22
_STRONG_SHARE = 0.55  # from here on a cell of the confusion matrix needs text of its own colour

Interval = Sequence[float]
_P = ParamSpec("_P")


class _Drawing:
    """A figure of a size in CSS pixels, drawn without pyplot's state."""

    def __init__(self, name: str, width_px: float, height_px: float):
        self._name = name
        inch = _POINT / _PIXEL
        layout = ConstrainedLayoutEngine(w_pad=0.02, h_pad=0.02)
        self.figure = Figure((width_px / inch, height_px / inch), layout=layout)
        self.figure.patch.set_alpha(0)
        FigureCanvasSVG(self.figure)

    def svg(self, label: str) -> str:
        """Returns an `<svg>` element that says `label` to those who do not see it."""
        file = io.StringIO()
        # The salt makes ids the same every time, and different from those of other plots.
        with matplotlib.rc_context({"svg.hashsalt": self._name}):
            self.figure.savefig(
                file, format="svg", transparent=True, metadata={"Date": None, "Creator": None}
            )
        return _for_a_page(file.getvalue(), label)


def _for_a_page(text: str, label: str) -> str:
    """Returns matplotlib's document as an element that shares a page with others of its kind."""
    text = text[text.index("<svg") :]
    # Styles and ids would be the whole page's; the ids that are left are salted.
    text = re.sub(r"<metadata>.*?</metadata>|<style[^>]*>.*?</style>", "", text, flags=re.DOTALL)
    text = re.sub(r"\s*\n\s*", "\n", text)
    # Text between tags is a genre's or a model's: it may look like a style, and stays as it is.
    text = re.sub(r"<[^>]*>", lambda tag: _tag_for_a_page(tag[0]), text)
    size = re.search(r'viewBox="0 0 ([0-9.]+) ([0-9.]+)"', text)
    assert size, "matplotlib gives every document a viewBox"
    width, height = float(size[1]) / _PIXEL, float(size[2]) / _PIXEL
    opening = (
        f'<svg class="plot" role="img" aria-label="{html.escape(label)}" viewBox="{size[0][9:-1]}" '
        f'width="{width:.0f}" height="{height:.0f}" style="--width: {width:.0f}px">'
    )
    return re.sub(r"<svg[^>]*>", lambda _: opening, text, count=1).strip()


def _tag_for_a_page(tag: str) -> str:
    tag = re.sub(r' id="[A-Za-z0-9.]+_[0-9]+"', "", tag)
    tag = re.sub(r"font-family: [^;\"]*;? ?", "", tag)
    for colour, name in _IN_CSS.items():
        tag = tag.replace(colour, name)
    return tag


def _styled(plot: Callable[_P, str]) -> Callable[_P, str]:
    """Draws with the style above, whatever a matplotlibrc of this machine says."""

    @functools.wraps(plot)
    def styled(*args: _P.args, **kwargs: _P.kwargs) -> str:
        with matplotlib.style.context(_STYLE, after_reset=True):
            return plot(*args, **kwargs)

    return styled


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval (None: not known) and whether it is the one to look at."""

    label: str
    value: float
    interval: Interval | None = None
    strong: bool = False


@_styled
def estimates(name: str, rows: Sequence[Estimate], axis: str, label: str) -> str:
    """Returns dots with whiskers, one row an estimate, the first on top; the axis is [0, 1]."""
    drawing = _Drawing(name, 430, _ROW_PX * len(rows) + 48)
    axes = drawing.figure.add_subplot()
    for place, row in enumerate(rows):
        _estimate(axes, place, row, _SERIES[0], "o")
    _rows(axes, [row.label for row in rows])
    for text, row in zip(axes.get_yticklabels(), rows, strict=True):
        text.set_fontweight("bold" if row.strong else "normal")
    _unit_axis(axes, axis)
    return drawing.svg(label)


@_styled
def pairs(
    name: str,
    rows: Sequence[tuple[str, Estimate | None, Estimate | None]],
    names: tuple[str, str],
    axis: str,
    label: str,
) -> str:
    """Returns the estimates of two runs, one row a thing that both or one of them have."""
    drawing = _Drawing(name, 460, (_ROW_PX + 8) * len(rows) + 72)
    axes = drawing.figure.add_subplot()
    markers = "os"
    for place, (_, *both) in enumerate(rows):
        for side, row in enumerate(both):
            if row is None:
                continue
            _estimate(axes, place + (side - 0.5) * 0.36, row, _SERIES[side], markers[side])
    _rows(axes, [text for text, *_ in rows])
    _unit_axis(axes, axis)
    handles = [
        Line2D([], [], color=_SERIES[side], marker=markers[side], linestyle="", label=names[side])
        for side in (0, 1)
    ]
    drawing.figure.legend(handles=handles, loc="outside upper right", ncols=2)
    return drawing.svg(label)


def _estimate(axes: Axes, height: float, row: Estimate, colour: str, marker: str) -> None:
    if row.interval:
        axes.plot(row.interval, (height, height), color=colour, alpha=_WEAK_ALPHA, linewidth=4,
                  solid_capstyle="butt")  # fmt: skip
    axes.plot([row.value], [height], marker, color=colour, markersize=6.5 if row.strong else 4.5)


def _rows(axes: Axes, labels: Sequence[str]) -> None:
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="y", visible=False)


def _unit_axis(axes: Axes, label: str) -> None:
    axes.set_xlim(-0.02, 1.02)
    axes.set_xticks([0, 0.2, 0.4, 0.6, 0.8, 1])
    axes.set_xlabel(label)


@_styled
def confusion(rows: Mapping[str, Mapping[str, int]], columns: Sequence[str], label: str) -> str:
    """Returns the confusion matrix: counts, shaded by their share of the row.

    Args:
        rows: for each genre how often each was predicted.
        columns: the predicted genres, in order.
        label: what the plot says, for those who do not see it.
    """
    longest = max(len(genre) for genre in (*rows, *columns))
    cell_px = 36 if len(columns) <= 12 else 28
    margin_px = 30 + 6.2 * longest
    drawing = _Drawing(
        "confusion", margin_px + cell_px * len(columns), margin_px + cell_px * len(rows)
    )
    axes = drawing.figure.add_subplot(aspect="equal")
    for place, (genre, row) in enumerate(rows.items()):
        total = sum(row.values())
        for at, predicted in enumerate(columns):
            count = row.get(predicted, 0)
            if count:
                share = count / total
                _cell(axes, at, place, facecolor=_CELL, alpha=max(share, 0.08), linewidth=0)
                colour = _ON_CELL if share > _STRONG_SHARE else _INK
                axes.text(at, place, str(count), ha="center", va="center", color=colour)
            if predicted == genre:
                _cell(axes, at, place, fill=False, edgecolor=_INK, alpha=_WEAK_ALPHA, linewidth=0.8)
    axes.set_xticks(range(len(columns)), columns, rotation=90)
    axes.set_yticks(range(len(rows)), list(rows))
    axes.set_xlim(-0.5, len(columns) - 0.5)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    return drawing.svg(label)


def _cell(axes: Axes, column: int, row: int, **style: Any) -> None:
    axes.add_patch(Rectangle((column - 0.47, row - 0.47), 0.94, 0.94, **style))


@_styled
def reliability(
    bins: Sequence[Mapping[str, float]], before: Sequence[Mapping[str, float]], label: str
) -> str:
    """Returns the reliability diagram: how often the highest score is right, by that score.

    Args:
        bins: `lower`, `upper`, `clips`, `mean_score` and `accuracy` of every bin that is not empty.
        before: the same before calibration, none where that is not known.
        label: what the plot says, for those who do not see it.
    """
    drawing = _Drawing("reliability", 380, 380)
    axes = drawing.figure.add_subplot(aspect="equal")
    axes.plot([0, 1], [0, 1], color=_INK, alpha=_WEAK_ALPHA, linestyle=(0, (4, 3)), linewidth=1)
    most = max(found["clips"] for found in bins)
    for found in bins:
        axes.add_patch(
            Rectangle((found["lower"], 0), found["upper"] - found["lower"], found["accuracy"],
                      facecolor=_SERIES[0], alpha=0.12 + 0.28 * found["clips"] / most, linewidth=0)
        )  # fmt: skip
    for series, (side, text, style) in enumerate(
        ((bins, "calibrated", "o-"), (before, "before calibration", "s--"))
    ):
        line = sorted((point["mean_score"], point["accuracy"]) for point in side)
        if line:
            axes.plot(*zip(*line, strict=True), style, color=_SERIES[series], markersize=5,
                      label=text)  # fmt: skip
    drawing.figure.legend(loc="outside upper right", ncols=2)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    axes.set_xlabel("highest score")
    axes.set_ylabel("share that is right")
    return drawing.svg(label)


@_styled
def scatter(
    points: Sequence[tuple[str, Sequence[Sequence[float]]]],
    others: Sequence[Sequence[float]],
    axis_labels: tuple[str, str],
    label: str,
) -> str:
    """Returns clips in two dimensions, each genre with a colour and a marker of its own.

    Args:
        points: genres with the coordinates of their clips.
        others: those of further genres, drawn faintly behind them.
        axis_labels: of the two dimensions.
        label: what the plot says, for those who do not see it.
    """
    width_px = 430
    longest = max(len(genre) for genre, _ in points)
    columns = max(1, min(4, int(width_px / (6 * longest + 34))))
    drawing = _Drawing("scatter", width_px, 340 + 17 * (len(points) // columns + 1))
    axes = drawing.figure.add_subplot()
    if others:
        axes.plot(*zip(*others, strict=True), ".", color=_INK, alpha=0.3, markersize=3,
                  label="other genres")  # fmt: skip
    for place, (genre, clips) in enumerate(points):
        axes.plot(*zip(*clips, strict=True), _MARKERS[place % len(_MARKERS)], label=genre,
                  color=_SERIES[place % len(_SERIES)], alpha=0.75, markersize=4.5,
                  markeredgewidth=0)  # fmt: skip
    axes.set_xlabel(axis_labels[0])
    axes.set_ylabel(axis_labels[1])
    drawing.figure.legend(loc="outside upper right", ncols=columns, markerscale=1.4)
    return drawing.svg(label)


@_styled
def curves(name: str, stages: Sequence[Mapping[str, Any]], label: str) -> str:
    """Returns loss and accuracy by epoch, all stages in a row with a line between them.

    Args:
        name: of the model.
        stages: see `models.spec.TrainedModel`.
        label: what the plot says, for those who do not see it.
    """
    epochs = [epoch for stage in stages for epoch in stage["epochs"]]
    shown = [key for key in ("loss", "accuracy") if any(key in epoch for epoch in epochs)]
    drawing = _Drawing(f"curves {name}", 205 * len(shown) + 10, 185)
    panels = drawing.figure.subplots(1, len(shown), squeeze=False)[0]
    for axes, key in zip(panels, shown, strict=True):
        for series, (prefix, text) in enumerate((("", "train"), ("val_", "eval"))):
            points = [
                (place, epoch[prefix + key])
                for place, epoch in enumerate(epochs, start=1)
                if epoch.get(prefix + key) is not None
            ]
            if points:
                marker = "o" if len(points) == 1 else None
                axes.plot(*zip(*points, strict=True), color=_SERIES[series], label=text,
                          linestyle=("-", (0, (5, 1.5)))[series], marker=marker)  # fmt: skip
        before = 0
        for stage in stages[:-1]:
            before += len(stage["epochs"])
            axes.axvline(before + 0.5, color=_INK, alpha=_WEAK_ALPHA, linewidth=0.8)
        axes.set_title(key, loc="left")
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
        if key == "accuracy":
            axes.set_ylim(0, 1.02)
        else:
            axes.set_ylim(bottom=0)
    handles, texts = panels[0].get_legend_handles_labels()
    drawing.figure.legend(handles, texts, loc="outside upper right", ncols=2)
    return drawing.svg(label)


@_styled
def clips_by_genre(
    clips: Mapping[str, Mapping[str, int]], genres: Sequence[str], label: str
) -> str:
    """Returns a bar a genre, of its clips in each split.

    Args:
        clips: for each split, for each genre, the number of clips.
        genres: in order.
        label: what the plot says, for those who do not see it.
    """
    drawing = _Drawing("clips", 430, _ROW_PX * len(genres) + 72)
    axes = drawing.figure.add_subplot()
    left = [0] * len(genres)
    for (split, counts), colour in zip(clips.items(), _SERIES, strict=False):
        widths = [counts.get(genre, 0) for genre in genres]
        axes.barh(range(len(genres)), widths, left=left, height=0.66, color=colour, label=split)
        left = [start + width for start, width in zip(left, widths, strict=True)]
    _rows(axes, genres)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    axes.set_xlabel("clips")
    drawing.figure.legend(loc="outside upper right", ncols=len(clips))
    return drawing.svg(label)
