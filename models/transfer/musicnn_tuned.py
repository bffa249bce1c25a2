"""The last layers of musicnn (Pons and Serra, 2019), fine-tuned: for thousands of clips.

With few a linear head on the pooled values, `models.transfer.musicnn`, is better: an accuracy of
.92 against .89 on `eval` with 240 clips of ESC-10, although `eval` stops this training.
"""

from __future__ import annotations

import keras
import tensorflow as tf

from dataset.config import AudioConfig
from features import example_keys, musicnn_weights
from features.musicnn import N_PENULTIMATE, N_POOLED, N_VALUES
from models.networks import network
from models.training.input_spec import InputSpec
from models.training.loop import Stage
from models.training.recipe import Epochs, Recipe

_FINE_TUNE_EPOCHS = 15
_FINE_TUNE_LEARNING_RATE = 1e-4
_NORMAL, _HIDDEN, _PENULTIMATE = "normal", "hidden", "penultimate"
# What the layers are called in the original, and the names of their weights in Keras' order.
_BATCH_NORM_WEIGHTS = ("gamma", "beta", "moving_mean", "moving_variance")
_PRETRAINED = {
    _NORMAL: ("batch_normalization_9", _BATCH_NORM_WEIGHTS),
    _HIDDEN: ("dense", ("kernel", "bias")),
    _PENULTIMATE: ("batch_normalization_10", _BATCH_NORM_WEIGHTS),
}


def unpack(packed: tf.Tensor) -> tf.Tensor:
    """Returns float32 [..., 1506], the pooled values, from packed values of musicnn [...].

    They are the mean over the patches of a clip, so the layers are computed once a clip, and not
    once a patch as they were trained.
    """
    values = tf.io.decode_raw(packed, tf.float32, fixed_length=4 * N_VALUES)
    return tf.ensure_shape(values[..., N_PENULTIMATE:], [*packed.shape, N_POOLED])


def segments(packed: tf.Tensor, audio: AudioConfig) -> tf.Tensor:
    """Returns float32 [1, 1506]: the values are of the whole clip."""
    return unpack(packed)[tf.newaxis]


def clip_scores(model: keras.Model, packed: tf.Tensor, audio: AudioConfig) -> tf.Tensor:
    """Returns float32 [batch, n_classes]: the softmax of each clip's values."""
    return tf.nn.softmax(model(unpack(packed), training=False))


def build_model(n_classes: int, audio: AudioConfig, recipe: Recipe) -> keras.Model:
    """Returns the network: float32 [batch, 1506] to logits [batch, n_classes].

    The layers up to the penultimate are the original's, with its weights, and frozen.

    Raises:
        InputError: where the weights are missing.
    """
    layers = keras.layers
    pooled = layers.Input([N_POOLED])
    normal = layers.BatchNormalization(name=_NORMAL)(pooled)
    hidden = layers.Dense(N_PENULTIMATE, activation="relu", name=_HIDDEN)(normal)
    penultimate = layers.BatchNormalization(name=_PENULTIMATE)(hidden)
    # The head is that of `models.transfer.mobilenet`, for the same reasons.
    scaled = layers.BatchNormalization(momentum=0.9, center=False, scale=False)(penultimate)
    logits = layers.Dense(n_classes, kernel_initializer="zeros", dtype="float32")(
        layers.Dropout(recipe.dropout)(scaled)
    )
    model = keras.Model(pooled, logits, name="musicnn_tuned")
    weights = musicnn_weights.load()
    for name, (original, parts) in _PRETRAINED.items():
        layer = model.get_layer(name)
        layer.set_weights([weights[f"{original}/{part}"] for part in parts])
        layer.trainable = False
    return model


def stages(recipe: Recipe) -> list[Stage]:
    """Returns the head's stage and the fine-tuning of the hidden layer with it, at a low rate."""
    head = Stage("head", recipe.epochs, recipe.learning_rate, trunk=_PENULTIMATE)
    asked = recipe.train.fine_tune_epochs
    epochs = _FINE_TUNE_EPOCHS if asked is None else asked
    if not epochs:
        return [head]
    rate = min(_FINE_TUNE_LEARNING_RATE, recipe.learning_rate)
    return [head, Stage("fine_tune", epochs, rate, unfreeze)]


def unfreeze(model: keras.Model) -> None:
    """Makes the hidden layer trainable.

    Batch normalisation is left frozen: it keeps the statistics of a million songs, and its gains
    and offsets are also those of the layers behind it.
    """
    model.get_layer(_HIDDEN).trainable = True


MODEL = network.Network(
    view=InputSpec(
        example_keys.MUSICNN,
        inputs_per_clip=1,
        segments=segments,
        crops=None,
        to_input=tf.identity,
        augment=lambda values, seed: values,
        clip_scores=clip_scores,
    ),
    epochs=Epochs(clips=40_000, least=10, most=60),
    defaults={
        "batch_size": 32,
        "learning_rate": 1e-3,
        "dropout": 0.5,
        "label_smoothing": 0.1,
        "mixup": 0.0,
    },
    space={
        "learning_rate": (3e-4, 1e-3, 3e-3),
        "dropout": (0.3, 0.5, 0.7),
        "label_smoothing": (0.0, 0.1),
        "mixup": (0.0, 0.2),
    },
    build_model=build_model,
    stages=stages,
    settings=(*network.SETTINGS, "fine_tune_epochs"),
)
