"""Everything that a page shows, as plain values: what `report.json` holds."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from common import strict_json

PAGE_NAME = "index.html"
DATA_NAME = "report.json"


@dataclasses.dataclass(frozen=True)
class Source:
    """The artifact that a section's figures come from.

    Attributes:
        key: the input that the report read it as, such as `evaluation`.
        type: of the artifact, such as `ModelEvaluation`.
        id: in the metadata store; None where the report was not told, as on Vertex AI.
        uri: its folder.
    """

    key: str
    type: str
    id: int | None
    uri: str


@dataclasses.dataclass(frozen=True)
class Holdings:
    """What the splits hold, and what was left out.

    Attributes:
        clips: for each split, for each genre, the number of clips.
        artists: for each split, for each genre, the number of artists.
        artists_of_split: for each split the number of artists.
        n_artists: number of artists, each counted once.
        straddling: number of artists with clips in more than one split.
        seconds: for each split the length of all its clips.
        faults: lines of the bad-file list by kind.
        fault_rows: its first lines: `path`, `track_id`, `kind`, `detail`.
        left_out: tracks that the run was told to leave out, by the filter that did.
    """

    clips: Mapping[str, Mapping[str, int]]
    artists: Mapping[str, Mapping[str, int]]
    artists_of_split: Mapping[str, int]
    n_artists: int
    straddling: int
    seconds: Mapping[str, float]
    faults: Mapping[str, int]
    fault_rows: Sequence[Mapping[str, str]]
    left_out: Mapping[str, int]


@dataclasses.dataclass(frozen=True)
class Clip:
    """A track to look at or to listen to.

    Attributes:
        track_id: in the archive.
        artist_id: in the archive, -1 where it names none.
        genre: its label.
        title: of the track.
        artist: the artist's name, empty where the archive names none.
        license: of the track.
        year: of the release, -1 where the archive names none.
        seconds: length of the clip.
        spectrogram: as networks see it, as a `data:` URI, empty where it is not shown.
        audio: an excerpt of it as a `data:` URI, empty where there is none.
        predicted: the wrong genre that the model gave it, empty where it is no mistake.
        score: of the wrong genre.
        genre_score: of its own genre, where it is a mistake.
        top: the three genres of the highest scores, with these, where it is a mistake.
    """

    track_id: int
    artist_id: int
    genre: str
    title: str
    license: str
    year: int
    seconds: float
    artist: str = ""
    spectrogram: str = ""
    audio: str = ""
    predicted: str = ""
    score: float = 0.0
    genre_score: float = 0.0
    top: Sequence[tuple[str, float]] = ()


@dataclasses.dataclass(frozen=True)
class Projection:
    """Clips of the train split on the first two principal components of a feature.

    Attributes:
        feature: that was projected.
        explained: the share of the variance that each component explains.
        points: for each genre the coordinates of its clips, [first, second].
    """

    feature: str
    explained: Sequence[float]
    points: Mapping[str, Sequence[Sequence[float]]]


@dataclasses.dataclass(frozen=True)
class Provenance:
    """What one needs to get the same figures again.

    Attributes:
        created: time of the report, ISO 8601 in UTC.
        pipeline: its name.
        run_id: of the pipeline run that made the report.
        code_digest: of the code behind the report.
        versions: of the packages, of Python and of the platform.
        configuration: every value that changes a result, by section.
        sources: the artifacts that were read.
    """

    created: str
    pipeline: str
    run_id: str
    code_digest: str
    versions: Mapping[str, str]
    configuration: Mapping[str, Any]
    sources: Sequence[Source]


@dataclasses.dataclass(frozen=True)
class ReportData:
    """One run.

    Attributes:
        best: name of the model that was judged.
        blessed: whether the gate let it through.
        reasons: why it did not.
        alarms: sentences that call the figures in doubt.
        why_best: a sentence on the choice.
        models: rows of the leaderboard, best first, failed ones last.
        fits: a `models.training.fit_record.FitRecord` as a dictionary for each model.
        test: the best model's `evaluation.tfma_results.Evaluation` on test as a dictionary.
        holdings: the data.
        examples: clips of the train split with their spectrograms, by genre.
        mistakes: clips of the test split, the most confident mistake first.
        spectrogram_axes: what the edges stand for: `fmin_hz`, `fmax_hz`, `dynamic_range_db`.
        provenance: where it all comes from.
        gate: what the gate checked, see `evaluation.gate_table`.
        projection: clips on two principal components, None where no model reads vectors.
    """

    best: str
    blessed: bool
    reasons: Sequence[str]
    alarms: Sequence[str]
    why_best: str
    models: Sequence[Mapping[str, Any]]
    fits: Mapping[str, Mapping[str, Any]]
    test: Mapping[str, Any]
    holdings: Holdings
    examples: Sequence[Clip]
    mistakes: Sequence[Clip]
    spectrogram_axes: Mapping[str, float]
    provenance: Provenance
    gate: Sequence[Mapping[str, Any]] = ()
    projection: Projection | None = None

    def source(self, key: str) -> Source | None:
        """Returns the artifact that was read as `key`, None where none was."""
        return next((found for found in self.provenance.sources if found.key == key), None)


def to_json(data: ReportData) -> str:
    """Returns the text of `report.json`."""
    return strict_json.dumps(dataclasses.asdict(data), indent=1, ensure_ascii=False)


def from_json(text: str) -> ReportData:
    """Returns what `to_json` wrote.

    Raises:
        ValueError: where the text is not that of a report.
    """
    try:
        values = json.loads(text)
        provenance = values["provenance"]
        projection = values.get("projection")
        sources = [Source(**source) for source in provenance["sources"]]
        return ReportData(
            **{
                **values,
                "holdings": Holdings(**values["holdings"]),
                "examples": [Clip(**clip) for clip in values["examples"]],
                "mistakes": [Clip(**clip) for clip in values["mistakes"]],
                "projection": Projection(**projection) if projection else None,
                "provenance": Provenance(**{**provenance, "sources": sources}),
            }
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"not the data of a report: {error}") from error
