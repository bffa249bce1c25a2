"""A network that is trained in a second, for tests of what all networks go through."""

from __future__ import annotations

import dataclasses

import keras

from dataset.config import AudioConfig
from models.networks import fcn5
from models.training.recipe import Recipe

NAME, MODULE = "tiny", __name__


def build_model(n_classes: int, audio: AudioConfig, recipe: Recipe) -> keras.Model:
    """Returns the mean of every mel band, and a linear layer."""
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input([audio.n_mels, audio.spectrogram_columns]),
            layers.Rescaling(1 / 255),
            layers.GlobalAveragePooling1D(data_format="channels_first"),
            layers.Dropout(recipe.dropout),
            layers.Dense(n_classes, dtype="float32"),
        ]
    )


MODEL = dataclasses.replace(fcn5.MODEL, build_model=build_model)
