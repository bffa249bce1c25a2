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
    one, other = a.data, b.data
    genres = genre_differences(one, other)
    versions = [{"versions": data.provenance.versions} for data in (one, other)]
    template = environment().get_template("compare.html")
    return template.render(
        a=a,
        b=b,
        overall=overall_differences(one, other),
        models=model_differences(one, other),
        genres=genres,
        genres_plot=_plot(genres),
        clips=clip_differences(one, other),
        settings=setting_differences(one.provenance.configuration, other.provenance.configuration),
        versions=setting_differences(*versions),
    )


def overall_differences(a: ReportData, b: ReportData) -> list[Difference]:
    """Returns the figures of the judged models on test."""
    kinds = [run.test[kind] for kind in ("overall", "intervals") for run in (a, b)]
    return [Difference(title, *(k.get(key) for k in kinds)) for key, title in OVERALL.items()]


def model_differences(a: ReportData, b: ReportData) -> list[Difference]:
    """Returns the macro-F1 on eval of every model of either run, in the first run's order."""
    one, other = ({row["name"]: row.get("eval") or {} for row in run.models} for run in (a, b))
    return _differences("macro_f1", one, other)


def genre_differences(a: ReportData, b: ReportData) -> list[Difference]:
    """Returns the F1 of the judged models on test for every genre of either run."""
    found = _differences("f1", a.test["per_genre"], b.test["per_genre"])
    return sorted(found, key=lambda difference: difference.name)


def clip_differences(a: ReportData, b: ReportData) -> list[Difference]:
    """Returns the number of clips of every split."""
    one, other = ({s: sum(n.values()) for s, n in run.holdings.clips.items()} for run in (a, b))
    return [Difference(s, one.get(s, 0), other.get(s, 0)) for s in dict.fromkeys([*one, *other])]


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


def _differences(
    key: str, a: Mapping[str, Mapping[str, Any]], b: Mapping[str, Mapping[str, Any]]
) -> list[Difference]:
    """Returns a figure and its interval by name, for the names of either run."""
    fields = (key, f"{key}_interval")
    return [
        Difference(name, *(run.get(name, {}).get(field) for field in fields for run in (a, b)))
        for name in dict.fromkeys([*a, *b])
    ]


def _plot(differences: list[Difference]) -> Markup:
    rows, texts = [], []
    for found in differences:
        pair = [(found.a, found.a_interval), (found.b, found.b_interval)]
        one, other = (None if x is None else plots.Estimate(found.name, x, i) for x, i in pair)
        rows.append((found.name, one, other))
        texts.append(f"{found.name} {' and '.join(with_interval(*each) for each in pair)}")
    label = f"F1 on test by genre, first and second run: {'; '.join(texts)}"
    return Markup(plots.pairs("pairs", rows, ("first", "second"), "F1 on test", label))
