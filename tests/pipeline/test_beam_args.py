"""Beam's flags: which runner mode, why, and how large a batch may be."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest
from absl import flags
from absl.testing import flagsaver
from apache_beam.options.pipeline_options import (
    DirectOptions,
    PipelineOptions,
    PortableOptions,
)
from tfx_bsl.coders import batch_util

from pipeline.beam_args import BeamConfig, bound_batches, on_vertex
from pipeline.vertex.settings import DataflowConfig, TaskConfig, VertexConfig

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("n_clips", "workers", "mode", "n_workers", "why"),
    [
        (1_999, None, "in_memory", 1, "fewer than 2000"),
        (2_000, None, "multi_processing", 6, "not fewer than 2000"),
        (5_000, 1, "in_memory", 1, "as asked for"),
        (10, 3, "multi_processing", 3, "as asked for"),
    ],
)
def test_the_mode_and_its_reason(
    monkeypatch: pytest.MonkeyPatch,
    n_clips: int, workers: int | None, mode: str, n_workers: int, why: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    args, reason = BeamConfig(workers=workers).flags(n_clips)
    options = PipelineOptions(list(args)).view_as(DirectOptions)
    assert (options.direct_running_mode, options.direct_num_workers) == (mode, n_workers)
    assert why in reason


def test_worker_processes_know_the_options_of_their_pipeline() -> None:
    # A script: what it defines is pickled with the pipeline, for a worker cannot import a test.
    script = """
import logging, sys
import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing.util import assert_that, equal_to

def options_of_the_worker(_):
    from apache_beam.io.filesystems import FileSystems
    return FileSystems._pipeline_options.get_all_options()["job_name"]

logging.basicConfig(level=logging.INFO)
options = PipelineOptions([*sys.argv[1:], "--job_name=named"])
with beam.Pipeline(options=options) as pipeline:
    assert_that(
        pipeline | beam.Create([0]) | beam.Map(options_of_the_worker), equal_to(["named"])
    )
"""
    args, _ = BeamConfig(workers=2).flags(10)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, *args],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2_000:]
    # The runner that Beam's own DirectRunner would download.
    assert "prism" not in done.stderr.lower()


@flagsaver.flagsaver()
def test_batches_are_cut_by_bytes() -> None:
    # An earlier test may have set it.
    flags.FLAGS.set_default("tfxio_use_byte_size_batching", False)
    assert batch_util.GetBatchElementsKwargs(None)["max_batch_size"] == 1_000
    bound_batches()
    kwargs = batch_util.GetBatchElementsKwargs(None, len)
    assert kwargs.pop("element_size_fn")(bytes(1_300_000)) == 1_300_000
    assert kwargs == {"min_batch_size": 20 * 2**20, "max_batch_size": 20 * 2**20}


@pytest.mark.parametrize(
    ("endpoint", "pool", "environment"),
    [
        ("flink:8099", "", ("LOOPBACK", None)),
        ("flink:8099", "workers:50000", ("EXTERNAL", "workers:50000")),
        ("", "", ("LOOPBACK", None)),
    ],
)
def test_a_portable_runner_is_told_its_job_service_and_its_workers(
    endpoint: str, pool: str, environment: tuple[str, str | None]
) -> None:
    args, _ = BeamConfig("FlinkRunner", 4, endpoint, pool).flags(10)
    options = PipelineOptions(list(args)).view_as(PortableOptions)
    assert options.job_endpoint == (endpoint or None)
    assert (options.environment_type, options.environment_config) == environment
    assert "--parallelism=4" in args


VERTEX = VertexConfig(
    "my-project",
    "us-central1",
    "gcr.io/my-project/genre:1",
    service_account="genre@my-project.iam.gserviceaccount.com",
    encryption_key="projects/p/locations/us-central1/keyRings/k/cryptoKeys/n",
    labels=(("team", "music"), ("stage", "test")),
    dataflow=DataflowConfig(
        machine_type="n1-highmem-4",
        max_workers=7,
        disk_gb=60,
        subnetwork="regions/us-central1/subnetworks/s",
        public_ips=False,
    ),
)


def test_dataflow_is_told_all_that_is_configured_and_beam_knows_every_flag() -> None:
    args = on_vertex(VERTEX, "gs://bucket/scratch")
    assert args[-1] == "--tfxio_use_byte_size_batching"  # TFX's
    assert PipelineOptions(list(args[:-1])).get_all_options(drop_default=True) == {
        "runner": "DataflowRunner",
        "project": "my-project",
        "region": "us-central1",
        "temp_location": "gs://bucket/scratch/temp",
        "staging_location": "gs://bucket/scratch/staging",
        "machine_type": "n1-highmem-4",
        "autoscaling_algorithm": "THROUGHPUT_BASED",
        "max_num_workers": 7,
        "disk_size_gb": 60,
        "experiments": ["use_runner_v2"],
        "sdk_container_image": "gcr.io/my-project/genre:1",
        "sdk_location": "container",
        "service_account_email": "genre@my-project.iam.gserviceaccount.com",
        "dataflow_kms_key": "projects/p/locations/us-central1/keyRings/k/cryptoKeys/n",
        "subnetwork": "regions/us-central1/subnetworks/s",
        "use_public_ips": False,
        "labels": ["team=music", "stage=test"],
    }
    assert len(args) == 19  # Beam leaves out what it does not know


@pytest.mark.parametrize(("cpus", "mode"), [(1, "in_memory"), (4, "multi_processing")])
def test_without_dataflow_a_container_uses_its_own_processors(cpus: int, mode: str) -> None:
    here = dataclasses.replace(VERTEX, beam_runner="DirectRunner", task=TaskConfig(cpus=cpus))
    args = on_vertex(here, "gs://bucket/scratch")
    options = PipelineOptions(list(args[:-1])).view_as(DirectOptions)
    assert (options.direct_running_mode, options.direct_num_workers) == (mode, cpus)
