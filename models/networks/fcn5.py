"""FCN-5 on log-mel spectrograms (Choi, Fazekas & Sandler, ISMIR 2016; et al., ICASSP 2017)."""

from __future__ import annotations

import keras

from dataset.config import AudioConfig
from models.networks import log_mel_input, network
from models.training.recipe import Epochs, Recipe

# Of k2c2 with 0.1 million parameters, as the second paper calls this network.
_WIDTHS = (20, 41, 41, 62, 83)
# The papers pool 96 x 1366 down to 1 x 1 by (2, 4), (2, 4), (2, 4), (3, 5), (4, 4).
_POOLS = ((2, 2), (2, 2), (2, 2), (4, 4))


def build_model(n_classes: int, audio: AudioConfig, recipe: Recipe) -> keras.Model:
    """Returns the network: float32 [batch, n_mels, spectrogram_columns] to [batch, n_classes].

    Five times convolution of 3 x 3, batch normalisation, ELU and max-pooling, then dropout and the
    output, which is a sigmoid in the papers and a softmax here, where a clip has one genre. The
    pools differ, as the input does: 2, 2, 2, 4 on either axis, and last what is left, 7 x 7 of
    224 x 224.
    """
    layers = keras.layers
    shape = [audio.n_mels, audio.spectrogram_columns]
    model = keras.Sequential([layers.Input(shape)], name="fcn5")
    model.add(layers.Rescaling(1 / 127.5, offset=-1.0))
    model.add(layers.Reshape([*shape, 1]))
    for width, pool in zip(_WIDTHS, (*_POOLS, None), strict=True):
        model.add(
            layers.Conv2D(width, 3, padding="same", use_bias=False, kernel_initializer="he_normal")
        )
        model.add(layers.BatchNormalization(momentum=0.9))
        model.add(layers.ELU())
        model.add(layers.MaxPooling2D(pool) if pool else layers.GlobalMaxPooling2D())
    model.add(layers.Dropout(recipe.dropout))
    model.add(layers.Dense(n_classes, dtype="float32"))
    return model


MODEL = network.Network(
    view=log_mel_input.VIEW,
    epochs=Epochs(clips=20_000, least=20, most=80),
    defaults={
        "batch_size": 16,
        "learning_rate": 3e-3,
        "dropout": 0.3,
        "label_smoothing": 0.1,
        "mixup": 0.2,
    },
    space={
        "learning_rate": (1e-3, 3e-3, 1e-2),
        "dropout": (0.1, 0.3, 0.5),
        "label_smoothing": (0.0, 0.1),
        "mixup": (0.0, 0.2, 0.4),
    },
    build_model=build_model,
    stages=network.one_stage,
    seconds_per_input=0.06,
)
