"""The article's 1-D CNN on raw windows; a clip's scores are the mean over its windows."""

from __future__ import annotations

import keras
import tensorflow as tf

from models import features, network
from models.audio import WINDOW_RMS
from models.family import Fitted, Job
from models.fitting import Stage
from pipeline.config import AudioConfig, TrainConfig

SETTINGS = network.SETTINGS
DEFAULT_EPOCHS = 20
DEFAULT_BATCH_SIZE = 16
_LEARNING_RATE = 1e-3
# The article does not say. By 2 and 2 the first dense layer has 16 million weights and learns the
# demo corpus half as fast, at twice the time an epoch.
_POOL_SIZES = (8, 16)


def build_model(n_classes: int, audio: AudioConfig, train: TrainConfig) -> keras.Model:
    """Returns the network: float32 [batch, window_samples, 1] to logits [batch, n_classes]."""
    del train
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input([audio.window_samples, 1]),
            layers.Conv1D(128, 3, activation="relu"),
            layers.MaxPooling1D(_POOL_SIZES[0]),
            layers.Conv1D(64, 3, activation="relu"),
            layers.MaxPooling1D(_POOL_SIZES[1]),
            layers.Flatten(),
            layers.Dense(100, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(20, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(n_classes, dtype="float32"),
        ],
        name="cnn1d",
    )


def stages(train: TrainConfig) -> list[Stage]:
    """Returns the one stage of its training."""
    return [Stage("train", train.epochs or DEFAULT_EPOCHS, train.learning_rate or _LEARNING_RATE)]


def unpack(packed: tf.Tensor, audio: AudioConfig) -> tf.Tensor:
    """Returns float32 [windows, window_samples, 1] of a clip's packed windows, at unit RMS.

    At most `n_windows` of them, spread evenly from the clip's first to its last.
    """
    samples = tf.io.decode_raw(packed, tf.int16)
    windows = tf.reshape(samples, [-1, audio.window_samples, 1])
    n_held = tf.shape(windows)[0]
    n_taken = tf.minimum(n_held, audio.n_windows)
    chosen = tf.range(n_taken) * (n_held - 1) // tf.maximum(n_taken - 1, 1)
    return tf.cast(tf.gather(windows, chosen), tf.float32) / (WINDOW_RMS * 32_767.0)


def expand(packed: tf.Tensor, label: tf.Tensor, audio: AudioConfig) -> tf.data.Dataset:
    """Returns a clip's windows as a dataset of (window, label)."""
    windows = tf.data.Dataset.from_tensor_slices(unpack(packed, audio))
    return windows.map(lambda window: (window, label))


def clip_scores(model: keras.Model, packed: tf.Tensor, audio: AudioConfig) -> tf.Tensor:
    """Returns float32 [batch, n_classes]: each clip's mean softmax over its windows.

    One clip at a time: a batch of clips is a large batch of windows, and the first layer's output
    takes 5 MB a window.
    """

    def one_clip(windows: tf.Tensor) -> tf.Tensor:
        logits = model(unpack(windows, audio), training=False)
        return tf.reduce_mean(tf.nn.softmax(logits), axis=0)

    return tf.map_fn(one_clip, packed, fn_output_signature=tf.float32, parallel_iterations=1)


NETWORK = network.Network(
    features.WINDOWS, DEFAULT_BATCH_SIZE, build_model, stages, expand, clip_scores
)


def train(job: Job) -> Fitted:
    """Trains the network."""
    return network.train_network(job, NETWORK)
