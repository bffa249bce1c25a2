"""FMA's own features: the table as FMA lays it out, and what is wrong with it."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from components.fma_example_gen import fma_features
from components.fma_example_gen.faults import FaultKind
from components.fma_example_gen.tracks import plan_ingest
from models import features
from pipeline.config import DataConfig
from pipeline.errors import InputError
from tests.features_csv import COLUMNS, to_csv

Archive = Callable[..., DataConfig]

AUDIO = {f"000/00000{track_id}.mp3": b"x" for track_id in range(2, 6)}


def numbers(seed: int) -> list[float]:
    """Return a row of 518 numbers."""
    return list(np.random.default_rng(seed).normal(scale=100, size=518))


def changed(place: int, cell: str) -> list[float | str]:
    """Return a row with another cell."""
    return [*numbers(0)[:place], cell, *numbers(0)[place + 1 :]]


def read(data: bytes, *track_ids: int) -> dict[int, np.ndarray]:
    """Return rows of a table called T."""
    return fma_features.read_features(io.BytesIO(data), "T", track_ids)


def refusal(data: bytes) -> str:
    """Return the sentence with which a table called T is refused."""
    with pytest.raises(InputError) as caught:
        read(data, 2, 3)
    return str(caught.value)


def archive_of(archive: Archive, table: bytes) -> DataConfig:
    """Return the configuration of an archive of tracks 2 to 5 that reads a features.csv."""
    data = archive({track_id: {} for track_id in range(2, 6)}, AUDIO, fma_features=True)
    Path(data.metadata_dir, "features.csv").write_bytes(table)
    return data


def test_the_columns_are_fmas_518() -> None:
    assert list(fma_features.COLUMNS) == COLUMNS
    assert len(COLUMNS) == features.N_FMA_FEATURES == 518
    head = [line.split(b",")[:3] for line in to_csv({}).splitlines()]
    assert head == [
        [b"feature", b"chroma_cens", b"chroma_cens"],
        [b"statistics", b"kurtosis", b"kurtosis"],
        [b"number", b"01", b"02"],
        [b"track_id", b"", b""],
    ]


def test_only_the_rows_that_are_asked_for_are_read() -> None:
    rows = {track_id: numbers(track_id) for track_id in (2, 3, 5, 155_320)}
    found = read(to_csv({**rows, 7: changed(3, "not looked at")}), 3, 155_320, 9)
    assert sorted(found) == [3, 155_320]
    for track_id, values in found.items():
        assert values.dtype == np.float32
        np.testing.assert_array_equal(values, np.array(rows[track_id], "f4"))


def test_what_fma_could_not_compute_is_not_a_number() -> None:
    for cell, expected in {"": np.nan, "nan": np.nan, "-inf": -np.inf, "1e39": np.inf}.items():
        values = read(to_csv({2: changed(17, cell)}), 2)[2]
        np.testing.assert_equal(float(values[17]), expected)
        assert np.isfinite(np.delete(values, 17)).all()


def test_lines_may_end_as_they_do_elsewhere_and_be_empty() -> None:
    data = to_csv({2: numbers(2)}).replace(b"\n", b"\r\n") + b"\r\n"
    np.testing.assert_array_equal(read(data, 2)[2], np.array(numbers(2), "f4"))


def test_a_cell_that_is_no_number_names_line_and_column() -> None:
    data = to_csv({2: numbers(2), 3: changed(84, "loud")})
    assert refusal(data) == "T, line 6: chroma_cqt.kurtosis.01 is 'loud', not a number"


@pytest.mark.parametrize("n_cells", [0, 1, 517, 519])
def test_a_row_of_another_length_names_its_line(n_cells: int) -> None:
    data = to_csv({2: numbers(2), 9: ["1"] * n_cells})
    assert refusal(data) == f"T, line 6: the row has {n_cells + 1} columns, expected 519"


@pytest.mark.parametrize("track_id", ["", "-1", "2.0", "x"])
def test_a_row_without_a_track_id_names_its_line(track_id: str) -> None:
    data = to_csv({2: numbers(2)}) + f"{track_id},{','.join('1' * 518)}\n".encode()
    assert refusal(data) == f"T, line 6: track_id is {track_id!r}, not a whole number"


def test_a_second_row_of_a_track_names_its_line() -> None:
    data = to_csv({2: numbers(2)}) + to_csv({2: numbers(3)}).splitlines()[-1]
    assert refusal(data) == "T, line 6: a second row for track 2"


@pytest.mark.parametrize("lines", [0, 1, 2, 3])
def test_a_table_without_four_header_rows_is_refused(lines: int) -> None:
    data = b"".join(to_csv({}).splitlines(keepends=True)[:lines])
    first = ("feature", "statistics", "number", "track_id")[lines]
    assert refusal(data) == (
        f"T is not FMA's features.csv: no row that begins with '{first}' in its place"
    )


def test_a_table_of_other_columns_is_refused() -> None:
    expected = "T is not FMA's features.csv: it has 517 columns, expected 518"
    assert refusal(to_csv({}, COLUMNS[1:])) == expected
    swapped = [*COLUMNS[:3], COLUMNS[4], COLUMNS[3], *COLUMNS[5:]]
    assert refusal(to_csv({}, swapped)) == (
        "T is not FMA's features.csv: it has column chroma_cens.kurtosis.05 where "
        "chroma_cens.kurtosis.04 is expected"
    )


def test_a_table_that_is_not_utf_8_is_refused() -> None:
    assert refusal(to_csv({2: numbers(2)}) + b"\xff\xfe").startswith("T is damaged near line ")


def test_every_track_of_the_plan_has_its_features(archive: Archive) -> None:
    rows = {track_id: numbers(track_id) for track_id in range(10)}
    plan = plan_ingest(archive_of(archive, to_csv(rows)))
    assert plan.faults == []
    assert [track.row.track_id for track in plan.tracks] == [2, 3, 4, 5]
    for track in plan.tracks:
        assert track.fma_features == np.array(rows[track.row.track_id], "<f4").tobytes()


def test_a_track_without_features_is_left_out_and_listed(archive: Archive) -> None:
    data = archive_of(archive, to_csv({2: numbers(2), 4: changed(0, ""), 5: changed(517, "inf")}))
    plan = plan_ingest(data)
    assert [track.row.track_id for track in plan.tracks] == [2]
    assert [(fault.track_id, fault.kind, fault.detail) for fault in plan.faults] == [
        (3, FaultKind.NO_FEATURES, "no row in features.csv"),
        (
            4,
            FaultKind.NO_FEATURES,
            "chroma_cens.kurtosis.01 is missing or not finite in features.csv",
        ),
        (5, FaultKind.NO_FEATURES, "zcr.std.01 is missing or not finite in features.csv"),
    ]


def test_a_table_of_other_tracks_is_refused(archive: Archive) -> None:
    data = archive_of(archive, to_csv({90: numbers(90)}))
    with pytest.raises(InputError, match=r"features\.csv has no row for any of the 4 tracks"):
        plan_ingest(data)


def test_the_table_must_be_there_where_it_is_asked_for(archive: Archive) -> None:
    data = archive({2: {}}, {"000/000002.mp3": b"x"}, fma_features=True)
    with pytest.raises(InputError, match=r"there is no features\.csv in .*/metadata"):
        plan_ingest(data)
    Path(data.metadata_dir, "features.csv").mkdir()
    with pytest.raises(InputError, match=r"cannot read .*/features\.csv"):
        plan_ingest(data)


def test_the_table_is_not_looked_at_where_it_is_not_asked_for(archive: Archive) -> None:
    data = archive({2: {}}, {"000/000002.mp3": b"x"})
    Path(data.metadata_dir, "features.csv").write_bytes(b"no table")
    (track,) = plan_ingest(data).tracks
    assert track.fma_features == b""
