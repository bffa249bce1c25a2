"""What the metrics share: a clip as TFMA hands it to them, and sums that do not mind the order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import apache_beam as beam
import numpy as np
from numpy.typing import NDArray
from tensorflow_model_analysis.metrics import metric_types, metric_util

from features import example_keys

# Fixed-point steps a unit, fine beside float32 scores.
_STEPS = 2**40


def per_model(combiner: Callable[..., beam.CombineFn]) -> Callable[..., list[Any]]:
    """Returns what a `metric_types.Metric` makes its computations with: one for every model.

    Args:
        combiner: from a metric's key, TFMA's EvalConfig and the metric's own settings to the
            CombineFn of one model. What it gets to see of a clip are label, scores, and the
            features that `cluster` reads.
    """

    def create(
        name: str,
        eval_config: Any = None,
        model_name: str = "",
        output_name: str = "",
        example_weighted: bool = False,
        **settings: Any,
    ) -> list[Any]:
        key = metric_types.MetricKey(
            name=name,
            model_name=model_name,
            output_name=output_name,
            example_weighted=example_weighted,
        )
        wanted = metric_types.FeaturePreprocessor([example_keys.TRACK_ID, example_keys.ARTIST_ID])
        return [
            metric_types.MetricComputation(
                keys=[key], preprocessors=[wanted], combiner=combiner(key, eval_config, **settings)
            )
        ]

    return metric_util.merge_per_key_computations(create)


class ClipCombiner(beam.CombineFn):
    """What the CombineFns have in common: the key of a metric, and how they read a clip."""

    def __init__(self, key: Any, eval_config: Any):
        self.key = key
        self._eval_config = eval_config

    def label_and_scores(self, element: Any) -> tuple[int, NDArray[np.floating[Any]]]:
        """Returns the class id and the model's scores [n_classes] of what TFMA gives for a clip."""
        label, scores, _ = next(
            metric_util.to_label_prediction_example_weight(
                element,
                eval_config=self._eval_config,
                model_name=self.key.model_name,
                output_name=self.key.output_name,
                flatten=False,
            )
        )
        return int(label.item()), scores


def score_of(label: int, scores: NDArray[np.floating[Any]]) -> float:
    """Returns a label's score, 0 for a genre that the model does not know."""
    return float(scores[label]) if 0 <= label < len(scores) else 0.0


def track_id(element: Any) -> int:
    """Returns a clip's track id, -1 where the Examples have none."""
    return _whole(element, example_keys.TRACK_ID)


def cluster(element: Any) -> int:
    """Returns a number for what a clip shares with others: its artist.

    A track without an artist stands for an artist of its own, as where splits are decided.
    """
    artist = _whole(element, example_keys.ARTIST_ID)
    return artist if artist >= 0 else -1 - track_id(element)


def _whole(element: Any, name: str) -> int:
    values: Sequence[Any] | None = (element.get_features() or {}).get(name)
    return -1 if values is None or not len(values) else int(np.ravel(values)[0])


def to_fixed(value: float) -> int:
    """Returns a number as fixed point, within 1e-12: such sums are the same in any order."""
    return round(value * _STEPS)


def from_fixed(value: int) -> float:
    """Returns the number that `to_fixed` made `value` of, or a sum of such numbers."""
    return value / _STEPS
