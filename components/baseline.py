"""Which blessed model a candidate is held against."""

from __future__ import annotations

from typing import Any

from tfx import types
from tfx.dsl.components.common import resolver
from tfx.dsl.input_resolution.strategies.latest_blessed_model_strategy import (
    LatestBlessedModelStrategy,
)

CANDIDATE = "candidate"


class BlessedBeforeCandidateStrategy(resolver.ResolverStrategy):
    """The latest blessed model that is older than the candidate.

    `LatestBlessedModelStrategy` would return the candidate itself as soon as it is blessed, so that
    an unchanged second run would evaluate it against itself and push it again. What is older than
    a candidate never changes, so the Evaluator's cache holds.
    """

    def resolve_artifacts(
        self, store: Any, input_dict: dict[str, list[types.Artifact]]
    ) -> dict[str, list[types.Artifact]] | None:
        """Returns the model and its blessing, or empty lists; passes the candidate through."""
        candidates = input_dict[CANDIDATE]
        oldest = min((candidate.id for candidate in candidates), default=0)
        rest = {
            key: [a for a in artifacts if key != "model" or a.id < oldest]
            for key, artifacts in input_dict.items()
            if key != CANDIDATE
        }
        resolved = LatestBlessedModelStrategy().resolve_artifacts(store, rest)
        return {**(resolved or {}), CANDIDATE: candidates}
