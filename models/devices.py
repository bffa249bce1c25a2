"""Where a model is trained."""

from __future__ import annotations

import tensorflow as tf


def training_strategy() -> tf.distribute.Strategy:
    """Returns TPUStrategy for a TPU, MirroredStrategy for several GPUs, else the default.

    The default trains on the one GPU there is, or on the CPU.
    """
    if tf.config.list_physical_devices("TPU"):
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver(tpu="local")
        tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
        return tf.distribute.TPUStrategy(resolver)
    if len(tf.config.list_physical_devices("GPU")) > 1:
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()
