"""What the classical models share: from a context to a fitted scikit-learn pipeline and its export.

Every one of them is the same pipeline with another classifier at its end: constant columns are
dropped, the others standardised and clipped at two standard deviations, and turned into principal
components where the model wants them. Clipping is what keeps a few far-off values, which skew and
kurtosis are full of, from deciding distances.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_selection import VarianceThreshold
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from threadpoolctl import threadpool_limits

from features import example_keys
from models.classical.labelled_clips import (
    Clips,
    Folds,
    artist_folds,
    read_clips,
    ways_to_fold,
)
from models.classical.tf_export import LIMIT, ClassicalScorer, Head, Trained
from models.config import TrainConfig
from models.held_out import HeldOut
from models.spec import TrainedModel, TrainingContext, TrainingSize

# Parameters of the pipeline, as `set_params` takes them.
Settings = Mapping[str, Any]

_FEATURES = {"audio": example_keys.STATISTICS, "fma": example_keys.FMA_FEATURES}
# A setting that is best on this many clips is as good as best on more, and the search costs
# (settings x folds) fits.
_SEARCHED_CLIPS = 5_000
# Below this many clips, how they fall into folds moves macro-F1 by more than the settings do
# (0.018 of standard deviation, with 240 clips), so they are cut into folds twice. So many are
# enough, too, for a temperature and for choosing the members of an ensemble.
_FEW_CLIPS = 2_000


@dataclasses.dataclass(frozen=True)
class Classical:
    """One kind of classical model.

    Attributes:
        classifier: the unfitted scikit-learn classifier, from a seed.
        grid: settings of the classifier to choose among, the simplest first, from the number of
            clips that it is fitted on at least.
        head: what computes the same in TensorFlow.
        components: numbers of principal components to choose among, the smallest first; None for
            the columns themselves.
        whiten: whether the components are scaled to a variance of 1.
        calibrated: whether the classifier gives decisions that Platt's sigmoids are to turn into
            probabilities.
        max_clips: of more, a sample is fitted.
        reads: the transformed feature that it reads; by default that of `TrainConfig.feature_set`.
        columns: ranges of the feature's columns to choose among: name, first and end.
        seconds_per_clip: of training, search included, on the reference CPU; None: not measured.
        settings: fields of TrainConfig that it reads.
        alternative: a less simple kind that the same search tries, too, after all settings of this
            one; its own are its classifier, grid, components and columns.
    """

    classifier: Callable[[int], BaseEstimator]
    grid: Callable[[int], Sequence[Mapping[str, Any]]]
    head: Callable[[Trained], Head]
    components: Sequence[int | None] = (None,)
    whiten: bool = False
    calibrated: bool = False
    max_clips: int = 50_000
    reads: str = ""
    columns: Sequence[tuple[str, int, int]] = (("all", 0, sys.maxsize),)
    seconds_per_clip: float | None = None
    settings: tuple[str, ...] = ("feature_set", "pca_components")
    alternative: Classical | None = None

    def feature(self, train: TrainConfig) -> str:
        """Returns the transformed feature that it reads."""
        return self.reads or _FEATURES[train.feature_set]

    def training_seconds(self, train: TrainConfig, size: TrainingSize) -> float | None:
        """Returns how long training takes on the reference CPU; None where not measured."""
        if self.seconds_per_clip is None:
            return None
        return self.seconds_per_clip * min(size.train_clips, self.max_clips)

    def train(self, context: TrainingContext) -> TrainedModel:
        """Fits the model with the best settings on the train split, the same one every time."""
        train, n_classes = context.train, context.n_classes
        feature = self.feature(train)
        clips = self._fitted(read_clips(context.train_files, feature), train)
        settings, hyperparameters = choose(self, clips, train)
        model, calibrated = fit(self, settings, clips, train.seed)
        if self.calibrated:
            hyperparameters["calibrated"] = calibrated
        scorer = export(self, model, clips, n_classes)
        return TrainedModel(
            scorer=scorer,
            feature=feature,
            n_parameters=scorer.n_parameters,
            hyperparameters=hyperparameters,
            servable=feature != example_keys.FMA_FEATURES,
            out_of_fold=out_of_fold(self, settings, clips, train.seed, n_classes),
        )

    def refit(
        self,
        context: TrainingContext,
        hyperparameters: Mapping[str, Any],
        curves: Sequence[Mapping[str, Any]],
    ) -> TrainedModel | None:
        """Returns the model with the settings that were found, fitted on `train` and `eval`."""
        train, feature = context.train, self.feature(context.train)
        of_train = read_clips(context.train_files, feature)
        searched = of_train.sample(_SEARCHED_CLIPS, train.seed).in_float64()
        _, possible = _possible(self, searched, train)
        found = hyperparameters.items()
        settings = next(each for each in possible if described(self, each).items() <= found)
        clips = self._fitted(of_train.and_of(read_clips(context.eval_files, feature)), train)
        model, calibrated = fit(self, settings, clips, train.seed)
        if self.calibrated and calibrated != hyperparameters["calibrated"]:
            return None
        scorer = export(self, model, clips, context.n_classes)
        servable = feature != example_keys.FMA_FEATURES
        return TrainedModel(scorer, feature, scorer.n_parameters, servable=servable)

    def _fitted(self, clips: Clips, train: TrainConfig) -> Clips:
        return clips.sample(self.max_clips, train.seed).in_float64()


class VaryingColumns(VarianceThreshold):
    """Keeps the columns of a range that are not constant."""

    def __init__(self, name: str = "all", first: int = 0, end: int = sys.maxsize):
        super().__init__()
        self.name = name
        self.first = first
        self.end = end

    # `SelectorMixin` asks for it; `transform` and `get_support` follow from it.
    def _get_support_mask(self) -> NDArray[np.bool_]:
        place = np.arange(self.n_features_in_)
        within = (self.first <= place) & (place < self.end)
        return super()._get_support_mask() & within


@contextlib.contextmanager
def _repeatable() -> Iterator[None]:
    """Fits with one thread, and without warnings that mean nothing here.

    Sums then have the same order on every machine; and on small matrices, which most of them are,
    several threads are slower.
    """
    with threadpool_limits(1, user_api="blas"), warnings.catch_warnings():
        # A model that is stopped after so many steps is meant to be.
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


@_repeatable()
def choose(kind: Classical, clips: Clips, train: TrainConfig) -> tuple[Settings, dict[str, Any]]:
    """Returns the best settings of the pipeline, and what a report tells of them, as JSON values.

    They are chosen by their mean macro-F1 over folds that keep artists apart.
    """
    best, found = _search(kind, clips, train)
    return best, {**described(kind, best), **found, "fitted_on_clips": len(clips.labels)}


def described(kind: Classical, settings: Settings) -> dict[str, Any]:
    """Returns settings of the pipeline as JSON values, which tell them from all others."""
    told = {
        name.removeprefix("classifier__"): value
        for name, value in settings.items()
        if name.startswith("classifier__")
    }
    if kind.alternative:
        told["classifier"] = type(settings["classifier"]).__name__
    if len(kind.columns) > 1:
        told["columns"] = settings["varying"].name
    pca = settings["pca"]
    return {**told, "pca_components": None if pca == "passthrough" else pca.n_components}


@_repeatable()
def fit(
    kind: Classical, settings: Settings, clips: Clips, seed: int
) -> tuple[Pipeline | CalibratedClassifierCV, str]:
    """Returns the model, fitted on all clips, and by which folds its decisions are calibrated."""
    model = clone(_pipeline().set_params(**settings))
    how = "no"
    if kind.calibrated:
        model, how = _calibrated(model, clips, seed)
    return model.fit(clips.inputs, clips.labels), how


def out_of_fold(
    kind: Classical, settings: Settings, clips: Clips, seed: int, n_classes: int
) -> HeldOut | None:
    """Returns the scores of clips, each by a model fitted on those of other artists.

    Of many clips a sample is scored. None where nothing can be held out.
    """
    clips = clips.sample(_FEW_CLIPS, seed)
    scored: HeldOut | None = None
    for fitted, held in artist_folds(clips, seed):
        known, unknown = clips.at(fitted), clips.at(held)
        model, _ = fit(kind, settings, known, seed)
        scorer = export(kind, model, known, n_classes)
        packed = [row.tobytes() for row in unknown.inputs.astype("<f4")]
        scores = scorer.clip_scores(tf.constant(packed)).numpy()
        scored = HeldOut(unknown.tracks, unknown.labels, scores).and_of(scored)
    return scored


def export(
    kind: Classical, model: Pipeline | CalibratedClassifierCV, clips: Clips, n_classes: int
) -> ClassicalScorer:
    """Returns what computes `model.predict_proba` in TensorFlow, for all `n_classes` genres."""
    sigmoids: list[tuple[float, float]] = []
    if isinstance(model, CalibratedClassifierCV):
        [calibrated] = model.calibrated_classifiers_
        model = calibrated.estimator
        sigmoids = [(float(one.a_), float(one.b_)) for one in calibrated.calibrators]
    prepared = model[:-1].transform(clips.inputs)
    head = kind.head(Trained(model[-1], prepared, clips.labels, sigmoids))
    return ClassicalScorer(model, head, n_columns=clips.inputs.shape[1], n_classes=n_classes)


def _search(kind: Classical, clips: Clips, train: TrainConfig) -> tuple[Settings, dict[str, Any]]:
    """Returns the best settings of the pipeline, and how they did in how many folds."""
    searched = clips.sample(_SEARCHED_CLIPS, train.seed)
    folds, settings = _possible(kind, searched, train)
    if not folds:
        return settings[0], {"cv_macro_f1": None, "cv_folds": 0}
    search = GridSearchCV(
        _pipeline(),
        [{name: [value] for name, value in setting.items()} for setting in settings],
        scoring="f1_macro",
        cv=folds,
        refit=False,
        error_score="raise",
    ).fit(searched.inputs, searched.labels)
    at = _simplest_of_the_best(search.cv_results_, len(folds))
    macro_f1 = round(float(search.cv_results_["mean_test_score"][at]), 4)
    return settings[at], {"cv_macro_f1": macro_f1, "cv_folds": len(folds)}


def _possible(kind: Classical, searched: Clips, train: TrainConfig) -> tuple[Folds, list[Settings]]:
    """Returns the folds of a search, and the settings that fit them all, the simplest first."""
    n_repeats = 2 if len(searched.labels) < _FEW_CLIPS else 1
    seeds = [(train.seed + repeat) % 2**32 for repeat in range(n_repeats)]
    folds = [fold for seed in seeds for fold in artist_folds(searched, seed)]
    parts = [fitted for fitted, _ in folds] or [np.arange(len(searched.labels))]
    return folds, _settings(kind, train, [searched.inputs[part] for part in parts])


def _simplest_of_the_best(results: Mapping[str, NDArray[np.float64]], n_folds: int) -> int:
    """Returns the first setting that is at most a standard error below the best one.

    The one-standard-error rule (Breiman et al., Classification and Regression Trees, 1984): what
    the folds cannot tell apart counts as equal, and of equals the simplest is taken.
    """
    means = results["mean_test_score"]
    top = int(means.argmax())
    error = results["std_test_score"][top] / np.sqrt(n_folds)
    return int(np.argmax(means >= means[top] - error - 1e-9))


def _calibrated(
    pipeline: Pipeline, clips: Clips, seed: int
) -> tuple[Pipeline | CalibratedClassifierCV, str]:
    """Returns the pipeline in a calibration, and by which folds.

    Every genre has to be fitted in every fold. Where that cannot be with artists kept apart, as
    for a genre of a single artist, the folds are by clip; where a genre has a single clip, the
    pipeline is left as it is.
    """
    genres = len(np.unique(clips.labels))
    for name, folds in ways_to_fold(clips, seed):
        scored = sum(len(part) for _, part in folds)
        whole = all(len(np.unique(clips.labels[fitted])) == genres for fitted, _ in folds)
        if whole and scored == len(clips.labels):
            return CalibratedClassifierCV(pipeline, cv=folds, ensemble=False), f"by {name} folds"
    return pipeline, "no"


def _pipeline() -> Pipeline:
    """Returns the steps of every model; a setting says what the last two are."""
    return Pipeline(
        [
            ("varying", VaryingColumns()),
            ("standard", StandardScaler()),
            ("clip", FunctionTransformer(np.clip, kw_args={"a_min": -LIMIT, "a_max": LIMIT})),
            ("pca", "passthrough"),
            ("classifier", "passthrough"),
        ]
    )


def _settings(
    kind: Classical, train: TrainConfig, parts: Sequence[NDArray[np.floating[Any]]]
) -> list[Settings]:
    """Returns the pipeline's settings to choose among, the simplest first.

    Args:
        kind: the model.
        train: holds the number of components where a user wants one.
        parts: the inputs that are fitted, [clips, columns] each; a setting has to fit them all.
    """
    wanted = kind.components if train.pca_components is None else (train.pca_components,)
    n_clips = min(len(part) for part in parts)
    found: list[Settings] = []
    for columns in itertools.starmap(VaryingColumns, kind.columns):
        varying = int(min(columns.fit(part).get_support().sum() for part in parts))
        if found and not varying:
            continue
        # No more than there can be, in the folds of a calibration too, and each number once.
        # Whitened, a component that hardly any clip speaks of is noise as loud as the rest.
        possible = n_clips * 3 // 4 if kind.calibrated else n_clips
        most = max(1, min(n_clips // 4 if kind.whiten else possible - 1, _FEW_CLIPS // 2, varying))
        counts = dict.fromkeys(min(count, most) if count else None for count in wanted)
        found += [
            {
                "varying": columns,
                "pca": _pca(count, kind.whiten) if count else "passthrough",
                "classifier": kind.classifier(train.seed),
                **{f"classifier__{name}": value for name, value in setting.items()},
            }
            for count, setting in itertools.product(counts, kind.grid(n_clips))
        ]
    return found + (_settings(kind.alternative, train, parts) if kind.alternative else [])


def _pca(n_components: int, whiten: bool) -> PCA:
    return PCA(n_components, whiten=whiten, svd_solver="covariance_eigh")
