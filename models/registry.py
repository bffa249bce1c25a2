"""The models that there are: a line each, in the order in which they are shown."""

from __future__ import annotations

# A name for flags, tables and component ids; the module holds a `models.spec.ModelSpec`, as MODEL.
CLASSICAL = {
    "logistic_regression": "models.classical.logistic_regression",
    "knn": "models.classical.knn",
    "gaussian_nb": "models.classical.gaussian_nb",
    "svm": "models.classical.svm",
    "mlp": "models.classical.mlp",
    "musicnn": "models.transfer.musicnn",
    "musicnn_statistics": "models.transfer.musicnn_statistics",
}
# On raw audio, which they have Transform copy.
WAVEFORM_NETWORKS = {
    "cnn1d": "models.networks.cnn1d",
    "sample_cnn": "models.networks.sample_cnn",
}
# Trained with Keras; a Tuner can search for their hyperparameters.
NETWORKS = {
    **WAVEFORM_NETWORKS,
    "fcn5": "models.networks.fcn5",
    "mobilenet_v2": "models.transfer.mobilenet",
    "musicnn_tuned": "models.transfer.musicnn_tuned",
}
MODELS = {**CLASSICAL, **NETWORKS}
MODEL_NAMES = tuple(MODELS)
# What `--models` takes beside names; `article` has the six that the project's article trained.
PRESETS = {
    "fast": (*CLASSICAL, "mobilenet_v2"),
    "article": ("logistic_regression", "knn", "gaussian_nb", "svm", "cnn1d", "mobilenet_v2"),
    "all": MODEL_NAMES,
}
