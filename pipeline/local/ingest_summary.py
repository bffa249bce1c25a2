"""What there is to say once FmaExampleGen is done: how the clips split, and why it ran again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ml_metadata.proto import metadata_store_pb2
from tfx.types import standard_component_specs

from common import files
from components.fma_example_gen.component import FmaExampleGen
from components.fma_example_gen.executor import unpack_custom_config
from dataset.bad_files import SUMMARY_NAME
from dataset.splits import table
from pipeline import metadata_store
from pipeline.cache_key import CODE_DIGEST

_DONE = (metadata_store_pb2.Execution.COMPLETE, metadata_store_pb2.Execution.CACHED)
# What the fields of DataConfig with digests are called; every other field is a setting.
_CONTENTS = {
    "metadata_digest": "the tables have changed",
    "fma_features_digest": "features.csv has changed",
}


def lines(metadata_path: str) -> Iterator[str]:
    """Yields lines for the console on the latest run's FmaExampleGen, none where it failed."""
    examples = metadata_store.latest_outputs(metadata_path).get(("FmaExampleGen", "examples"))
    if examples is None or not files.exists(files.join(examples.uri, SUMMARY_NAME)):
        return
    if reasons := _reasons(metadata_path):
        yield f"read again, for {', '.join(reasons)}"
    summary = json.loads(files.read_text(files.join(examples.uri, SUMMARY_NAME)))
    yield from table.lines(summary["splits"], recordings=len(summary["overlaps"]["audio"]))
    for name in ("left_out", "faults"):
        if counts := summary[name]:
            text = ", ".join(f"{count} {reason}" for reason, count in counts.items())
            yield f"{name.replace('_', ' ')}: {text}"


def _reasons(metadata_path: str) -> list[str]:
    store = metadata_store.open_store(metadata_path)
    name = f"{FmaExampleGen.__module__}.{FmaExampleGen.__name__}"
    executions = sorted(store.get_executions_by_type(name), key=lambda execution: execution.id)
    done = [execution for execution in executions if execution.last_known_state in _DONE]
    if len(done) < 2 or done[-1].last_known_state == metadata_store_pb2.Execution.CACHED:
        return []
    before, now = (
        {key: value.string_value for key, value in execution.custom_properties.items()}
        for execution in done[-2:]
    )
    return list(changes(before, now)) or ["Beam's flags have changed, or the cache was not used"]


def changes(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    """Yields what differs between the execution properties of two runs of FmaExampleGen."""
    if before[CODE_DIGEST] != now[CODE_DIGEST]:
        yield "the code that reads the archive, or a package that it imports, has changed"
    old, new = (
        unpack_custom_config(
            {standard_component_specs.CUSTOM_CONFIG_KEY: properties["custom_config"]}
        )
        for properties in (before, now)
    )
    for part in ("data", "audio"):
        yield from _changed_fields(old[part], new[part])


def _changed_fields(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for field in sorted(set(old) | set(new)):
        if old.get(field) == new.get(field) or field == "audio_files":
            continue
        if field == "audio_digest":
            yield (
                f"the audio files have changed ({old.get('audio_files')} before, "
                f"{new.get('audio_files')} now)"
            )
        elif field in _CONTENTS:
            yield _CONTENTS[field]
        else:
            yield f"{field} was {old.get(field)!r} and is {new.get(field)!r}"
