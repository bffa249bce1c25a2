"""Deliveries: which folders are of which span, and which are chosen."""

from __future__ import annotations

import pytest

from common.errors import InputError
from dataset.catalogue import spans


@pytest.mark.parametrize(
    ("audio_dir", "path", "expected"),
    [
        ("/d/{SPAN}", "/d/7", (7, "/d/7")),
        ("/d/{SPAN}/", "/d/7/Rock/a.mp3", (7, "/d/7")),
        ("/d/{SPAN}", "/d/07", (7, "/d/07")),
        ("/d/{SPAN}", "/d/x7", None),
        ("/d/{SPAN}", "/d/7x/a.mp3", None),
        ("/d/{SPAN}", "/d/7.old", None),
        ("/d/{SPAN}", "/e/7", None),
        ("/d/{SPAN:2}", "/d/07/a.mp3", (7, "/d/07")),
        ("/d/{SPAN:2}", "/d/7/a.mp3", None),
        ("/d/{SPAN:2}", "/d/107/a.mp3", None),
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
        ("/d/{YYYY}-{MM}", "{YYYY}"),
        ("/d/{SPAN:two}", "{SPAN:two}"),
        ("/d/{SPAN:0}", "{SPAN:0}"),
    ],
)
def test_other_placeholders_are_refused_by_name(audio_dir: str, named: str) -> None:
    with pytest.raises(InputError) as caught:
        spans.parse(audio_dir)
    assert f"{audio_dir} has {named} in its path" in str(caught.value)


@pytest.mark.parametrize("audio_dir", ["/d/SPAN", "/d/{x}", "/d/{span}"])
def test_braces_of_other_meaning_stay(audio_dir: str) -> None:
    assert spans.parse(audio_dir) == spans.Template(audio_dir)
    assert not spans.parse(audio_dir).has_span


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("all", [1, 2, 3, 7, 12]),
        ("latest", [12]),
        ("3", [3]),
        ("03", [3]),
        ("2-7", [2, 3, 7]),
        ("4-9", [7]),
        ("3-3", [3]),
        ("8-99", [12]),
    ],
)
def test_spans_are_chosen_with_gaps_between(wanted: str, expected: list[int]) -> None:
    assert spans.choose(spans.parse("/d/{SPAN}"), [12, 7, 3, 2, 1], wanted) == expected


@pytest.mark.parametrize("wanted", ["5", "4-6", "0", "13-20"])
def test_a_span_that_is_not_there_is_told_those_that_are(wanted: str) -> None:
    with pytest.raises(InputError) as caught:
        spans.choose(spans.parse("/d/{SPAN}"), {12, 7, 3, 2, 1}, wanted)
    assert str(caught.value) == f"/d/{{SPAN}} has no span {wanted}; it has 1, 2, 3, 7, 12"


@pytest.mark.parametrize("wanted", ["", "newest", "-1", "5-2", "1-2-3", "1,2", "\u0663", "2 "])
def test_what_is_no_span_is_refused(wanted: str) -> None:
    with pytest.raises(InputError, match="--span must be all, latest, a number or a range"):
        spans.choose(spans.parse("/d/{SPAN}"), {1, 2}, wanted)


def test_a_span_needs_its_placeholder() -> None:
    with pytest.raises(InputError) as caught:
        spans.choose(spans.parse("/d/audio"), {0}, "3")
    assert str(caught.value) == "--span 3 needs {SPAN} in --audio-dir, got /d/audio"
    assert spans.choose(spans.parse("/d/audio"), {0}, "all") == [0]


def test_no_folder_at_all_is_told_the_pattern() -> None:
    with pytest.raises(InputError, match=r"no folder like /d/x-\{SPAN:2\}, with a number"):
        spans.choose(spans.parse("/d/x-{SPAN:2}"), [], "all")


def test_two_folders_of_one_span_are_refused() -> None:
    assert spans.folders_by_span([(1, "/d/1"), (2, "/d/2"), (1, "/d/1")]) == {1: "/d/1", 2: "/d/2"}
    with pytest.raises(InputError, match="span 1 is there twice, as /d/01 and /d/1"):
        spans.folders_by_span([(1, "/d/01"), (1, "/d/1")])
