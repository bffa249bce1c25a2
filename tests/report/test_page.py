"""The page of a run: what it says, what it escapes, and that it needs nothing else."""

from __future__ import annotations

import dataclasses
import math
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from report import page, plots
from report.data import Clip, ReportData, from_json, to_json
from tests.report.sample import GENRES, MODELS, report_data

MAX_BYTES = 5_000_000
VOID = {"meta", "link", "br", "img"}


class Outline(HTMLParser):
    """What a page is made of: its elements with their attributes, and its visible text."""

    def __init__(self, text: str):
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        assert not self._open, f"never closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open[-1:] != ["style"]:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def data() -> ReportData:
    return report_data()


@pytest.fixture(scope="module")
def plain(data: ReportData) -> ReportData:
    """Return the same without curves, which take longest to draw."""
    return dataclasses.replace(data, fits={})


@pytest.fixture(scope="module")
def text(data: ReportData) -> str:
    return page.render(data)


@pytest.fixture(scope="module")
def outline(text: str) -> Outline:
    return Outline(text)


def test_the_page_tells_verdict_models_and_figures(data: ReportData, outline: Outline) -> None:
    assert "Blessed: logistic_regression" in outline.text
    for name in (*MODELS, *GENRES):
        assert name in outline.text
    assert "0.68 [0.53, 0.83]" in outline.text  # macro-F1 of the first on eval
    overall, bounds = data.test["overall"], data.test["intervals"]["accuracy"]
    assert f"{overall['accuracy']:.3f} 95 %: {bounds[0]:.3f} to {bounds[1]:.3f}" in outline.text
    assert data.why_best in outline.text
    assert "Do not trust these figures" not in outline.text
    for source in data.provenance.sources:
        assert f"{source.type} {source.id}" in outline.text
        assert source.uri in outline.text


def test_chance_is_among_all_genres_that_a_model_knows(plain: ReportData) -> None:
    per_genre = {genre: plain.test["per_genre"][genre] for genre in GENRES[:2]}
    rare = dataclasses.replace(plain, test={**plain.test, "per_genre": per_genre})
    assert f"by chance {math.log(len(GENRES)):.3f}" in Outline(page.render(rare)).text


def test_every_section_of_figures_says_which_artifact_they_are_from(text: str) -> None:
    sections = re.findall(r'<section id="(\w+)".*?</section>', text, flags=re.DOTALL)
    bodies = dict(re.findall(r'<section id="(\w+)"(.*?)</section>', text, flags=re.DOTALL))
    assert sections == [
        "verdict", "leaderboard", "test", "confusion", "calibration", "curves", "data", "examples",
        "mistakes", "provenance",
    ]  # fmt: skip
    for name in set(sections) - {"provenance"}:
        assert 'class="source"' in bodies[name], name
        assert "/srv/music/output/small/pipeline/" in bodies[name], name


def test_a_refused_model_has_its_reasons_and_alarms_come_first() -> None:
    reasons = ["all genres: accuracy is 0.200, at least 0.300 is needed", "Rock: recall is 0.000"]
    alarms = ["accuracy on test is above the 0.75 that is credible", "2 artists are in both"]
    outline = Outline(
        page.render(report_data(fits={}, blessed=False, reasons=reasons, alarms=alarms))
    )
    for sentence in (*reasons, *alarms):
        assert sentence in outline.text
    assert "Refused: logistic_regression" in outline.text
    assert outline.text.index(alarms[0]) < outline.text.index("Refused:")


def test_what_the_gate_checked_is_a_table_with_the_verdict(plain: ReportData) -> None:
    failed = {"check": "recall of <Rock>", "required": 0.05, "measured": 0.0, "baseline": 0.25,
              "passed": False}  # fmt: skip
    reason = "<Rock>: recall is 0.000, at least 0.050 is needed"
    refused = dataclasses.replace(
        plain, blessed=False, reasons=[reason], gate=[*plain.gate, failed]
    )
    outline = Outline(page.render(refused))
    accuracy = plain.test["overall"]["accuracy"]
    assert f"accuracy 0.300 {accuracy:.3f} {accuracy - 0.01:.3f} yes" in outline.text
    assert "recall of Rock too few clips to judge" in outline.text
    assert "recall of <Rock> 0.050 0.000 0.250 no" in outline.text
    # The row says it already; that of the input does not say what to do.
    assert reason not in outline.text
    of_input = {**failed, "check": "may be pushed", "required": "yes", "measured": "no"}
    withheld = dataclasses.replace(refused, reasons=["it needs --push"], gate=[of_input])
    assert "it needs --push" in Outline(page.render(withheld)).text
    assert outline.text.index("recall of <Rock>") < outline.text.index("right genre among three")


def test_slices_are_named_as_people_do_and_what_is_not_known_is_said(plain: ReportData) -> None:
    of_license = plain.test["slices"]["license"]
    slices = {"license": {"unknown": of_license[""], **of_license}, "duration": of_license}
    test = {**plain.test, "slices": slices}
    text = page.render(dataclasses.replace(plain, test=test))
    assert re.findall(r"<h3>(Licence|Duration)</h3>", text) == ["Licence", "Duration"]
    assert text.count('<th scope="row"><em>not known</em></th>') == 2
    assert text.count('<th scope="row">unknown</th>') == 1


def test_a_failed_candidate_shows_its_reason(plain: ReportData) -> None:
    failed = {
        **plain.models[-1], "status": "failed", "reason": "ValueError: 'Pop' is singular",
        "eval": None, "parameters": None, "training_seconds": None, "prediction_ms": None,
    }  # fmt: skip
    text = page.render(dataclasses.replace(plain, models=[*plain.models[:-1], failed]))
    assert "failed: ValueError: &#39;Pop&#39; is singular" in text
    assert MODELS[-1] not in re.search(r'aria-label="(Macro-F1 on eval[^"]*)"', text)[1]


def test_networks_beside_classical_models_are_said_to_be_flattered(
    data: ReportData, outline: Outline
) -> None:
    said = "their figures here are a little flattered"
    assert said in outline.text
    for names in (("cnn1d", "fcn5"), ("svm", "knn")):
        rows = [row for row in data.models if row["name"] in names]
        fits = {name: data.fits[name] for name in names}
        alike = dataclasses.replace(data, models=rows, fits=fits)
        assert said not in Outline(page.render(alike)).text


def test_what_is_tied_or_not_servable_is_marked(plain: ReportData) -> None:
    rows = [{**row, "servable": row["name"] != "mlp"} for row in plain.models]
    outline = Outline(page.render(dataclasses.replace(plain, models=rows)))
    assert outline.text.count("not servable from audio") == 1
    assert outline.text.count("tied ") == 2
    assert outline.text.count("judged on test") == 1


HOSTILE = '<script>alert("1")</script><img src=x onerror=alert(2)> ]]> {{ 7 * 7 }} & "\'</h3>'


def test_what_comes_from_the_archive_is_escaped(plain: ReportData) -> None:
    # Everywhere: titles, licences, genres (in plots too), file names, reasons.
    genre = '<b onclick="x()">Hip & "Hop"</b> $x_1$'
    genres = (genre, *GENRES[1:])
    clip = dataclasses.replace(plain.mistakes[0], title=HOSTILE, artist=HOSTILE, license=HOSTILE,
                               genre=genre)  # fmt: skip
    fault = {"path": HOSTILE, "track_id": "1", "kind": "silent", "detail": HOSTILE}
    made = report_data(genres, fits={}, reasons=[HOSTILE], alarms=[HOSTILE], blessed=False)
    holdings = dataclasses.replace(made.holdings, fault_rows=[fault])
    text = page.render(
        dataclasses.replace(made, mistakes=[clip], examples=[clip], holdings=holdings)
    )
    outline = Outline(text)
    assert outline.all("script") == []
    handlers = [
        name for _, attributes in outline.elements for name in attributes if name[:2] == "on"
    ]
    assert handlers == []
    assert "{{ 7 * 7 }}" in outline.text
    assert outline.text.count('<script>alert("1")</script>') >= 8
    assert '<b onclick="x()">Hip & "Hop"</b> $x_1$' in outline.text
    assert all(image["src"].startswith("data:image/png") for image in outline.all("img"))


@pytest.mark.parametrize(
    "genre", ["font-family: boo", "#0072b2", ' id="a_1"', "#010203; x", '<style>"&']
)
def test_a_genre_that_looks_like_markup_stays_what_it_is(genre: str) -> None:
    plot = plots.clips_by_genre({"train": {genre: 2, "Pop": 1}}, [genre, "Pop"], "Clips.")
    texts = {text.text for text in ElementTree.fromstring(plot).iter() if text.text}
    assert genre.strip() in {text.strip() for text in texts}
    assert "font-family" not in "".join(re.findall(r"<[^>]*>", plot))


def test_nothing_is_loaded_from_anywhere(text: str, outline: Outline) -> None:
    assert re.findall(r"https?://", text) == []
    assert outline.all("script") == []
    for _, attributes in outline.elements:
        for name in ("src", "href", "xlink:href", "data", "poster", "srcset"):
            if name in attributes:
                assert attributes[name].startswith(("data:", "#")), attributes
    assert re.findall(r"@import|url\((?!#)", text) == []
    (policy,) = [meta for meta in outline.all("meta") if "http-equiv" in meta]
    assert policy["content"].startswith("default-src 'none';")


def test_the_same_data_gives_the_same_bytes(data: ReportData, text: str) -> None:
    assert page.render(from_json(to_json(data))) == text


def test_ids_are_unique_and_links_lead_to_them(outline: Outline) -> None:
    ids = [attributes["id"] for _, attributes in outline.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    targets = {link["href"][1:] for link in outline.all("a")}
    assert {"main", "verdict", "provenance"} <= targets <= set(ids)


def test_what_is_seen_is_told_too(outline: Outline) -> None:
    for plot in outline.all("svg"):
        assert plot["role"] == "img"
        assert len(plot["aria-label"]) > 20
    assert all(image["alt"] for image in outline.all("img"))
    assert all(sound["aria-label"] and sound["preload"] == "none" for sound in outline.all("audio"))
    assert all(heading.get("scope") for heading in outline.all("th"))
    assert len(outline.all("caption")) == len(outline.all("table"))
    levels = [int(tag[1]) for tag, _ in outline.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False))


def test_plots_take_the_colours_of_the_page(text: str) -> None:
    plots = "".join(re.findall(r"<svg.*?</svg>", text, flags=re.DOTALL))
    assert "currentColor" in plots
    assert "var(--series-1)" in plots
    # No colour is fixed, so none is lost on a dark page.
    assert re.findall(r"(?:fill|stroke): #\w+", plots) == []


def test_a_run_without_mistakes_curves_or_faults_says_so(data: ReportData) -> None:
    holdings = dataclasses.replace(data.holdings, faults={}, fault_rows=[], left_out={})
    test = {**data.test, "calibration": [], "slices": {}}
    bare = dataclasses.replace(
        data, mistakes=[], examples=[], fits={}, holdings=holdings, test=test, why_best=""
    )
    outline = Outline(page.render(bare))
    assert "every clip of the test split got its own genre" in outline.text
    assert "No model of this run was trained by epochs" in outline.text
    assert "no file or row of the archive is bad" in outline.text
    assert "left out before any file was opened" not in outline.text


def test_what_is_left_out_and_what_straddles_is_told_with_the_data(plain: ReportData) -> None:
    holdings = dataclasses.replace(plain.holdings, straddling=3)
    text = Outline(page.render(dataclasses.replace(plain, holdings=holdings))).text
    assert "16 were left out before any file was opened" in text
    assert "4 fewer than 10 clips a genre" in text
    assert "3 artists have clips in more than one split" in text


def test_the_page_stays_small_whatever_the_clips(plain: ReportData, text: str) -> None:
    assert 200_000 < len(text.encode()) < MAX_BYTES
    large = Clip(1, 1, "Pop", "A title", "CC BY", -1, 30.0, spectrogram="data:image/png;base64," +
                 "A" * 60_000, audio="data:audio/mpeg;base64," + "A" * 400_000)  # fmt: skip
    bloated = page.render(dataclasses.replace(plain, examples=[large] * 60, mistakes=[large] * 12))
    assert len(bloated.encode()) < MAX_BYTES
    assert "more are left out to keep the page small" in bloated
    assert "no excerpt" in bloated
    assert bloated.count("data:image/png") >= 25


def test_numbers_are_set_for_reading() -> None:
    assert page.with_interval(0.63, [0.5249, 0.7351]) == "0.63 [0.52, 0.74]"
    assert page.with_interval(None, [0.5, 0.7]) == "–"
    assert page.with_interval(math.nan, [0.5, 0.7]) == "– [0.50, 0.70]"
    assert page.with_interval(0.5, None) == "0.50"
    assert [page.short(n) for n in (None, 999, 2_257_984)] == ["–", "999", "2.26 M"]
    assert page.whole(12_345) == "12,345"
    assert [page.duration(s) for s in (4.24, 125, 7_320)] == ["4.2 s", "2 min 5 s", "2 h 2 min"]


def test_data_that_are_not_of_a_report_are_refused() -> None:
    with pytest.raises(ValueError, match="not the data of a report"):
        from_json('{"provenance": {"sources": []}}')
    with pytest.raises(ValueError):
        from_json("<html>")


def test_accuracy_stands_beside_what_needs_no_model(plain: ReportData) -> None:
    clips = {"train": {"Folk": 6, "Rock": 2}, "test": {"Folk": 1, "Rock": 3}}
    data = dataclasses.replace(
        plain, holdings=dataclasses.replace(plain.holdings, clips=clips, artists=clips)
    )
    assert (
        "by chance 0.500; always the most frequent genre 0.250" in Outline(page.render(data)).text
    )


def test_the_most_confused_genres_are_named_most_frequent_first(plain: ReportData) -> None:
    confusion = {"Folk": {"Folk": 9, "Rock": 2}, "Rock": {"Folk": 4, "Pop": 0, "Rock": 1}}
    data = dataclasses.replace(plain, test={**plain.test, "confusion": confusion})
    wanted = "Most often confused: 4 Rock taken for Folk, 2 Folk taken for Rock."
    assert wanted in Outline(page.render(data)).text


def test_what_all_clips_share_is_no_slice(plain: ReportData) -> None:
    figures = {"clips": 4, "accuracy": 0.5}
    slices = {"year": {"1999": figures}, "license": {"CC BY": figures, "CC0": figures}}
    data = dataclasses.replace(plain, test={**plain.test, "slices": slices})
    text = Outline(page.render(data)).text
    assert "Accuracy by licence" in text
    assert "Accuracy by year" not in text


def test_the_title_names_the_data_and_synthetic_music_is_called_so(plain: ReportData) -> None:
    assert "Music genres of music/fma_small:" in Outline(page.render(plain)).text
    examples = [dataclasses.replace(clip, license="CC0, synthetic") for clip in plain.examples]
    for shown, expected in ((plain.examples, 0), (examples, 1), ([], 0)):
        text = Outline(page.render(dataclasses.replace(plain, examples=shown))).text
        assert text.count("Synthetic archive.") == expected


def test_the_calibration_is_shown_before_and_after(data: ReportData, outline: Outline) -> None:
    assert "before calibration 0.147" in outline.text
    assert "temperature of 1.317" in outline.text
    labels = [str(svg["aria-label"]) for svg in outline.all("svg")]
    (label,) = [label for label in labels if "highest score" in label]
    assert "before calibration: 0.35: 0.21" in label
    older = {key: figures for key, figures in data.test.items() if key != "calibration_before"}
    text = Outline(page.render(dataclasses.replace(data, fits={}, test=older))).text
    assert "0.083" in text
    assert "0.147" not in text


def test_clips_are_shown_by_their_features_where_there_are_vectors(
    plain: ReportData, outline: Outline
) -> None:
    assert "480 clips of the train split" in outline.text
    assert "component 1, 21 % of the variance" in outline.text
    text = Outline(page.render(dataclasses.replace(plain, projection=None))).text
    assert "Clips by their features" not in text


def test_every_genre_has_a_colour_and_marker_of_its_own() -> None:
    points = [(f"Genre {n}", [(n, n), (n, -n)]) for n in range(12)]
    plot = plots.scatter(points, [(5, 5)], ("a", "b"), "Clips.")
    drawn = re.findall(r'<use xlink:href="(#\w+)"[^>]*style="([^"]*)"', plot)
    # The two clips of each genre alike; the legend's samples are larger, so other markers.
    alike = [pair for pair in set(drawn) if drawn.count(pair) == 2 and "--series" in pair[1]]
    assert len(alike) == 12
    assert "Genre 11" in plot
    assert "other genres" in plot


def test_artists_are_named_where_they_are_known(plain: ReportData, outline: Outline) -> None:
    assert "by Åsa & the Owls" in outline.text
    nobody = [dataclasses.replace(clip, artist="", artist_id=-1) for clip in plain.mistakes]
    text = Outline(page.render(dataclasses.replace(plain, mistakes=nobody, examples=[]))).text
    assert "by Åsa" not in text
    assert "artist -1" not in text
