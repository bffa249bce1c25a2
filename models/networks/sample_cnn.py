"""SampleCNN on raw segments (Lee, Park, Kim & Nam, SMC 2017)."""

from __future__ import annotations

import math

import keras

from dataset.config import AudioConfig
from models.networks import network, waveform_input
from models.training.recipe import Epochs, Recipe

# Of the 3^9 model: nine modules behind the strided convolution.
_WIDTHS = (128, 128, 256, 256, 256, 256, 256, 256)
_TOP_WIDTH = 512
_CROPS = 1


def build_model(n_classes: int, audio: AudioConfig, recipe: Recipe) -> keras.Model:
    """Returns the network: float32 [batch, segment_samples, 1] to logits [batch, n_classes].

    With 59,049 samples it is the paper's 3^9 model, for as many samples at the same rate: a
    convolution of 3 with stride 3, nine modules of convolution and max-pooling by 3, which leave
    one step, a convolution of 1 and dropout. Shorter segments, of another power of 3, leave out
    modules of the middle. All convolutions are followed by batch normalisation and ReLU and start
    as He et al. (ICCV 2015) say, as in the authors' code.
    """
    n_modules = round(math.log(audio.segment_samples, 3)) - 1
    layers = keras.layers
    model = keras.Sequential([layers.Input([audio.segment_samples, 1])], name="sample_cnn")

    def add_convolution(width: int, size: int, strides: int = 1) -> None:
        model.add(
            layers.Conv1D(
                width,
                size,
                strides=strides,
                padding="same",
                use_bias=False,  # batch normalisation has one
                kernel_initializer="he_uniform",
            )
        )
        model.add(layers.BatchNormalization(momentum=0.9))
        model.add(layers.ReLU())

    add_convolution(_WIDTHS[0], 3, strides=3)
    for width in (*_WIDTHS[: n_modules - 1], _TOP_WIDTH):
        add_convolution(width, 3)
        model.add(layers.MaxPooling1D(3))
    add_convolution(_TOP_WIDTH, 1)
    model.add(layers.Dropout(recipe.dropout))
    model.add(layers.Flatten())
    model.add(layers.Dense(n_classes, dtype="float32"))
    return model


MODEL = network.Network(
    view=waveform_input.view(lambda audio: audio.segment_samples, n_crops=_CROPS),
    epochs=Epochs(clips=10_000, least=12, most=40),
    defaults={
        "batch_size": 16,
        "learning_rate": 1e-3,
        "dropout": 0.5,
        "label_smoothing": 0.1,
        "mixup": 0.2,
    },
    space={
        "learning_rate": (3e-4, 1e-3, 3e-3),
        "dropout": (0.3, 0.5),
        "label_smoothing": (0.0, 0.1),
        "mixup": (0.0, 0.2),
    },
    build_model=build_model,
    stages=network.one_stage,
    seconds_per_input=0.13,
)
