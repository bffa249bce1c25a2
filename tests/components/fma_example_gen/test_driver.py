"""A pipeline that was compiled once sees, whenever it runs, what has changed in the archive."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from tfx.proto import example_gen_pb2
from tfx.utils import proto_utils

from common.config import from_json
from components.fma_example_gen import driver
from components.fma_example_gen.component import NOTHING
from components.fma_example_gen.executor import pack_custom_config, unpack_custom_config
from dataset.config import AudioConfig, DataConfig
from dataset.digests import with_digests
from tests.conftest import Archive

INPUT = example_gen_pb2.Input(splits=[example_gen_pb2.Input.Split(name="audio", pattern=NOTHING)])
EXAMPLES = {"instanceSchema": "title: tfx.Examples\ntype: object\n"}


@pytest.fixture
def data(archive: Archive, noise_wav: bytes) -> DataConfig:
    return archive({2: {}}, {"000/000002.wav": noise_wav})


def drive(data: DataConfig, folder: Path) -> dict[str, Any]:
    """Return what the driver writes for an archive as it is now.

    It is given what the entry point is given: the flags of Beam, too.
    """
    custom = {"data": dataclasses.asdict(data), "audio": dataclasses.asdict(AudioConfig())}
    parameters = {
        "input_base": data.audio_dir,
        "input_config": proto_utils.proto_to_json(INPUT),
        "custom_config": proto_utils.proto_to_json(pack_custom_config(custom)),
    }
    output = folder / "task" / "executor_output.json"
    examples = {"name": "artifacts/1", "type": EXAMPLES, "uri": str(folder / "examples")}
    given = {
        "inputs": {"parameterValues": parameters},
        "outputs": {
            "artifacts": {"examples": {"artifacts": [examples]}},
            "outputFile": str(output),
        },
    }
    types = {key: {"parameterType": "STRING"} for key in parameters}
    flags = [
        "driver.py",
        "--json_serialized_invocation_args", json.dumps(given),
        "--json_serialized_inputs_spec_args", json.dumps({"parameters": types}),
        "--runner=DataflowRunner", "--region=us-central1",
    ]  # fmt: skip
    driver.main(driver.parse(flags))
    return dict(json.loads(output.read_text())["parameterValues"])


def test_the_executor_is_given_the_digests(data: DataConfig, tmp_path: Path) -> None:
    written = drive(data, tmp_path)
    custom = unpack_custom_config(written)
    assert from_json(DataConfig, custom["data"]) == with_digests(data)
    assert from_json(AudioConfig, custom["audio"]) == AudioConfig()
    # TFX itself looks at nothing.
    assert written["input_fingerprint"].startswith("split:audio,num_files:0,")


def test_only_a_changed_archive_changes_what_the_cache_compares(
    data: DataConfig, tmp_path: Path
) -> None:
    before = drive(data, tmp_path)
    assert drive(data, tmp_path) == before
    table = Path(data.metadata_dir, "tracks.csv")
    table.write_bytes(table.read_bytes().replace(b"Rock", b"Jazz"))
    after = drive(data, tmp_path)
    assert after["input_fingerprint"] == before["input_fingerprint"]
    assert after["custom_config"] != before["custom_config"]
