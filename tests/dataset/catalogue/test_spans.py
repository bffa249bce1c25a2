"""Deliveries: which folders are of which span, and which are chosen."""

from __future__ import annotations

import re

import pytest

from common.errors import InputError
from dataset.catalogue import spans


@pytest.mark.parametrize(
    ("audio_dir", "path", "expected"),
    [
        ("/d/{SPAN}", "/d/7", (7, "/d/7")),
        ("/d/{SPAN}/", "/d/7/Rock/a.mp3", (7, "/d/7")),
        ("/d/{SPAN}", "/d/x7", None),
        ("/d/{SPAN}", "/d/7x/a.mp3", None),
        ("/d/{SPAN}", "/d/7.old", None),
        ("/d/{SPAN:2}", "/d/07/a.mp3", (7, "/d/07")),
        ("/d/{SPAN:2}", "/d/7/a.mp3", None),
        ("/d/s-{SPAN}-of.2/audio", "/d/s-12-of.2/audio/000/1.mp3", (12, "/d/s-12-of.2/audio")),
        ("/d/s-{SPAN}-of.2/audio", "/d/s-12-of_2/audio/000/1.mp3", None),
        ("gs://b/{SPAN}/audio", "gs://b/3/audio/x/y", (3, "gs://b/3/audio")),
        ("gs://b/{SPAN}/audio", "gs://b/3/other/x", None),
        ("gs://b/audio", "gs://b/audio/x", (0, "gs://b/audio")),
        ("gs://b/audio", "gs://b/audio2/x", None),
    ],
)  # fmt: skip
def test_the_span_of_a_path(audio_dir: str, path: str, expected: tuple[int, str] | None) -> None:
    assert spans.parse(audio_dir).find(path) == expected


@pytest.mark.parametrize(
    ("audio_dir", "named"),
    [
        ("/d/{SPAN}/{SPAN}", "{SPAN}"),
        ("/d/{SPAN}/{VERSION}", "{VERSION}"),
        ("/d/{SPAN:two}", "{SPAN:two}"),
    ],
)
def test_other_placeholders_are_refused_by_name(audio_dir: str, named: str) -> None:
    with pytest.raises(InputError, match=f"has {re.escape(named)} in its path"):
        spans.parse(audio_dir)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("all", [1, 2, 3, 7, 12]),
        ("latest", [12]),
        ("3", [3]),
        ("2-7", [2, 3, 7]),
        ("8-99", [12]),
    ],
)
def test_spans_are_chosen_with_gaps_between(wanted: str, expected: list[int]) -> None:
    assert spans.choose(spans.parse("/d/{SPAN}"), [12, 7, 3, 2, 1], wanted) == expected


@pytest.mark.parametrize("wanted", ["5", "4-6"])
def test_a_span_that_is_not_there_is_told_those_that_are(wanted: str) -> None:
    with pytest.raises(InputError, match=f"no span {wanted}; it has 1, 2, 3, 7, 12"):
        spans.choose(spans.parse("/d/{SPAN}"), {12, 7, 3, 2, 1}, wanted)


@pytest.mark.parametrize("wanted", ["", "newest", "-1", "5-2", "1-2-3", "1,2", "\u0663", "2 "])
def test_what_is_no_span_is_refused(wanted: str) -> None:
    with pytest.raises(InputError, match="--span must be all, latest, a number or a range"):
        spans.choose(spans.parse("/d/{SPAN}"), {1, 2}, wanted)


def test_a_span_needs_its_placeholder() -> None:
    with pytest.raises(InputError, match="--span 3 needs {SPAN}"):
        spans.choose(spans.parse("/d/audio"), {0}, "3")
    assert spans.choose(spans.parse("/d/audio"), {0}, "all") == [0]
