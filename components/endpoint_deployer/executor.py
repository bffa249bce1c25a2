"""Executor of EndpointDeployer."""

from __future__ import annotations

import json
from typing import Any

from absl import logging
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from common import files
from common.config import from_json
from components.endpoint_deployer import deployment
from components.endpoint_deployer.target import Target

PUSHED_MODEL = "pushed_model"
TARGET = "target"
DEPLOYMENT = "deployment"
# A file of the Deployment artifact: `deployed`, and either how or `reason`.
DEPLOYMENT_NAME = "deployment.json"
DEPLOYED = "deployed"


class Executor(base_executor.BaseExecutor):
    """Deploys the pushed model and records the deployment."""

    def Do(  # noqa: N802 - TFX's name
        self,
        input_dict: dict[str, list[Any]],
        output_dict: dict[str, list[Any]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Deploys the pushed model; without one, sends no request."""
        self._log_startup(input_dict, output_dict, exec_properties)
        pushed = artifact_utils.get_single_instance(input_dict[PUSHED_MODEL])
        record = artifact_utils.get_single_instance(output_dict[DEPLOYMENT])
        outcome = _outcome(pushed, from_json(Target, exec_properties[TARGET]))
        logging.info("Deployment: %s", outcome)
        record.set_int_custom_property(DEPLOYED, int(outcome[DEPLOYED]))
        text = json.dumps(outcome, indent=2, sort_keys=True)
        files.write_text(files.join(record.uri, DEPLOYMENT_NAME), text)


def _outcome(pushed: Any, target: Target) -> dict[str, Any]:
    # Vertex AI hands numbers on as floats.
    if not pushed.get_custom_property("pushed"):
        return {DEPLOYED: False, "reason": "no model was pushed"}
    source = pushed.get_string_custom_property("pushed_destination")
    version = pushed.get_string_custom_property("pushed_version")
    done = deployment.deploy(deployment.connect(target.region), target, source, version)
    return {DEPLOYED: True, **done}
