"""FMA's own features: the table as pandas writes it, and what is wrong with one."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from common.errors import InputError
from dataset.fma import fma_features
from features.example_keys import N_FMA_FEATURES

# As in FMA's features.py, in its order.
SIZES = {
    "chroma_stft": 12, "chroma_cqt": 12, "chroma_cens": 12, "tonnetz": 6, "mfcc": 20, "rmse": 1,
    "zcr": 1, "spectral_centroid": 1, "spectral_bandwidth": 1, "spectral_contrast": 7,
    "spectral_rolloff": 1,
}  # fmt: skip
STATISTICS = ("mean", "std", "skew", "kurtosis", "median", "min", "max")
# pandas sorts them before it writes.
COLUMNS = sorted(
    (feature, statistic, f"{number + 1:02d}")
    for feature, size in SIZES.items()
    for statistic in STATISTICS
    for number in range(size)
)
Cells = Sequence[object]


def numbers(seed: int) -> list[object]:
    """Return a row of 518 numbers."""
    return list(np.random.default_rng(seed).normal(scale=100, size=518))


def changed(place: int, cell: str) -> list[object]:
    """Return a row with another cell."""
    return [*numbers(0)[:place], cell, *numbers(0)[place + 1 :]]


def to_csv(rows: Mapping[int, Cells], columns: Sequence[tuple[str, ...]] = COLUMNS) -> bytes:
    """Return the table that pandas writes, as FMA's features.py does."""
    names = ("feature", "statistics", "number")
    table = pd.DataFrame(
        list(rows.values()),
        pd.Index(list(rows), name="track_id"),
        pd.MultiIndex.from_tuples(columns, names=names),
    )
    return table.to_csv(float_format="%.10e").encode()


def row(track_id: object, n_cells: int) -> bytes:
    """Return a line of a table."""
    return ",".join([str(track_id), *["1"] * n_cells]).encode() + b"\n"


def read(data: bytes, *track_ids: int) -> dict[int, np.ndarray]:
    """Return rows of a table called T."""
    return fma_features.read_features(io.BytesIO(data), "T", track_ids)


def refusal(data: bytes) -> str:
    """Return the sentence with which a table called T is refused."""
    with pytest.raises(InputError) as caught:
        read(data, 2, 3)
    return str(caught.value)


def test_the_columns_are_fmas_518() -> None:
    assert list(fma_features.COLUMNS) == COLUMNS
    assert len(COLUMNS) == N_FMA_FEATURES == 518


def test_only_the_rows_that_are_asked_for_are_read() -> None:
    rows = {track_id: numbers(track_id) for track_id in (2, 3, 5, 155_320)}
    data = to_csv({**rows, 7: changed(3, "not looked at")})
    found = read(data, 3, 155_320, 9)
    assert sorted(found) == [3, 155_320]
    for track_id, values in found.items():
        assert values.dtype == np.float32
        np.testing.assert_array_equal(values, np.array(rows[track_id], "f4"))


def test_all_numbers_are_as_fmas_tool_reads_them() -> None:
    data = to_csv({track_id: numbers(track_id) for track_id in range(20)})
    table = pd.read_csv(
        io.BytesIO(data), index_col=0, header=[0, 1, 2], float_precision="round_trip"
    )
    found = read(data, *range(20))
    assert list(found) == list(table.index)
    np.testing.assert_array_equal(np.stack(list(found.values())), table.to_numpy("f4"))


def test_what_fma_could_not_compute_is_not_a_number() -> None:
    for cell, expected in {"": np.nan, "nan": np.nan, "-inf": -np.inf, "1e39": np.inf}.items():
        values = read(to_csv({2: changed(17, cell)}), 2)[2]
        np.testing.assert_equal(float(values[17]), expected)
        assert np.isfinite(np.delete(values, 17)).all()


def test_a_cell_that_is_no_number_names_row_and_column() -> None:
    data = to_csv({2: numbers(2), 3: changed(84, "loud")})
    expected = "T, line 6 (track 3): chroma_cqt.kurtosis.01 is 'loud', not a number"
    assert refusal(data) == expected


@pytest.mark.parametrize("n_cells", [0, 1, 517, 519])
def test_a_row_of_another_length_names_its_line(n_cells: int) -> None:
    data = to_csv({2: numbers(2)}) + row(9, n_cells)
    expected = f"T, line 6 (track 9): the row has {n_cells + 1} columns, expected 519"
    assert refusal(data) == expected


@pytest.mark.parametrize("track_id", ["", "-1", "2.0", "x"])
def test_a_row_without_a_track_id_names_its_line(track_id: str) -> None:
    data = to_csv({2: numbers(2)}) + row(track_id, 518)
    assert refusal(data) == f"T, line 6: track_id is {track_id!r}, not a whole number"


@pytest.mark.parametrize("track_id", [2, 4])
def test_a_second_row_of_a_track_names_its_line(track_id: int) -> None:
    data = to_csv({2: numbers(2), 4: numbers(4)}) + row(track_id, 518)
    assert refusal(data) == f"T, line 7 (track {track_id}): there is a second row of this id"


@pytest.mark.parametrize("place", range(4))
def test_a_header_without_fmas_names_is_refused(place: int) -> None:
    first = ("feature", "statistics", "number", "track_id")[place]
    data = to_csv({2: numbers(2)}).replace(first.encode() + b",", b"other,", 1)
    assert refusal(data) == (
        f"T is not FMA's features.csv: no row that begins with '{first}' in its place"
    )


def test_a_table_of_other_columns_is_refused() -> None:
    expected = "T is not FMA's features.csv: it has 517 columns, expected 518"
    assert refusal(to_csv({2: numbers(2)[1:]}, COLUMNS[1:])) == expected
    swapped = [*COLUMNS[:3], COLUMNS[4], COLUMNS[3], *COLUMNS[5:]]
    assert refusal(to_csv({2: numbers(2)}, swapped)) == (
        "T is not FMA's features.csv: it has column chroma_cens.kurtosis.05 where "
        "chroma_cens.kurtosis.04 is expected"
    )


def test_values_are_packed_as_little_endian_float32() -> None:
    values = np.array(numbers(0), "f4")
    assert fma_features.pack(values) == values.astype("<f4").tobytes()
    assert len(fma_features.pack(values)) == 4 * 518


def test_the_table_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"there is no features\.csv in {tmp_path}"):
        fma_features.load(str(tmp_path), [2])
    (tmp_path / "features.csv").mkdir()
    with pytest.raises(InputError, match=rf"cannot read {tmp_path}/features\.csv"):
        fma_features.load(str(tmp_path), [2])


def test_a_table_is_loaded_from_its_folder(tmp_path: Path) -> None:
    (tmp_path / "features.csv").write_bytes(to_csv({2: numbers(2), 3: numbers(3)}))
    (values,) = fma_features.load(str(tmp_path), [3]).values()
    np.testing.assert_array_equal(values, np.array(numbers(3), "f4"))
