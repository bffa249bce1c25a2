"""The validator on TFDV's real statistics of a few Examples and the pipeline's own schema."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest
import tensorflow_data_validation as tfdv
from tensorflow_data_validation.statistics import stats_impl
from tfx.types import standard_artifacts, standard_component_specs

from common.errors import InputError
from components.strict_example_validator import Executor
from features import example_keys
from pipeline.dag import SCHEMA_PATH

GOOD = {
    example_keys.TRACK_ID: [2],
    example_keys.ARTIST: [b""],
    example_keys.ARTIST_ID: [-1],
    example_keys.ALBUM_ID: [7],
    example_keys.GENRE: [b"Rock"],
    example_keys.TITLE: [b""],
    example_keys.LICENSE: [b"CC0"],
    example_keys.YEAR: [-1],
    example_keys.SOURCE_RATE_HZ: [44_100],
    example_keys.SOURCE_CHANNELS: [2],
    example_keys.DURATION_SECONDS: [29.98],
}

_ARROW_TYPE = {int: pa.int64(), float: pa.float32(), bytes: pa.binary()}


def validate(folder: Path, examples: list[dict[str, list[object]]]) -> list[str]:
    """Run the executor on the statistics of Examples called train, and return its files."""
    statistics = standard_artifacts.ExampleStatistics()
    statistics.uri, statistics.split_names = str(folder / "statistics"), json.dumps(["train"])
    columns = [
        pa.array([example[name] for example in examples], type=pa.list_(_ARROW_TYPE[type(value)]))
        for name, (value,) in GOOD.items()
    ]
    table = pa.RecordBatch.from_arrays(columns, list(GOOD))
    split = folder / "statistics" / "Split-train"
    split.mkdir(parents=True)
    options = tfdv.StatsOptions(feature_allowlist=list(example_keys.METADATA))
    proto = stats_impl.generate_statistics_in_memory(table, options)
    (split / "FeatureStats.pb").write_bytes(proto.SerializeToString())
    schema = standard_artifacts.Schema()
    schema.uri = str(folder / "schema")
    (folder / "schema").mkdir()
    (folder / "schema" / "schema.pbtxt").write_bytes(SCHEMA_PATH.read_bytes())
    anomalies = standard_artifacts.ExampleAnomalies()
    anomalies.uri = str(folder / "anomalies")
    Executor().Do(
        {
            standard_component_specs.STATISTICS_KEY: [statistics],
            standard_component_specs.SCHEMA_KEY: [schema],
        },
        {standard_component_specs.ANOMALIES_KEY: [anomalies]},
        {standard_component_specs.EXCLUDE_SPLITS_KEY: "[]"},
    )
    return sorted(str(p.relative_to(folder)) for p in Path(anomalies.uri).rglob("*.pb"))


def test_good_examples_pass_though_there_are_no_statistics_of_the_audio(tmp_path: Path) -> None:
    assert validate(tmp_path, [GOOD, GOOD]) == ["anomalies/Split-train/SchemaDiff.pb"]


@pytest.mark.parametrize(
    ("feature", "value"),
    [
        (example_keys.DURATION_SECONDS, [-0.5]),
        (example_keys.SOURCE_RATE_HZ, [999]),
        (example_keys.SOURCE_RATE_HZ, [768_001]),
        (example_keys.SOURCE_CHANNELS, [0]),
        (example_keys.SOURCE_CHANNELS, [65]),
        (example_keys.TRACK_ID, [-1]),
        (example_keys.GENRE, None),
        (example_keys.ARTIST_ID, None),
        (example_keys.LICENSE, [b"CC0", b"CC BY"]),
    ],
)
def test_one_bad_example_stops_the_run_and_its_feature_is_named(
    tmp_path: Path, feature: str, value: list[object] | None
) -> None:
    bad = {**GOOD, feature: value}
    with pytest.raises(InputError) as caught:
        validate(tmp_path, [GOOD, bad])  # type: ignore[list-item]
    message = str(caught.value)
    assert message.startswith(f"the Examples do not fit the schema: train: {feature}: ")
    others = set(example_keys.METADATA) - {feature}
    assert not any(f"train: {other}:" in message for other in others)


def test_every_bad_feature_is_named(tmp_path: Path) -> None:
    bad = {**GOOD, example_keys.DURATION_SECONDS: [-1.0], example_keys.SOURCE_CHANNELS: [0]}
    with pytest.raises(InputError, match=r"train: duration_seconds: .*; train: source_channels: "):
        validate(tmp_path, [bad])
