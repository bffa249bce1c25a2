"""Executor of FmaExampleGen: one Beam pipeline that decodes, decides and copies.

Pass one stages every clip, then one worker decides the splits, and pass two copies each clip into
its own. The executor comes to the same conclusion by the same functions, for list and summary.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from typing import Any

import apache_beam as beam
from google.protobuf import wrappers_pb2
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.dsl.io import fileio
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import proto_utils

from components import files
from components.fma_example_gen.archive.plan import plan_ingest
from components.fma_example_gen.conclusion import check_faults, conclude, foresee
from components.fma_example_gen.copy_plan import Copy
from components.fma_example_gen.copying import CopyClips
from components.fma_example_gen.faults import BAD_FILES_NAME, SUMMARY_NAME, Fault, to_csv
from components.fma_example_gen.judging import Outcome, decoding_config, judge
from components.fma_example_gen.staging import Stage, batches
from pipeline import progress
from pipeline.config import SPLITS, AudioConfig, DataConfig, from_json
from pipeline.errors import InputError


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
            InputError: where too many files are bad, the splits leak, or what is left cannot train
                a classifier.
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

        catalogue = plan_ingest(data)
        foresee(catalogue, data)
        progress.start(len(catalogue.tracks))
        outcomes = self._write_splits(data, audio, split_uris, files.join(examples.uri, "staging"))

        # TFX removes a failed component's outputs, and the list is what the user needs then.
        list_paths = (files.join(examples.uri, BAD_FILES_NAME), custom["bad_files_path"])
        judged = judge(catalogue, outcomes, data, audio)
        _write_list(judged.faults, list_paths)
        check_faults(judged.faults, len(judged.clips), data, custom["bad_files_path"])
        conclusion = conclude(catalogue, judged, _batches(outcomes), data)
        _write_list(conclusion.faults, list_paths)
        check_faults(conclusion.faults, len(judged.clips), data, custom["bad_files_path"])
        files.write_text(
            files.join(examples.uri, SUMMARY_NAME), json.dumps(conclusion.summary, indent=2)
        )
        examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)

    def _write_splits(
        self, data: DataConfig, audio: AudioConfig, split_uris: dict[str, str], staging: str
    ) -> list[Outcome]:
        """Runs the Beam pipeline and returns one outcome a track, in no particular order.

        Where the clips have no honest splits, nothing is written; `conclude` says why.
        """
        for folder in (*split_uris.values(), staging):
            if fileio.exists(folder):  # of an attempt that was killed
                fileio.rmtree(folder)
            fileio.makedirs(folder)
        with self._make_beam_pipeline() as pipeline:
            _ = (
                pipeline
                | "Configuration" >> beam.Create([data])
                # The workers read the metadata themselves: a large archive's rows do not fit in
                # the job description that goes to a remote runner.
                | "PlanBatches" >> beam.FlatMap(batches)
                | "SpreadBatches" >> beam.Reshuffle()
                | "Stage" >> beam.ParDo(Stage(staging, decoding_config(audio, data)))
                | "Collect" >> beam.combiners.ToList()
                | "Decide" >> beam.FlatMap(_decide, data, audio, files.join(staging, "outcomes"))
                | "SpreadCopies" >> beam.Reshuffle()
                | "Copy" >> beam.ParDo(CopyClips(staging, split_uris))
            )
        outcomes = json.loads(files.read_text(files.join(staging, "outcomes")))
        fileio.rmtree(staging)
        return [Outcome(**outcome) for outcome in outcomes]


def _decide(outcomes: list[Outcome], data: DataConfig, audio: AudioConfig, path: str) -> list[Copy]:
    """Writes the outcomes down for the executor, and returns what becomes of the staged files."""
    files.write_text(path, json.dumps([dataclasses.asdict(outcome) for outcome in outcomes]))
    catalogue = plan_ingest(data)
    try:
        judged = judge(catalogue, outcomes, data, audio)
        check_faults(judged.faults, len(judged.clips), data)
        return conclude(catalogue, judged, _batches(outcomes), data).copies
    except InputError:
        return []  # the executor comes to the same conclusion and raises it


def _batches(outcomes: list[Outcome]) -> dict[int, int]:
    return {outcome.track_id: outcome.batch for outcome in outcomes}


def _write_list(faults: list[Fault], paths: Iterable[str]) -> None:
    for path in paths:
        files.write_text(path, to_csv(faults))


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
