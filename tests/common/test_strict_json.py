"""JSON that every reader takes."""

from __future__ import annotations

import json
import math

import numpy as np

from common import strict_json


def test_what_is_no_number_is_null_however_deep() -> None:
    value = {"a": [1.5, math.nan, {"b": (math.inf, np.float64("nan"))}], "c": "NaN", "d": True}
    found = strict_json.dumps(value, indent=2)
    assert json.loads(found) == {"a": [1.5, None, {"b": [None, None]}], "c": "NaN", "d": True}
    assert "NaN" not in found.replace('"NaN"', "")


def test_letters_stay_letters_where_asked_to() -> None:
    assert strict_json.dumps("Bjork \u00f6", indent=1, ensure_ascii=False) == '"Bjork \u00f6"'
    assert strict_json.dumps("\u00f6", indent=1) == '"\\u00f6"'
