"""The models that there are: a line each, in the order in which they are shown."""

from __future__ import annotations

# A name for flags, tables and component ids; the module is what `models.family.Family` describes.
MODELS = {
    "logistic_regression": "models.logistic_regression",
    "knn": "models.knn",
    "gaussian_nb": "models.gaussian_nb",
    "svm": "models.svm",
    "mlp": "models.mlp",
    "cnn1d": "models.cnn1d",
    "mobilenet_v2": "models.mobilenet",
}
MODEL_NAMES = tuple(MODELS)
