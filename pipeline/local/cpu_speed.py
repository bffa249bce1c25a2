"""How fast this machine's CPU is, beside the one on which models were measured."""

from __future__ import annotations

import os
import time

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

# Seconds of the product on the reference CPU: 2 cores of an Intel Xeon of 2023 (Sapphire Rapids).
_REFERENCE_SECONDS = 0.038
_SIDE = 1_500
_REPEATS = 5
# Most models are fitted by one thread, and networks of small batches make little use of more.
_MOST_CORES = 2


def slowness() -> float:
    """Returns how long this CPU takes for what takes the reference CPU a second.

    Measured by the fastest of a few products of two float32 matrices, a quarter of a second in all.
    """
    matrix = np.random.default_rng(0).random((_SIDE, _SIDE), dtype=np.float32)
    with threadpool_limits(min(len(os.sched_getaffinity(0)), _MOST_CORES), user_api="blas"):
        return min(_seconds(matrix) for _ in range(_REPEATS)) / _REFERENCE_SECONDS


def _seconds(matrix: NDArray[np.float32]) -> float:
    started = time.perf_counter()
    matrix @ matrix
    return time.perf_counter() - started
