"""Where a model is trained, and how a step is run there."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Iterator

import keras
import tensorflow as tf


@functools.cache
def training_strategy() -> tf.distribute.Strategy:
    """Returns TPUStrategy for a TPU, MirroredStrategy for several GPUs, else the default.

    The default trains on the one GPU there is, or on the CPU. All trainings of a process share one:
    a TPU is set up once, for doing so again would take the memory of what is there.
    """
    if tf.config.list_physical_devices("TPU"):
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver(tpu="local")
        tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
        return tf.distribute.TPUStrategy(resolver)
    if len(tf.config.list_physical_devices("GPU")) > 1:
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()


@dataclasses.dataclass(frozen=True)
class Execution:
    """How the steps of a training are run.

    Attributes:
        dtype_policy: what layers compute in, as Keras names it. Weights, logits and the loss are
            float32 in any case.
        steps_per_execution: steps from one look at Python to the next.
        jit_compile: whether Keras has a step compiled by XLA. TPUStrategy does so anyway.
    """

    dtype_policy: str = "float32"
    steps_per_execution: int = 1
    jit_compile: bool = False

    @contextlib.contextmanager
    def layers(self) -> Iterator[None]:
        """Lets the layers that are made meanwhile compute in `dtype_policy`."""
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy(self.dtype_policy)
        try:
            yield
        finally:
            keras.config.set_dtype_policy(before)


PLAIN = Execution()


def execution_on(strategy: tf.distribute.Strategy) -> Execution:
    """Returns how steps are run: on a TPU in bfloat16, which its matrix units multiply in anyway.

    A TPU's steps are short, and asking for each one by itself would take longer than the step.
    """
    if isinstance(strategy, tf.distribute.TPUStrategy):
        return Execution(dtype_policy="mixed_bfloat16", steps_per_execution=32)
    return PLAIN
