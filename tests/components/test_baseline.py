"""Which blessed model a candidate is compared with."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from tfx.types import standard_artifacts

from components.baseline import CANDIDATE, BlessedBeforeCandidateStrategy
from components.model_properties import SERVABLE, is_servable


def model(artifact_id: int, *, servable: bool = True) -> standard_artifacts.Model:
    """Return a model artifact as the metadata store would give it."""
    artifact = standard_artifacts.Model()
    artifact.id = artifact_id
    artifact.set_int_custom_property(SERVABLE, int(servable))
    return artifact


def baseline(
    verdicts: Mapping[int, bool | None], candidate: int, unservable: Collection[int] = ()
) -> tuple[list[int], list[int]]:
    """Return the ids of the models and of the blessed models' blessings that are resolved.

    Args:
        verdicts: for each model whether it is blessed, None where nobody judged it.
        candidate: the candidate's id.
        unservable: which models need more than audio.
    """
    models = {i: model(i, servable=i not in unservable) for i in verdicts}
    blessings = []
    for artifact_id, verdict in verdicts.items():
        if verdict is not None:
            blessing = standard_artifacts.ModelBlessing()
            blessing.id = 1000 + artifact_id
            blessing.set_int_custom_property("blessed", int(verdict))
            blessing.set_int_custom_property("current_model_id", artifact_id)
            blessings.append(blessing)
    candidates = [models.get(candidate) or model(candidate)]
    resolved = BlessedBeforeCandidateStrategy().resolve_artifacts(
        None,
        {"model": list(models.values()), "model_blessing": blessings, CANDIDATE: candidates},
    )
    assert resolved is not None
    assert resolved[CANDIDATE] == candidates
    return [a.id for a in resolved["model"]], [a.id for a in resolved["model_blessing"]]


def test_the_first_candidate_has_no_baseline() -> None:
    assert baseline({1: None, 2: None, 3: None}, candidate=3) == ([], [])


def test_the_latest_blessed_model_is_the_baseline() -> None:
    verdicts = {2: True, 5: True, 7: None, 8: None}
    assert baseline(verdicts, candidate=8) == ([5], [1005])


def test_a_refused_model_is_no_baseline() -> None:
    assert baseline({2: True, 5: False, 8: None}, candidate=8) == ([2], [1002])
    assert baseline({5: False, 8: None}, candidate=8) == ([], [])


def test_a_blessed_candidate_is_not_held_against_itself() -> None:
    # A second run without changes: the ranker's cached model was blessed by the first.
    assert baseline({2: True, 5: True}, candidate=5) == ([2], [1002])
    assert baseline({5: True}, candidate=5) == ([], [])


def test_what_is_newer_than_the_candidate_does_not_count() -> None:
    # A run that takes an older candidate from the cache, after a newer one was blessed.
    assert baseline({2: True, 5: True, 9: True}, candidate=5) == ([2], [1002])


def test_a_model_that_needs_more_than_audio_is_a_baseline_for_its_like_alone() -> None:
    verdicts = {2: True, 5: True, 8: None}
    assert baseline(verdicts, candidate=8, unservable=[5]) == ([2], [1002])
    assert baseline(verdicts, candidate=8, unservable=[5, 8]) == ([5], [1005])
    assert baseline(verdicts, candidate=8, unservable=[8]) == ([5], [1005])


def test_a_model_of_a_run_that_did_not_tell_is_servable() -> None:
    assert is_servable(standard_artifacts.Model())


def test_without_a_candidate_there_is_no_baseline() -> None:
    blessing = standard_artifacts.ModelBlessing()
    inputs = {"model": [model(1)], "model_blessing": [blessing], CANDIDATE: []}
    resolved = BlessedBeforeCandidateStrategy().resolve_artifacts(None, inputs)
    assert resolved == {"model": [], "model_blessing": [], CANDIDATE: []}
