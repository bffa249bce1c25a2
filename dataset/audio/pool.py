"""Several files at once, each decoded in a process of its own."""

from __future__ import annotations

import collections
import queue
from collections.abc import Callable, Generator, Iterable
from concurrent import futures
from typing import TypeVar

from dataset.audio.sandbox import Decoder

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def decode_each(
    use: Callable[[_Item, Decoder], _Result],
    items: Iterable[_Item],
    decoders: list[Decoder],
) -> Generator[_Result, None, None]:
    """Yields what `use` makes of each item, in their order, and closes the decoders at the end.

    No more than two results a decoder are waited for or held. After an error or Ctrl-C what is
    under way ends, and nothing else begins.

    Args:
        use: takes an item and a decoder that no other thread has.
        items: what is to be decoded.
        decoders: as many as there are threads.
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
    pending: collections.deque[futures.Future[_Result]] = collections.deque()
    try:
        for item in items:
            pending.append(pool.submit(use_one, item))
            if len(pending) == 2 * len(decoders):
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for decoder in decoders:
            decoder.close()
        pool.shutdown()
