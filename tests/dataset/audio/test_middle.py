"""The window that is kept of a stream, against slicing the whole."""

from __future__ import annotations

import numpy as np
import pytest

from dataset.audio.middle import Blocks, middle_of
from dataset.audio.mixing import Mixer
from dataset.audio.recording import check_source
from dataset.bad_files import AudioError

WHOLE = np.arange(100, dtype=np.float32)


def blocks(size: int) -> Blocks:
    return (WHOLE[start : start + size, np.newaxis] for start in range(0, len(WHOLE), size))


@pytest.mark.parametrize("size", [1, 7, 1_000])
@pytest.mark.parametrize("longest", [0, 1, 2, 99, 100, 101])
def test_the_middle(size: int, longest: int) -> None:
    window, n_frames = middle_of(lambda: blocks(size), longest)
    mono = window.mono()
    start = max(0, (100 - longest) // 2)
    assert n_frames == 100
    np.testing.assert_array_equal(mono, WHOLE[start : start + longest])
    assert mono.dtype == np.float32


def test_what_comes_after_the_middle_is_not_decoded_again() -> None:
    taken = []

    def open_blocks() -> Blocks:
        taken.append(0)
        for block in blocks(10):
            taken[-1] += 1
            yield block

    middle_of(open_blocks, 20)
    assert taken == [10, 6]


def test_a_channel_that_is_taken_is_that_channel_and_holds_no_other() -> None:
    block = np.random.default_rng(0).normal(size=(1_000, 3)).astype(np.float32)
    taken = Mixer(1).mix(block)
    np.testing.assert_array_equal(taken, block[:, 1])
    assert taken.base is None


@pytest.mark.parametrize(
    ("rate_hz", "channels"), [(0, 1), (-1, 1), (999, 1), (768_001, 1), (8_000, 0), (8_000, 65)]
)
def test_rates_and_channels_of_no_audio(rate_hz: int, channels: int) -> None:
    for allowed in ((1_000, 1), (768_000, 64)):
        check_source(*allowed)
    with pytest.raises(AudioError):
        check_source(rate_hz, channels)
