"""What Vertex AI runs before it looks for FmaExampleGen in its cache.

TFX's driver fingerprints the audio by sums of sizes and times. This one adds the digests that
`local_runner.py` fills in before a run, so that a changed archive is read again by a pipeline, too,
that was compiled long ago: a schedule runs one spec for ever.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from typing import Any

from absl import app
from absl.flags import argparse_flags
from tfx.orchestration.kubeflow.v2.file_based_example_gen import driver
from tfx.types import standard_component_specs
from tfx.utils import proto_utils

from common import files
from common.config import from_json
from components.fma_example_gen.executor import pack_custom_config, unpack_custom_config
from dataset.config import DataConfig
from dataset.digests import with_digests

_PARAMETERS = "parameterValues"


def main(args: argparse.Namespace) -> None:
    """Runs TFX's driver, then overwrites the component's configuration by one with digests."""
    driver.main(args)
    given = json.loads(args.json_serialized_invocation_args)
    path = given["outputs"]["outputFile"]
    written = json.loads(files.read_text(path))
    written[_PARAMETERS].update(_digested(given["inputs"][_PARAMETERS]))
    files.write_text(path, json.dumps(written, indent=1))


def _digested(exec_properties: dict[str, Any]) -> dict[str, str]:
    custom = unpack_custom_config(exec_properties)
    data = with_digests(from_json(DataConfig, custom["data"]))
    packed = pack_custom_config({**custom, "data": dataclasses.asdict(data)})
    return {standard_component_specs.CUSTOM_CONFIG_KEY: proto_utils.proto_to_json(packed)}


def parse(argv: list[str]) -> argparse.Namespace:
    """Returns TFX's own two flags; those of Beam, which come along, are not needed."""
    parser = argparse_flags.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--json_serialized_invocation_args", required=True)
    parser.add_argument("--json_serialized_inputs_spec_args")
    return parser.parse_known_args(argv)[0]


if __name__ == "__main__":
    app.run(main, flags_parser=parse)
