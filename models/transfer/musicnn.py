"""A linear or an MLP head on what musicnn, a network that knows a million songs, hears."""

from __future__ import annotations

import dataclasses

from features import example_keys
from features.musicnn import N_PENULTIMATE, N_VALUES
from models.classical import logistic_regression, mlp

# Which layer tells more depends on how near the genres are to the tags that it was trained on.
_LAYERS = (("penultimate", 0, N_PENULTIMATE), ("pooled", N_PENULTIMATE, N_VALUES))
# With fewer clips to fit, folds do not tell an MLP from a linear head (ESC-10: a macro-F1 of 0.87
# and 0.88 with 240 clips), and it doubles the time of the search.
_MLP_CLIPS = 400

MODEL = dataclasses.replace(
    logistic_regression.MODEL,
    reads=example_keys.MUSICNN,
    columns=_LAYERS,
    components=(100, None),
    settings=("pca_components", "refit"),
    alternative=dataclasses.replace(
        mlp.MODEL,
        columns=_LAYERS,
        # As good as all columns, in a third of the time.
        components=(100,),
        grid=lambda n_clips: mlp.MODEL.grid(n_clips) if n_clips >= _MLP_CLIPS else [],
    ),
)
