"""MobileNetV2 (Sandler et al., CVPR 2018) on log-mel pictures: transfer learning."""

from __future__ import annotations

import math

import keras
import tensorflow as tf

from models import features, network
from models.family import Fitted, Job
from models.fitting import Stage
from pipeline.config import AudioConfig, TrainConfig
from pipeline.errors import InputError

SETTINGS = (
    *network.SETTINGS,
    "mobilenet_weights",
    "mobilenet_weights_digest",
    "fine_tune_epochs",
    "fine_tune_blocks",
)
DEFAULT_EPOCHS = 12
DEFAULT_BATCH_SIZE = 16
_HEAD_LEARNING_RATE = 1e-3
_FINE_TUNE_LEARNING_RATE = 1e-5
_BASE = "base"


def build_model(n_classes: int, audio: AudioConfig, train: TrainConfig) -> keras.Model:
    """Returns the network: float32 [batch, n_mels, picture_columns] to logits [batch, n_classes].

    The picture, 0 to 255, stands in all three channels: on a small real sound set that beat
    pictures of three window lengths and pictures of differences (.90, .875, .675).

    Raises:
        InputError: where the weights cannot be had or are not MobileNetV2's.
    """
    layers = keras.layers
    shape = [audio.n_mels, audio.picture_columns]
    base = _build_base([*shape, 3], train.mobilenet_weights)
    base.trainable = False
    pictures = layers.Input(shape)
    grey = layers.Reshape([*shape, 1])(layers.Rescaling(1 / 127.5, offset=-1.0)(pictures))
    # The base's batch normalisation stays in inference mode throughout, fine-tuning included: its
    # running statistics move by a thousandth a step and would be nobody's after a few hundred.
    maps = base(layers.Concatenate()([grey, grey, grey]), training=False)
    # The head's own moves fast enough to settle within the few steps of a small archive.
    pooled = layers.BatchNormalization(momentum=0.9)(layers.GlobalAveragePooling2D()(maps))
    logits = layers.Dense(n_classes, dtype="float32")(layers.Dropout(0.3)(pooled))
    return keras.Model(pictures, logits, name="mobilenet_v2")


def _build_base(shape: list[int], weights: str) -> keras.Model:
    settings = {"input_shape": shape, "include_top": False, "name": _BASE}
    if weights == "none":
        base = keras.applications.MobileNetV2(weights=None, **settings)
        _he_initialise(base)
        return base
    try:
        return keras.applications.MobileNetV2(weights=weights, **settings)
    except Exception as error:  # Keras raises a bare Exception where a download fails
        if weights == "imagenet":
            raise InputError(
                "the ImageNet weights of MobileNetV2 could not be downloaded; give "
                "--mobilenet-weights a path to the no-top weights file, or none"
            ) from error
        raise InputError(f"{weights} holds no MobileNetV2 weights without top: {error}") from error


def _he_initialise(base: keras.Model) -> None:
    """Draws the convolutions anew by He et al. (ICCV 2015), from Keras' global seed.

    Keras' own initial values (Glorot) shrink the signal by 1e12 on its way through a base whose
    batch normalisation only passes it on. The projections are linear, so they need half the gain.
    """
    for layer in base.layers:
        if isinstance(layer, keras.layers.DepthwiseConv2D):
            fan_in = math.prod(layer.kernel.shape[:2])
        elif isinstance(layer, keras.layers.Conv2D):
            fan_in = math.prod(layer.kernel.shape[:3])
        else:
            continue
        gain = 1.0 if layer.name.endswith("project") else 2.0
        layer.kernel.assign(
            keras.random.normal(layer.kernel.shape, stddev=math.sqrt(gain / fan_in))
        )


def stages(train: TrainConfig) -> list[Stage]:
    """Returns the head's stage and, where asked for, the fine-tuning of the top blocks."""
    head = Stage("head", train.epochs or DEFAULT_EPOCHS, train.learning_rate or _HEAD_LEARNING_RATE)
    if not train.fine_tune_epochs:
        return [head]
    return [
        head,
        Stage(
            "fine_tune",
            train.fine_tune_epochs,
            _FINE_TUNE_LEARNING_RATE,
            lambda model: unfreeze_top(model, train.fine_tune_blocks),
        ),
    ]


def unfreeze_top(model: keras.Model, blocks: int) -> None:
    """Makes the last convolution and the top `blocks` of the base's 16 blocks trainable.

    Batch normalisation is left frozen.
    """
    base = model.get_layer(_BASE)
    tops = ("Conv_1", *(f"block_{number}_" for number in range(17 - blocks, 17)))
    base.trainable = True
    for layer in base.layers:
        is_top = layer.name.startswith(tops)
        layer.trainable = is_top and not isinstance(layer, keras.layers.BatchNormalization)


def unpack(packed: tf.Tensor, audio: AudioConfig) -> tf.Tensor:
    """Returns float32 [..., n_mels, picture_columns], 0 to 255, from packed pictures [...]."""
    levels = tf.io.decode_raw(packed, tf.uint8, fixed_length=audio.n_mels * audio.picture_columns)
    shape = [*packed.shape, audio.n_mels, audio.picture_columns]
    sizes = [-1 if size is None else size for size in shape]
    return tf.cast(tf.reshape(levels, sizes), tf.float32)


def expand(packed: tf.Tensor, label: tf.Tensor, audio: AudioConfig) -> tf.data.Dataset:
    """Returns a clip's picture as a dataset of one (picture, label)."""
    return tf.data.Dataset.from_tensors((unpack(packed, audio), label))


def clip_scores(model: keras.Model, packed: tf.Tensor, audio: AudioConfig) -> tf.Tensor:
    """Returns float32 [batch, n_classes]: the softmax of each clip's picture."""
    return tf.nn.softmax(model(unpack(packed, audio), training=False))


NETWORK = network.Network(
    features.PICTURE, DEFAULT_BATCH_SIZE, build_model, stages, expand, clip_scores
)


def train(job: Job) -> Fitted:
    """Trains the network."""
    return network.train_network(job, NETWORK)
