"""Who gets which share of an endpoint's requests: pure."""

from __future__ import annotations

from collections.abc import Mapping

# How the API names the model that is just being deployed, which has no id yet.
NEW = "0"


def split_with(shares: Mapping[str, int], model: str, percent: int) -> dict[str, int]:
    """Returns the percentages by deployed model once `model` has `percent` of the requests.

    One other keeps the rest: the one that had the most, the first of equals. An earlier canary gets
    nothing, so that canaries do not pile up. Where nobody else gets requests, `model` gets all.

    Args:
        shares: percentages by id of the deployed models, the oldest first.
        model: the id of one of them, or `NEW`.
        percent: from 0 to 100.
    """
    others = {name: share for name, share in shares.items() if name != model and share > 0}
    if not others:
        return {model: 100}
    stable = max(others, key=others.__getitem__)
    split = {model: percent, stable: 100 - percent}
    return {name: share for name, share in split.items() if share}
