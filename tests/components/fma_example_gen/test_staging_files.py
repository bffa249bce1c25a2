"""What the steps of the Beam pipeline write for each other comes back as it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from components.fma_example_gen import staging_files
from dataset.bad_files import Fault, FaultKind
from dataset.finalize import Conclusion
from dataset.track import Catalogue, Row, Track

NOT_UTF_8 = "b\udcff\n.wav"
FAULT = Fault(NOT_UTF_8, -1, FaultKind.NO_METADATA, "Œuvre, “x”")
ROW = Row(2, 3, 4, "Jazz", "Ænima", "CC BY", "train", 1999, "Ana")
FEATURES = np.random.default_rng(0).normal(size=518).astype("<f4").tobytes()


@pytest.mark.parametrize("tracks", [[], [Track(ROW, "a.wav", FEATURES, 7), Track(ROW, NOT_UTF_8)]])
def test_a_catalogue(tmp_path: Path, tracks: list[Track]) -> None:
    catalogue = Catalogue(tracks, [FAULT], {"license not allowed": 2}, True, "gs://a/{SPAN}")
    staging_files.write_catalogue(str(tmp_path), catalogue)
    found = staging_files.read_catalogue(str(tmp_path))
    assert found == catalogue
    assert [type(fault.kind) for fault in found.faults] == [FaultKind]
    assert len({track.row for track in found.tracks}) == len(tracks[:1])  # as before, hashable


@pytest.mark.parametrize(
    "conclusion",
    [Conclusion([FAULT], {"clips": {"train": {"Jazz": 1}}}), Conclusion([FAULT], refusal="“no”")],
)
def test_a_conclusion(tmp_path: Path, conclusion: Conclusion) -> None:
    staging_files.write_conclusion(str(tmp_path), conclusion)
    assert staging_files.read_conclusion(str(tmp_path)) == conclusion
