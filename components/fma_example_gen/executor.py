"""Executor of FmaExampleGen: one Beam pipeline that decodes, decides and copies.

The executor plans what is to be read. Pass one stages every clip, then one worker comes to a
conclusion, and pass two copies each clip into its split. The executor publishes the conclusion:
list and summary, or the error.
"""

from __future__ import annotations

import json
from typing import Any

import apache_beam as beam
from google.protobuf import wrappers_pb2
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.dsl.io import fileio
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import proto_utils

from common import files, progress
from common.config import from_json
from common.errors import InputError
from components.fma_example_gen.copying import CopyClips
from components.fma_example_gen.staging import Stage, batches
from components.fma_example_gen.staging_files import (
    read_catalogue,
    read_conclusion,
    write_catalogue,
    write_conclusion,
)
from dataset.bad_files import BAD_FILES_NAME, SUMMARY_NAME, to_csv
from dataset.catalogue.listing import list_audio
from dataset.catalogue.plan import plan_ingest
from dataset.config import SPLITS, AudioConfig, DataConfig
from dataset.copy_plan import Copy
from dataset.digests import require_unchanged
from dataset.finalize import Conclusion, conclude, preview
from dataset.track import Catalogue
from dataset.validation import Outcome, decoding_config


class Executor(base_beam_executor.BaseBeamExecutor):
    """Writes the splits, the bad-file list and a summary into the Examples artifact."""

    def Do(  # noqa: N802 - TFX's name
        self,
        input_dict: dict[str, list[Any]],
        output_dict: dict[str, list[Any]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Runs the ingestion.

        Raises:
            InputError: where the archive has changed since the run began, too many files are bad,
                the splits leak, or what is left cannot train a classifier.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        custom = unpack_custom_config(exec_properties)
        data = from_json(DataConfig, custom["data"])
        audio = from_json(AudioConfig, custom["audio"])
        examples = artifact_utils.get_single_instance(
            output_dict[standard_component_specs.EXAMPLES_KEY]
        )
        examples.split_names = artifact_utils.encode_split_names(list(SPLITS))
        split_uris = {split: artifact_utils.get_split_uri([examples], split) for split in SPLITS}

        listing = list_audio(data)
        require_unchanged(data, listing)
        catalogue = plan_ingest(data, listing)
        preview(catalogue, data)
        progress.start(len(catalogue.tracks))
        staging = files.join(examples.uri, "staging")
        conclusion = self._write_splits(
            catalogue, data, audio, split_uris, staging, custom["bad_files_path"]
        )
        # TFX removes a failed component's outputs, and the list is what the user needs then.
        for path in (files.join(examples.uri, BAD_FILES_NAME), custom["bad_files_path"]):
            files.write_text(path, to_csv(conclusion.faults))
        if conclusion.refusal:
            raise InputError(conclusion.refusal)
        files.write_text(
            files.join(examples.uri, SUMMARY_NAME), json.dumps(conclusion.summary, indent=2)
        )
        examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)

    def _write_splits(
        self,
        catalogue: Catalogue,
        data: DataConfig,
        audio: AudioConfig,
        split_uris: dict[str, str],
        staging: str,
        list_path: str,
    ) -> Conclusion:
        """Runs the Beam pipeline and returns what it came to."""
        for folder in (*split_uris.values(), staging):
            if fileio.exists(folder):  # of an attempt that was killed
                fileio.rmtree(folder)
            fileio.makedirs(folder)
        write_catalogue(staging, catalogue)
        with self._make_beam_pipeline() as pipeline:
            _ = (
                pipeline
                | "StagingFolder" >> beam.Create([staging])
                | "PlanBatches" >> beam.FlatMap(batches)
                | "SpreadBatches" >> beam.Reshuffle()
                | "Stage" >> beam.ParDo(Stage(staging, decoding_config(audio, data)))
                | "Collect" >> beam.combiners.ToList()
                | "Decide" >> beam.FlatMap(_decide, staging, data, audio, list_path)
                | "SpreadCopies" >> beam.Reshuffle()
                | "Copy" >> beam.ParDo(CopyClips(staging, split_uris))
            )
        conclusion = read_conclusion(staging)
        fileio.rmtree(staging)
        return conclusion


def _decide(
    outcomes: list[Outcome], staging: str, data: DataConfig, audio: AudioConfig, list_path: str
) -> list[Copy]:
    """Writes the conclusion for the executor, and returns what becomes of the staged files."""
    catalogue = read_catalogue(staging)
    conclusion, copies = conclude(catalogue, outcomes, data, audio, list_path)
    write_conclusion(staging, conclusion)
    return copies


def pack_custom_config(values: dict[str, Any]) -> example_gen_pb2.CustomConfig:
    """Returns JSON-able values as the message that ExampleGen takes."""
    config = example_gen_pb2.CustomConfig()
    text = json.dumps(values, sort_keys=True)
    config.custom_config.Pack(wrappers_pb2.StringValue(value=text))
    return config


def unpack_custom_config(exec_properties: dict[str, Any]) -> dict[str, Any]:
    """Returns the values that `pack_custom_config` packed, from the execution properties."""
    config = example_gen_pb2.CustomConfig()
    text = exec_properties[standard_component_specs.CUSTOM_CONFIG_KEY]
    proto_utils.json_to_proto(text, config)
    value = wrappers_pb2.StringValue()
    config.custom_config.Unpack(value)
    return dict(json.loads(value.value))
