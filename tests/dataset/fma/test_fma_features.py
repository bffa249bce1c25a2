"""FMA's own features: the table as pandas reads it, and what is wrong with one."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from common.errors import InputError
from dataset.fma import fma_features
from features.example_keys import N_FMA_FEATURES
from tests.features_csv import COLUMNS, to_csv

Cells = Sequence[object]
Load = Callable[..., dict[int, np.ndarray]]


def numbers(seed: int) -> list[object]:
    """Return a row of 518 numbers."""
    return list(np.random.default_rng(seed).normal(scale=100, size=518))


def changed(place: int, cell: str) -> list[object]:
    """Return a row with another cell."""
    return [*numbers(0)[:place], cell, *numbers(0)[place + 1 :]]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Return a reader of rows of a table called T."""
    monkeypatch.chdir(tmp_path)

    def load(data: bytes, *track_ids: int) -> dict[int, np.ndarray]:
        Path("T").write_bytes(data)
        return fma_features.load("T", track_ids)

    return load


def test_the_columns_are_fmas_518() -> None:
    assert tuple(map(".".join, COLUMNS)) == fma_features.COLUMNS
    assert len(fma_features.COLUMNS) == N_FMA_FEATURES == 518


def test_all_numbers_are_as_fmas_tool_reads_them(load: Load) -> None:
    rows = {track_id: numbers(track_id) for track_id in (3, 7, 155_320)}
    data = to_csv(rows)
    table = pd.read_csv(
        io.BytesIO(data), index_col=0, header=[0, 1, 2], float_precision="round_trip"
    )
    data = to_csv({**rows, 9: changed(3, "not asked for, so not looked at")})
    found = load(data, *rows, 10)
    assert list(found) == list(table.index)
    values = np.stack(list(found.values()))
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values, table.to_numpy("f4"))


def test_what_fma_could_not_compute_is_not_a_number(load: Load) -> None:
    for cell, expected in {"": np.nan, "nan": np.nan, "-inf": -np.inf, "1e39": np.inf}.items():
        values = load(to_csv({2: changed(17, cell)}), 2)[2]
        np.testing.assert_equal(float(values[17]), expected)
        assert np.isfinite(np.delete(values, 17)).all()


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ({3: changed(84, "loud")}, "chroma_cqt.kurtosis.01 is 'loud', expected a number"),
        *(
            ({cell: numbers(3)}, f"track_id is '{cell}', expected")
            for cell in ("", "-1", "2.0", "2")
        ),
    ],
)
def test_a_cell_that_is_not_as_fma_has_it_names_line_and_column(
    load: Load, rows: dict[object, Cells], expected: str
) -> None:
    with pytest.raises(InputError, match=f"^T, line 6: {expected}"):
        load(to_csv({2: numbers(2), **rows}), 2, 3)  # type: ignore[dict-item]
