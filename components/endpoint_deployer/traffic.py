"""Who gets which share of an endpoint's requests: pure."""

from __future__ import annotations

from collections.abc import Mapping

# How the API names the model that is just being deployed, which has no id yet.
NEW = "0"


def split_with(shares: Mapping[str, int], model: str, percent: int) -> dict[str, int]:
    """Returns the percentages by deployed model once `model` has `percent` of the requests.

    The others share the rest as they did before, to the nearest whole percent; those that come to
    nothing are left out. Where nobody else gets requests, `model` gets all.

    Args:
        shares: percentages by id of the deployed models.
        model: the id of one of them, or `NEW`.
        percent: from 0 to 100.
    """
    others = {name: share for name, share in shares.items() if name != model and share > 0}
    if not others:
        return {model: 100}
    left, total = 100 - percent, sum(others.values())
    # Rounded at the running sum, so that the parts add up to the rest.
    split, before, given = {model: percent}, 0, 0
    for name, share in sorted(others.items()):
        before += share
        upto = round(left * before / total)
        split[name] = upto - given
        given = upto
    return {name: share for name, share in split.items() if share}
