"""The models that there are: a line each, in the order in which they are shown."""

from __future__ import annotations

# A name for flags, tables and component ids; the module holds a `models.family.Family`, as MODEL.
CLASSICAL = {
    "logistic_regression": "models.logistic_regression",
    "knn": "models.knn",
    "gaussian_nb": "models.gaussian_nb",
    "svm": "models.svm",
    "mlp": "models.mlp",
}
# Trained with Keras; a Tuner can search for their hyperparameters.
NETWORKS = {
    "cnn1d": "models.cnn1d",
    "sample_cnn": "models.sample_cnn",
    "fcn5": "models.fcn5",
    "mobilenet_v2": "models.mobilenet",
}
MODELS = {**CLASSICAL, **NETWORKS}
MODEL_NAMES = tuple(MODELS)
