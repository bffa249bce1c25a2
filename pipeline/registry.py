"""The models that there are: a line each, in the order in which they are shown."""

from __future__ import annotations

# A name for flags, tables and component ids; the module is what `models.family.Family` describes.
MODELS = {
    "cnn1d": "models.cnn1d",
    "sample_cnn": "models.sample_cnn",
    "fcn5": "models.fcn5",
    "mobilenet_v2": "models.mobilenet",
}
MODEL_NAMES = tuple(MODELS)
# Those that are trained with Keras, for which a Tuner can search.
NETWORK_NAMES = ("cnn1d", "sample_cnn", "fcn5", "mobilenet_v2")
