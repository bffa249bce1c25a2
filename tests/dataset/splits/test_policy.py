"""Which way of splitting fits which archive."""

from __future__ import annotations

import pytest

from common.errors import InputError
from dataset.splits.policy import split_policy


@pytest.mark.parametrize(
    ("wanted", "kind", "has_splits", "expected"),
    [
        ("auto", "fma", True, "official"),
        ("auto", "fma", False, "artist-hash"),
        ("auto", "table", True, "file"),
        ("auto", "table", False, "artist-hash"),
        ("auto", "folders", False, "artist-hash"),
        ("official", "fma", True, "official"),
        ("file", "table", True, "file"),
        ("artist-hash", "fma", True, "artist-hash"),
        ("artist-hash", "table", True, "artist-hash"),
        ("artist-hash", "folders", False, "artist-hash"),
    ],
)
def test_policies(wanted: str, kind: str, has_splits: bool, expected: str) -> None:
    assert split_policy(wanted, kind=kind, has_splits=has_splits) == expected


@pytest.mark.parametrize(
    ("wanted", "kind", "has_splits", "fits", "does_not"),
    [
        ("official", "table", True, "use --split file", "--split official or"),
        ("official", "folders", False, "use --split artist-hash", "--split file"),
        ("official", "fma", False, "use --split artist-hash", "--split file"),
        ("file", "fma", True, "use --split official or --split artist-hash", "give one"),
        ("file", "table", False, "add one of train, eval and test", "--split official"),
        ("file", "folders", False, "give one, or use --split artist-hash", "--split official"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_does(
    wanted: str, kind: str, has_splits: bool, fits: str, does_not: str
) -> None:
    with pytest.raises(InputError) as caught:
        split_policy(wanted, kind=kind, has_splits=has_splits)
    text = str(caught.value)
    assert text.startswith(f"--split {wanted} ")
    assert fits in text
    assert does_not not in text
