"""The window that is kept of a stream, against slicing the whole."""

from __future__ import annotations

import numpy as np
import pytest

from dataset.audio.middle import Blocks, middle_of
from dataset.audio.mixing import Mixer, mixed
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


@pytest.mark.parametrize("channels", [1, 2, 3, 64])
def test_the_mean_of_the_channels(channels: int) -> None:
    block = np.random.default_rng(0).normal(size=(1_000, channels)).astype(np.float32)
    expected = block.astype(np.float64).mean(axis=1)
    np.testing.assert_allclose(mixed(block), expected, atol=1e-6)


def test_a_channel_that_is_taken_is_that_channel_and_holds_no_other() -> None:
    block = np.random.default_rng(0).normal(size=(1_000, 3)).astype(np.float32)
    taken = Mixer(1).mix(block)
    np.testing.assert_array_equal(taken, block[:, 1])
    assert taken.base is None


@pytest.mark.parametrize("channels", [[[0, 0]], [[np.nan, 1]], [[np.inf, 1]], [[1, 1]]])
def test_the_mean_of_silence_and_of_no_numbers_is_not_replaced(channels: list[list[float]]) -> None:
    mixer = Mixer()
    mixer.mix(np.array(channels, np.float32))
    assert mixer.replacement is None


def test_of_channels_that_are_as_loud_as_each_other_the_first_is_taken() -> None:
    mixer = Mixer()
    for level in (1, 2):
        mixer.mix(np.array([[0, level, -level]], np.float32))
    assert mixer.replacement == 1


@pytest.mark.parametrize(
    ("rate_hz", "channels"), [(0, 1), (-1, 1), (999, 1), (768_001, 1), (8_000, 0), (8_000, 65)]
)
def test_rates_and_channels_of_no_audio(rate_hz: int, channels: int) -> None:
    for allowed in ((1_000, 1), (768_000, 64)):
        check_source(*allowed)
    with pytest.raises(AudioError):
        check_source(rate_hz, channels)
