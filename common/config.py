"""What every configuration class needs: checks of values, and JSON."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, TypeVar

_T = TypeVar("_T")


def require(condition: bool, expected: str, got: object) -> None:
    """Raises ValueError that says what was expected and what came, unless the condition holds."""
    if not condition:
        raise ValueError(f"{expected}, got {got!r}")


def to_json(config: Any) -> str:
    """Returns the JSON text of one of the dataclasses above, keys sorted."""
    return json.dumps(dataclasses.asdict(config), sort_keys=True)


def from_json(cls: type[_T], text: str | Mapping[str, Any]) -> _T:
    """Returns the flat dataclass `cls` that `to_json` wrote as `text`; validates it again."""
    values = json.loads(text) if isinstance(text, str) else dict(text)
    return cls(**values)
