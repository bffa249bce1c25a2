"""Several files at once, each decoded in a process of its own."""

from __future__ import annotations

import collections
import contextlib
import itertools
import queue
from collections.abc import Callable, Iterable, Iterator
from concurrent import futures
from typing import TypeVar

from dataset.audio.sandbox import Decoder

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


@contextlib.contextmanager
def decode_each(
    use: Callable[[_Item, Decoder], _Result],
    items: Iterable[_Item],
    decoders: list[Decoder],
    max_ahead: int | None = None,
) -> Iterator[Iterator[_Result]]:
    """Begins at once; yields the results, in the items' order, and closes the decoders at the end.

    After an error or Ctrl-C what is under way ends, and nothing else begins.

    Args:
        use: takes an item and a decoder that no other thread has.
        items: what is to be decoded.
        decoders: as many as there are threads.
        max_ahead: how many results are waited for or held; None for all, where they are small.
    """
    idle: queue.SimpleQueue[Decoder] = queue.SimpleQueue()
    for decoder in decoders:
        idle.put(decoder)

    def use_one(item: _Item) -> _Result:
        decoder = idle.get()
        try:
            return use(item, decoder)
        finally:
            idle.put(decoder)

    pool = futures.ThreadPoolExecutor(len(decoders))
    submitted = (pool.submit(use_one, item) for item in items)

    def results() -> Iterator[_Result]:
        while pending:
            yield pending.popleft().result()
            pending.extend(itertools.islice(submitted, 1))

    try:
        pending = collections.deque(itertools.islice(submitted, max_ahead))
        yield results()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for decoder in decoders:
            decoder.close()
        pool.shutdown()
