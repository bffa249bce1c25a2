"""MobileNetV2 (Sandler et al., CVPR 2018) on log-mel spectrograms: transfer learning."""

from __future__ import annotations

import math

import keras

from common.errors import InputError
from dataset.config import AudioConfig
from models.networks import log_mel_input, network
from models.training.loop import Stage
from models.training.recipe import Epochs, Recipe

_FINE_TUNE_EPOCHS = 15
_FINE_TUNE_LEARNING_RATE = 3e-4
_BASE, _POOLED = "base", "pooled"


def build_model(n_classes: int, audio: AudioConfig, recipe: Recipe) -> keras.Model:
    """Returns the network: float32 [batch, n_mels, spectrogram_columns] to [batch, n_classes].

    The spectrogram, 0 to 255, stands in all three channels: on a small real sound set that beat
    spectrograms of three window lengths and spectrograms of differences (.90, .875, .675).

    Raises:
        InputError: where the weights cannot be had or are not MobileNetV2's.
    """
    layers = keras.layers
    shape = [audio.n_mels, audio.spectrogram_columns]
    base = build_base(audio, recipe.train.mobilenet_weights)
    base.trainable = False
    log_mel_input = layers.Input(shape)
    grey = layers.Reshape([*shape, 1])(layers.Rescaling(1 / 127.5, offset=-1.0)(log_mel_input))
    # The base's batch normalisation stays in inference mode throughout, fine-tuning included: its
    # running statistics move by a thousandth a step and would be nobody's after a few hundred.
    maps = base(layers.Concatenate()([grey, grey, grey]), training=False)
    pooled = layers.GlobalAveragePooling2D(name=_POOLED)(maps)
    # The head's own moves fast enough to settle within the few steps of a small archive. It only
    # standardises, and the weights behind it start at 0, as in BiT (Kolesnikov et al., ECCV 2020):
    # on a small real sound set that scored .88 where random weights scored .83.
    scaled = layers.BatchNormalization(momentum=0.9, center=False, scale=False)(pooled)
    logits = layers.Dense(n_classes, kernel_initializer="zeros", dtype="float32")(
        layers.Dropout(recipe.dropout)(scaled)
    )
    return keras.Model(log_mel_input, logits, name="mobilenet_v2")


def build_base(audio: AudioConfig, weights: str) -> keras.Model:
    """Returns MobileNetV2 without its top, for three channels of spectrograms.

    Args:
        audio: the spectrograms' size.
        weights: `imagenet`, `none` or a path.

    Raises:
        InputError: where the weights cannot be had or are not MobileNetV2's.
    """
    shape = [audio.n_mels, audio.spectrogram_columns, 3]
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


def stages(recipe: Recipe) -> list[Stage]:
    """Returns the head's stage and the fine-tuning of the top blocks.

    An untrained base is not fine-tuned unless asked for.
    """
    head = Stage("head", recipe.epochs, recipe.learning_rate, trunk=_POOLED)
    default = 0 if recipe.train.mobilenet_weights == "none" else _FINE_TUNE_EPOCHS
    epochs = default if recipe.train.fine_tune_epochs is None else recipe.train.fine_tune_epochs
    if not epochs:
        return [head]
    return [
        head,
        Stage(
            "fine_tune",
            epochs,
            min(_FINE_TUNE_LEARNING_RATE, recipe.learning_rate),
            lambda model: unfreeze_top(model, recipe.train.fine_tune_blocks),
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


MODEL = network.Network(
    view=log_mel_input.VIEW,
    epochs=Epochs(clips=10_000, least=10, most=40),
    defaults={
        "batch_size": 16,
        "learning_rate": 3e-4,
        "dropout": 0.5,
        "label_smoothing": 0.1,
        "mixup": 0.0,
    },
    space={
        "learning_rate": (1e-4, 3e-4, 1e-3),
        "dropout": (0.3, 0.5, 0.7),
        "label_smoothing": (0.0, 0.1),
        "mixup": (0.0, 0.2),
    },
    build_model=build_model,
    stages=stages,
    seconds_per_input=0.04,
    settings=(
        *network.SETTINGS,
        "mobilenet_weights",
        "mobilenet_weights_digest",
        "fine_tune_epochs",
        "fine_tune_blocks",
    ),
)
