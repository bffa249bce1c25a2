"""The placeholders of a spec, resolved as Vertex AI does before it starts a container.

`{{$}}` is the executor input as JSON, `{{$.json_escape[N]}}` the same escaped N times to stand in a
JSON string, and `{{$.inputs.artifacts['key'].uri}}` and its like one value of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_PLACEHOLDER = re.compile(r"\{\{\$(.*?)\}\}")
_ESCAPED = re.compile(r"\.json_escape\[(\d+)\]")
_VALUE = re.compile(
    r"\.(?P<side>inputs|outputs)\.(?P<kind>parameters|artifacts)\['(?P<key>[^']+)'\]"
    r"(?:\.(?P<field>uri|name|value|metadata)(?:\['(?P<metadata>[^']+)'\])?)?"
)


class NothingThereError(LookupError):
    """A placeholder asks for an artifact that there is none of."""


def resolve(text: str, executor_input: Mapping[str, Any]) -> str:
    """Return a text with its placeholders replaced.

    Raises:
        NothingThereError: where an artifact is missing.
        ValueError: for a placeholder that is not known.
    """
    return _PLACEHOLDER.sub(lambda found: _value(found[1], executor_input), text)


def _value(path: str, executor_input: Mapping[str, Any]) -> str:
    if not path:
        return json.dumps(executor_input)
    if found := _ESCAPED.fullmatch(path):
        text = json.dumps(executor_input)
        for _ in range(int(found[1])):
            text = json.dumps(text)[1:-1]
        return text
    if not (found := _VALUE.fullmatch(path)):
        raise ValueError(f"unknown placeholder {{{{${path}}}}}")
    side = executor_input[found["side"]]
    if found["kind"] == "parameters":
        value = side["parameterValues"][found["key"]]
        return value if isinstance(value, str) else json.dumps(value)
    artifacts = side["artifacts"].get(found["key"], {}).get("artifacts", [])
    if not artifacts:
        raise NothingThereError(path)
    value = artifacts[0][found["field"]]
    return str(value[found["metadata"]] if found["metadata"] else value)
