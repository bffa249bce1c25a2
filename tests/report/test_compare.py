"""Two runs side by side."""

from __future__ import annotations

import dataclasses

import pytest

from report import compare
from report.data import ReportData
from tests.report.sample import GENRES, MODELS, report_data
from tests.report.test_page import Outline


@pytest.fixture(scope="module")
def first() -> ReportData:
    return report_data(n_tunes=1)


@pytest.fixture(scope="module")
def second() -> ReportData:
    """Return a run with another model, another genre, another seed, and a refusal."""
    found = report_data(
        (*GENRES[:-1], "Zydeco"), (*MODELS[1:], "tuned"), seed=3, n_tunes=1,
        blessed=False, reasons=["<Zydeco>: recall is 0.000"],
    )  # fmt: skip
    configuration = {**found.provenance.configuration, "train": {"seed": 5, "epochs": None}}
    versions = {**found.provenance.versions, "tfx": "1.21.0"}
    provenance = dataclasses.replace(
        found.provenance, configuration=configuration, versions=versions
    )
    return dataclasses.replace(found, provenance=provenance)


def test_models_and_genres_of_either_run_are_there(first: ReportData, second: ReportData) -> None:
    models = compare.model_differences(first, second)
    assert [found.name for found in models] == [*MODELS, "tuned"]
    assert models[0].b is None
    assert models[0].change is None
    assert models[1].change == pytest.approx(0.045)
    assert models[-1].a is None
    genres = compare.genre_differences(first, second)
    assert [found.name for found in genres] == sorted({*GENRES, "Zydeco"})
    assert {found.name for found in genres if found.change is None} == {"Rock", "Zydeco"}


@pytest.mark.parametrize(
    ("a", "b", "apart"),
    [((0.1, 0.3), (0.31, 0.5), True), ((0.4, 0.6), (0.1, 0.39), True),
     ((0.1, 0.3), (0.3, 0.5), False), ((0.1, 0.3), None, False)],
)  # fmt: skip
def test_intervals_are_apart_or_not(a: object, b: object, apart: bool) -> None:
    assert compare.Difference("x", 0.2, 0.4, a, b).apart == apart


def test_settings_that_differ_are_named_with_both_values() -> None:
    one = {"train": {"seed": 0, "epochs": 3}, "gate": {"min_accuracy": 0.3}}
    other = {"train": {"seed": 5, "epochs": 3}, "contest": {"push_unservable": False}}
    assert compare.setting_differences(one, other) == [
        ("train", "seed", 0, 5),
        ("gate", "min_accuracy", 0.3, None),
        ("contest", "push_unservable", None, False),
    ]


def test_the_page_has_both_runs(first: ReportData, second: ReportData) -> None:
    text = compare.render(compare.Run("out/a, run 1", first), compare.Run("out/b, run 4", second))
    outline = Outline(text)
    assert "Blessed: logistic_regression" in outline.text
    assert "Refused: svm" in outline.text
    assert "<Zydeco>: recall is 0.000" in outline.text
    assert "First: out/a, run 1" in outline.text
    assert "train seed 0 5" in outline.text
    assert "versions tfx 1.16.0 1.21.0" in outline.text
    assert outline.all("script") == []
    assert "http" not in text.replace("http-equiv", "")
    assert len(outline.all("caption")) == len(outline.all("table"))
    for plot in outline.all("svg"):
        assert "Zydeco" in plot["aria-label"]


def test_a_run_differs_from_itself_in_nothing(first: ReportData) -> None:
    outline = Outline(compare.render(compare.Run("a", first), compare.Run("a", first)))
    assert "The same in both runs" in outline.text
    assert "The same versions of all packages" in outline.text
    assert all(found.change == 0 for found in compare.genre_differences(first, first))
    assert "apart" not in outline.text.replace("Where two are apart", "")
