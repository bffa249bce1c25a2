"""Two runs side by side: what differs in verdict, figures, data and configuration."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from report import plots
from report.data import ReportData
from report.page import environment, with_interval

OVERALL = {
    "accuracy": "Accuracy",
    "macro_f1": "Macro-F1",
    "top_3_accuracy": "Top 3",
    "log_loss": "Log-loss",
    "calibration_error": "Calibration error",
}


@dataclasses.dataclass(frozen=True)
class Run:
    """A run and what to call it."""

    name: str
    data: ReportData


@dataclasses.dataclass(frozen=True)
class Difference:
    """A figure in both runs.

    Attributes:
        name: of what it is a figure of.
        a: in the first run, None where it is not there.
        b: in the second.
        a_interval: 95 % interval, [low, high].
        b_interval: 95 % interval, [low, high].
    """

    name: str
    a: float | None
    b: float | None
    a_interval: Any = None
    b_interval: Any = None

    @property
    def change(self) -> float | None:
        """The second minus the first."""
        return None if self.a is None or self.b is None else self.b - self.a

    @property
    def apart(self) -> bool:
        """Whether the intervals do not meet, so that chance is a poor explanation."""
        if not (self.a_interval and self.b_interval):
            return False
        (a_low, a_high), (b_low, b_high) = self.a_interval, self.b_interval
        return bool(a_high < b_low or b_high < a_low)


def render(a: Run, b: Run) -> str:
    """Returns a page that shows two runs side by side."""
    genres = genre_differences(a.data, b.data)
    return (
        environment()
        .get_template("compare.html")
        .render(
            a=a,
            b=b,
            overall=overall_differences(a.data, b.data),
            models=model_differences(a.data, b.data),
            genres=genres,
            genres_plot=_plot(genres, ("first", "second")),
            clips=clip_differences(a.data, b.data),
            settings=setting_differences(
                a.data.provenance.configuration, b.data.provenance.configuration
            ),
            versions=setting_differences(
                {"versions": a.data.provenance.versions}, {"versions": b.data.provenance.versions}
            ),
        )
    )


def overall_differences(a: ReportData, b: ReportData) -> list[Difference]:
    """Returns the figures of the judged models on test."""
    return [
        Difference(
            title,
            a.test["overall"].get(key),
            b.test["overall"].get(key),
            a.test["intervals"].get(key),
            b.test["intervals"].get(key),
        )
        for key, title in OVERALL.items()
    ]


def model_differences(a: ReportData, b: ReportData) -> list[Difference]:
    """Returns the macro-F1 on eval of every model of either run, in the first run's order."""
    both = [{row["name"]: row.get("eval") or {} for row in data.models} for data in (a, b)]
    return [_of("macro_f1", name, both[0].get(name, {}), both[1].get(name, {}))
            for name in dict.fromkeys([*both[0], *both[1]])]  # fmt: skip


def genre_differences(a: ReportData, b: ReportData) -> list[Difference]:
    """Returns the F1 of the judged models on test for every genre of either run."""
    one, other = a.test["per_genre"], b.test["per_genre"]
    return [_of("f1", genre, one.get(genre, {}), other.get(genre, {}))
            for genre in sorted({*one, *other})]  # fmt: skip


def clip_differences(a: ReportData, b: ReportData) -> list[Difference]:
    """Returns the number of clips of every split."""
    one, other = a.holdings.clips, b.holdings.clips
    return [
        Difference(split, sum(one.get(split, {}).values()), sum(other.get(split, {}).values()))
        for split in dict.fromkeys([*one, *other])
    ]


def setting_differences(
    a: Mapping[str, Any], b: Mapping[str, Any]
) -> list[tuple[str, str, Any, Any]]:
    """Returns (section, name, first, second) of every value that differs; None where it is not."""
    found = []
    for section in dict.fromkeys([*a, *b]):
        one, other = a.get(section) or {}, b.get(section) or {}
        for name in dict.fromkeys([*one, *other]):
            if one.get(name) != other.get(name):
                found.append((section, name, one.get(name), other.get(name)))
    return found


def _of(key: str, name: str, a: Mapping[str, Any], b: Mapping[str, Any]) -> Difference:
    interval = f"{key}_interval"
    return Difference(name, a.get(key), b.get(key), a.get(interval), b.get(interval))


def _plot(differences: list[Difference], names: tuple[str, str]) -> Markup:
    rows = [
        (
            found.name,
            None if found.a is None else plots.Estimate(found.name, found.a, found.a_interval),
            None if found.b is None else plots.Estimate(found.name, found.b, found.b_interval),
        )
        for found in differences
    ]
    label = "F1 on test by genre, first and second run: " + "; ".join(
        f"{found.name} {with_interval(found.a, found.a_interval)} and "
        f"{with_interval(found.b, found.b_interval)}"
        for found in differences
    )
    return Markup(plots.pairs("pairs", rows, names, "F1 on test", label))
