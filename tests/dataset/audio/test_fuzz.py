"""300 damaged files: every one is a clip or a named fault, soon, and without much memory."""

from __future__ import annotations

import sys

import pytest

from dataset.audio.decoding import decode_clip
from tests.dataset.audio import fuzz


@pytest.mark.parametrize("name", sorted(fuzz.whole_files()))
def test_the_whole_files_can_be_decoded(name: str) -> None:
    clip = decode_clip(fuzz.whole_files()[name], fuzz.AUDIO)
    assert clip.duration_seconds == pytest.approx(1.5, abs=0.2)


def test_a_damaged_file_depends_on_the_seed_and_its_number() -> None:
    wholes = fuzz.whole_files()
    assert fuzz.damaged_file(wholes, 1, 2) == fuzz.damaged_file(wholes, 1, 2)
    assert fuzz.damaged_file(wholes, 1, 2) != fuzz.damaged_file(wholes, 1, 3)


def test_damaged_files_do_no_harm() -> None:
    report = fuzz.run(300, seed=0)
    assert sum(report.outcomes.values()) == 300
    assert report.outcomes["decoded"] > 50
    assert report.outcomes["undecodable"] > 50
    assert not report.details, report.details
    assert report.children == 1
    assert report.slowest_seconds < 10
    if sys.platform == "linux":
        assert 0 < report.peak_bytes < 400 * 2**20
