"""Counts and times as people read them."""

from __future__ import annotations

import pytest

from common.formatting import duration, short


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, "0"), (980, "980"), (999, "999"), (1_000, "1.00 k"), (3_900, "3.90 k"),
        (12_345, "12.3 k"), (999_499, "999 k"), (2_257_984, "2.26 M"), (99_950_000, "100 M"),
        (7_000_000_000, "7.00 G"), (999.7, "1.00 k"), (999_500, "1.00 M"), (999_999_999, "1.00 G"),
    ],
)  # fmt: skip
def test_a_count_has_three_digits_and_a_unit(count: int, expected: str) -> None:
    assert short(count) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "10 s"), (44, "40 s"), (89, "90 s"), (90, "2 min"), (3_600, "60 min"),
        (5_400, "2 h"), (100_000, "28 h"), (129_600, "2 days"), (900_000, "10 days"),
    ],
)  # fmt: skip
def test_a_time_is_rounded_to_one_unit(seconds: float, expected: str) -> None:
    assert duration(seconds) == expected
