"""Files of a corpus: FMA's layout, the audio formats and the planted faults."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from corpus import GENRES, CorpusSpec, build_catalogue, planted_faults
from dataset.audio.decoding import decode_clip
from dataset.bad_files import AudioError
from dataset.config import AudioConfig


@pytest.fixture(scope="module")
def table(corpus_dir: Path) -> pd.DataFrame:
    """Return tracks.csv as users of FMA read it."""
    return pd.read_csv(corpus_dir / "fma_metadata/tracks.csv", index_col=0, header=[0, 1])


@pytest.fixture(scope="module")
def fault_ids(spec: CorpusSpec) -> dict[str, int]:
    """Return the id of each kind of fault."""
    return {kind: track_id for track_id, kind in planted_faults(spec).items()}


def audio_path(corpus_dir: Path, track_id: int) -> Path:
    """Return where FMA keeps the audio of a track."""
    name = f"{track_id:06d}"
    return corpus_dir / "fma_small" / name[:3] / f"{name}.wav"


def test_tracks_csv_has_the_header_of_fma(corpus_dir: Path) -> None:
    lines = (corpus_dir / "fma_metadata/tracks.csv").read_text().splitlines()
    groups, names, index = (line.split(",") for line in lines[:3])
    assert groups == [""] + ["album"] * 13 + ["artist"] * 17 + ["set"] * 2 + ["track"] * 20
    assert len(names) == 53
    assert names[:3] == ["", "comments", "date_created"]
    assert names[31:34] == ["split", "subset", "bit_rate"]
    assert names[-1] == "title"
    assert index == ["track_id"] + [""] * 52


def test_pandas_reads_the_tables(spec: CorpusSpec, corpus_dir: Path, table: pd.DataFrame) -> None:
    assert table.index.name == "track_id"
    assert table.index.is_unique
    assert table.shape == (8 * spec.clips_per_genre + 6, 52)
    assert set(table["set", "split"]) == {"training", "validation", "test"}
    assert set(table["set", "subset"]) == {"small"}
    for column in ("bit_rate", "duration", "number"):
        assert table["track", column].dtype == np.int64
    genres = pd.read_csv(corpus_dir / "fma_metadata/genres.csv", index_col=0)
    assert list(genres.columns) == ["#tracks", "parent", "title", "top_level"]
    counts = table["track", "genre_top"].value_counts()
    assert dict(zip(genres["title"], genres["#tracks"], strict=True)) == dict(counts)
    assert set(counts.index) == set(GENRES)
    for row in table.to_dict("records"):
        named = [genres["title"][i] for i in ast.literal_eval(row["track", "genres"])]
        top = row["track", "genre_top"]
        assert named == ([] if pd.isna(top) else [top])


def test_good_clips_have_the_asked_format_and_levels_that_differ(
    spec: CorpusSpec, corpus_dir: Path, table: pd.DataFrame
) -> None:
    levels, channels = [], set()
    good = [track for track in build_catalogue(spec) if track.fault is None]
    paths = [audio_path(corpus_dir, track.track_id) for track in good]
    assert len({path.read_bytes() for path in paths}) == len(paths)
    for path in paths:
        info = soundfile.info(path)
        assert (info.format, info.subtype, info.samplerate) == ("WAV", "PCM_16", 44_100)
        assert info.frames == 88_200
        assert table["track", "bit_rate"][int(path.stem)] == 44_100 * 16 * info.channels
        samples, _ = soundfile.read(path, always_2d=True)
        assert np.abs(samples).max() < 0.96
        if info.channels == 2:
            assert np.mean((samples[:, 0] - samples[:, 1]) ** 2) > 1e-3 * np.mean(samples**2)
        levels.append(20 * np.log10(np.sqrt(np.mean(samples**2))))
        channels.add(info.channels)
    assert channels == {1, 2}
    assert min(levels) > -45
    assert np.std(levels) > 1.5


def test_files_and_rows_disagree_only_where_planted(
    corpus_dir: Path, table: pd.DataFrame, fault_ids: dict[str, int]
) -> None:
    files = {int(path.stem) for path in (corpus_dir / "fma_small").rglob("*") if path.is_file()}
    assert files - set(table.index) == {fault_ids["no_metadata"]}
    assert set(table.index) - files == {fault_ids["missing_file"]}
    without = table.index[table["track", "genre_top"].isna()]
    assert list(without) == [fault_ids["no_genre"]]


@pytest.mark.parametrize("kind", ["empty_file", "undecodable", "too_short", "silent"])
def test_ingestion_finds_the_planted_faults(
    corpus_dir: Path, fault_ids: dict[str, int], kind: str
) -> None:
    with pytest.raises(AudioError) as caught:
        decode_clip(audio_path(corpus_dir, fault_ids[kind]).read_bytes(), AudioConfig())
    assert caught.value.kind.value == kind


@pytest.mark.parametrize("kind", ["no_genre", "no_metadata"])
def test_a_fault_of_the_tables_has_good_audio(
    corpus_dir: Path, fault_ids: dict[str, int], kind: str
) -> None:
    data = audio_path(corpus_dir, fault_ids[kind]).read_bytes()
    assert decode_clip(data, AudioConfig()).duration_seconds == 2.0
