"""Several files at once, in order, and no more of them than there is room for."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from dataset.audio.pool import decode_each
from dataset.audio.sandbox import Decoder
from dataset.config import AudioConfig
from tests.dataset.audio.sounds import pid_of


def test_results_come_in_order_and_few_items_are_taken_ahead() -> None:
    taken = []

    def items() -> Iterator[int]:
        for item in range(50):
            taken.append(item)
            yield item

    decoders = [Decoder(AudioConfig()) for _ in range(2)]
    with decode_each(lambda item, _: 10 * item, items(), decoders, max_ahead=4) as results:
        for place, result in enumerate(results):
            assert result == 10 * place
            assert len(taken) <= place + 4
    assert len(taken) == 50


def test_without_a_limit_a_slow_item_keeps_none_from_being_done() -> None:
    others_done = threading.Semaphore(0)

    def use(item: int, _: Decoder) -> int:
        for _ in range(40 if item == 0 else 0):
            assert others_done.acquire(timeout=60)
        others_done.release()
        return item

    decoders = [Decoder(AudioConfig()) for _ in range(2)]
    with decode_each(use, range(41), decoders) as results:
        assert list(results) == list(range(41))


def test_no_two_threads_have_the_same_decoder(noise_wav: bytes) -> None:
    decoders = [Decoder(AudioConfig()) for _ in range(2)]
    in_use: set[int] = set()

    def decode(data: bytes, decoder: Decoder) -> float:
        assert id(decoder) not in in_use
        in_use.add(id(decoder))
        seconds = decoder.decode(data).duration_seconds
        in_use.remove(id(decoder))
        return seconds

    with decode_each(decode, [noise_wav] * 6, decoders) as results:
        assert list(results) == [pytest.approx(1.5)] * 6
    assert all(pid_of(decoder) is None for decoder in decoders)


def test_after_an_error_the_decoders_are_closed(noise_wav: bytes) -> None:
    decoder = Decoder(AudioConfig())

    def fail(data: bytes, decoder: Decoder) -> None:
        decoder.decode(data)
        raise OSError("disk full")

    with (
        pytest.raises(OSError, match="disk full"),
        decode_each(fail, [noise_wav] * 9, [decoder]) as results,
    ):
        list(results)
    assert pid_of(decoder) is None
