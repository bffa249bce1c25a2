"""Which blessed model a candidate is compared with."""

from __future__ import annotations

from typing import Any

from tfx import types
from tfx.dsl.components.common import resolver
from tfx.dsl.input_resolution.strategies.latest_blessed_model_strategy import (
    LatestBlessedModelStrategy,
)

from components.model_properties import is_servable

CANDIDATE = "candidate"


class BlessedBeforeCandidateStrategy(resolver.ResolverStrategy):
    """The latest blessed model that is older than the candidate.

    `LatestBlessedModelStrategy` would return the candidate itself as soon as it is blessed, so that
    an unchanged second run would evaluate it against itself and push it again. What is older than
    a candidate never changes, so the Evaluator's cache holds.

    A model that needs more than audio is only a baseline for another such model: the Examples of a
    run without FMA's features do not have what it reads.
    """

    def resolve_artifacts(
        self, store: Any, input_dict: dict[str, list[types.Artifact]]
    ) -> dict[str, list[types.Artifact]] | None:
        """Returns the model and its blessing, or empty lists; passes the candidate through."""
        candidates = input_dict[CANDIDATE]
        oldest = min((candidate.id for candidate in candidates), default=0)
        any_kind = not all(map(is_servable, candidates))

        def may_be_baseline(model: types.Artifact) -> bool:
            return model.id < oldest and (any_kind or is_servable(model))

        rest = {
            key: [a for a in artifacts if key != "model" or may_be_baseline(a)]
            for key, artifacts in input_dict.items()
            if key != CANDIDATE
        }
        resolved = LatestBlessedModelStrategy().resolve_artifacts(store, rest)
        return {**(resolved or {}), CANDIDATE: candidates}
