"""Files of a corpus: FMA's layout, the audio formats and the planted faults."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from corpus import GENRES, CorpusSpec, build_catalogue, planted_faults


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


def good_paths(spec: CorpusSpec, corpus_dir: Path) -> list[Path]:
    """Return the files of all tracks without a fault."""
    return [
        audio_path(corpus_dir, track.track_id)
        for track in build_catalogue(spec)
        if track.fault is None
    ]


def test_tracks_csv_has_the_header_of_fma(corpus_dir: Path) -> None:
    lines = (corpus_dir / "fma_metadata/tracks.csv").read_text().splitlines()
    groups, names, index = (line.split(",") for line in lines[:3])
    assert groups == [""] + ["album"] * 13 + ["artist"] * 17 + ["set"] * 2 + ["track"] * 20
    assert len(names) == 53
    assert names[:3] == ["", "comments", "date_created"]
    assert names[31:34] == ["split", "subset", "bit_rate"]
    assert names[-1] == "title"
    assert index == ["track_id"] + [""] * 52


def test_pandas_reads_the_tracks(spec: CorpusSpec, table: pd.DataFrame) -> None:
    assert table.index.name == "track_id"
    assert table.index[0] == 2
    assert table.index.is_unique
    assert table.shape == (8 * spec.clips_per_genre + 6, 52)
    assert set(table["track", "genre_top"].dropna()) == set(GENRES)
    assert set(table["set", "split"]) == {"training", "validation", "test"}
    assert set(table["set", "subset"]) == {"small"}
    assert (table["track", "duration"] == 2).all()
    for column in ("date_created", "date_released"):
        assert pd.to_datetime(table["album", column]).notna().all()
    for column in ("bit_rate", "duration", "number"):
        assert table["track", column].dtype == np.int64


def test_literal_lists_agree_with_genres_csv(corpus_dir: Path, table: pd.DataFrame) -> None:
    genres = pd.read_csv(corpus_dir / "fma_metadata/genres.csv", index_col=0)
    assert list(genres.columns) == ["#tracks", "parent", "title", "top_level"]
    assert genres.index.name == "genre_id"
    assert sorted(genres["title"]) == sorted(GENRES)
    for row in table.to_dict("records"):
        assert ast.literal_eval(row["track", "tags"]) == []
        named = [genres["title"][i] for i in ast.literal_eval(row["track", "genres"])]
        top = row["track", "genre_top"]
        assert named == ([] if pd.isna(top) else [top])
        assert row["track", "genres_all"] == row["track", "genres"]
    counts = table["track", "genre_top"].value_counts()
    assert {t: n for t, n in zip(genres["title"], genres["#tracks"], strict=True)} == dict(counts)


def test_good_clips_have_the_asked_format_and_levels_that_differ(
    spec: CorpusSpec, corpus_dir: Path, table: pd.DataFrame
) -> None:
    levels, channels = [], set()
    for path in good_paths(spec, corpus_dir):
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


def test_no_two_clips_are_equal(spec: CorpusSpec, corpus_dir: Path) -> None:
    paths = good_paths(spec, corpus_dir)
    assert len({path.read_bytes() for path in paths}) == len(paths)


def test_files_and_rows_disagree_only_where_planted(
    corpus_dir: Path, table: pd.DataFrame, fault_ids: dict[str, int]
) -> None:
    files = {int(path.stem) for path in (corpus_dir / "fma_small").rglob("*") if path.is_file()}
    assert files - set(table.index) == {fault_ids["no_metadata"]}
    assert set(table.index) - files == {fault_ids["missing_file"]}


def test_unreadable_files_are_unreadable(corpus_dir: Path, fault_ids: dict[str, int]) -> None:
    assert audio_path(corpus_dir, fault_ids["empty_file"]).read_bytes() == b""
    truncated = audio_path(corpus_dir, fault_ids["undecodable"])
    assert truncated.read_bytes().startswith(b"RIFF")
    assert truncated.stat().st_size == 20
    with pytest.raises(soundfile.LibsndfileError):
        soundfile.info(truncated)


def test_short_and_silent_clips(corpus_dir: Path, fault_ids: dict[str, int]) -> None:
    short, rate = soundfile.read(audio_path(corpus_dir, fault_ids["too_short"]))
    assert len(short) == rate // 2
    assert short.any()
    silent, rate = soundfile.read(audio_path(corpus_dir, fault_ids["silent"]))
    assert len(silent) == 2 * rate
    assert not silent.any()


def test_only_the_planted_row_lacks_a_genre(
    corpus_dir: Path, table: pd.DataFrame, fault_ids: dict[str, int]
) -> None:
    without = table.index[table["track", "genre_top"].isna()]
    assert list(without) == [fault_ids["no_genre"]]
    for kind in ("no_genre", "no_metadata"):
        samples, rate = soundfile.read(audio_path(corpus_dir, fault_ids[kind]))
        assert len(samples) == 2 * rate
        assert samples.any()
