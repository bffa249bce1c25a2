"""How long an exported model takes for a clip."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence

import tensorflow as tf

N_CLIPS = 8
_MOST_SECONDS = 5.0


def prediction_ms(model_path: str, examples: Sequence[bytes]) -> float:
    """Returns the median time of a call of `serving_default` with one clip, in milliseconds.

    The first call, which builds and warms up, does not count. Slow models get fewer calls: none is
    begun after 5 s.

    Args:
        model_path: a SavedModel.
        examples: serialized raw Examples, at least one.
    """
    model = tf.saved_model.load(model_path)
    predict = model.signatures["serving_default"]
    clips = [tf.constant([example]) for example in examples]
    predict(examples=clips[0])
    deadline = time.monotonic() + _MOST_SECONDS
    times = []
    for clip in clips:
        started = time.perf_counter()
        predict(examples=clip)["scores"].numpy()
        times.append(time.perf_counter() - started)
        if time.monotonic() > deadline:
            break
    return round(1_000 * statistics.median(times), 2)


def first_examples(file_paths: Sequence[str]) -> list[bytes]:
    """Returns the first raw Examples of gzipped TFRecords, as many as are measured."""
    records = tf.data.TFRecordDataset(list(file_paths), compression_type="GZIP")
    return [bytes(record) for record in records.take(N_CLIPS).as_numpy_iterator()]
