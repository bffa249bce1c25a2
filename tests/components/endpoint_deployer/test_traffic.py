"""Who gets which share of the requests."""

from __future__ import annotations

import pytest

from components.endpoint_deployer.traffic import NEW, split_with


@pytest.mark.parametrize(
    ("shares", "model", "percent", "expected"),
    [
        ({}, NEW, 10, {NEW: 100}),
        ({"1": 100}, NEW, 10, {NEW: 10, "1": 90}),
        ({"1": 100}, NEW, 100, {NEW: 100}),
        ({"1": 90, "2": 10}, NEW, 20, {NEW: 20, "1": 80}),
        ({"1": 90, "2": 10}, "2", 50, {"2": 50, "1": 50}),
        ({"1": 90, "2": 10}, "2", 100, {"2": 100}),
        ({"1": 0, "2": 100}, "2", 10, {"2": 100}),
        ({"1": 10, "2": 90}, NEW, 20, {NEW: 20, "2": 80}),
        ({"7": 50, "2": 50}, NEW, 99, {NEW: 99, "7": 1}),
        ({"1": 100}, NEW, 0, {"1": 100}),
    ],
)
def test_a_model_gets_its_share_and_the_one_with_the_most_keeps_the_rest(
    shares: dict[str, int], model: str, percent: int, expected: dict[str, int]
) -> None:
    assert split_with(shares, model, percent) == expected
