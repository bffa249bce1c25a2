"""What Google Cloud would refuse is refused before anything is sent to it."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from pipeline.vertex.machines import is_tpu, tpu_topology
from pipeline.vertex.settings import (
    DataflowConfig,
    EndpointConfig,
    Machine,
    TaskConfig,
    VertexConfig,
)

NEEDED = {"project": "my-project", "region": "us-central1", "image": "gcr.io/my-project/genre:1"}


@pytest.mark.parametrize(
    ("machine", "accelerator", "count"),
    [
        ("n1-standard-8", "", 0),
        ("e2-standard-4", "", 0),
        ("n1-standard-8", "NVIDIA_TESLA_T4", 1),
        ("n1-highmem-16", "NVIDIA_TESLA_V100", 8),
        ("g2-standard-24", "NVIDIA_L4", 2),
        ("a2-highgpu-2g", "NVIDIA_TESLA_A100", 2),
        ("a2-ultragpu-1g", "NVIDIA_A100_80GB", 1),
        ("cloud-tpu", "TPU_V2", 8),
        ("cloud-tpu", "TPU_V3", 8),
        ("ct5lp-hightpu-4t", "", 0),
        ("z9-newer-4", "", 0),  # left to the API
    ],
)
def test_machines_that_fit_their_accelerators(machine: str, accelerator: str, count: int) -> None:
    assert Machine(machine, accelerator, count).machine_type == machine


@pytest.mark.parametrize(
    ("machine", "accelerator", "count", "message"),
    [
        ("big", "", 0, "machine_type must be one of Compute Engine's, such as n1-standard-8"),
        ("n1-standard-8", "T4", 1, "accelerator_type must be one of NVIDIA_A100_80GB, "),
        ("n1-standard-8", "NVIDIA_TESLA_T4", 0, "accelerator_count must be 1 or more, got 0"),
        ("n1-standard-8", "", 2, "accelerator_count must be 0, got 2"),
        ("n1-standard-8", "NVIDIA_TESLA_T4", 3, "of NVIDIA_TESLA_T4 must be in (1, 2, 4), got 3"),
        ("e2-standard-4", "NVIDIA_TESLA_T4", 1, "needs a machine type n1-*, got e2-standard-4"),
        ("n1-standard-8", "NVIDIA_L4", 1, "NVIDIA_L4 needs a machine type g2-standard-*, got n1-"),
        ("g2-standard-24", "NVIDIA_L4", 1, "accelerator_count of g2-standard-24 must be 2, got 1"),
        ("a2-highgpu-2g", "NVIDIA_L4", 2, "needs accelerator_type NVIDIA_TESLA_A100, got"),
        ("a2-highgpu-2g", "", 0, "a2-highgpu-2g needs accelerator_type NVIDIA_TESLA_A100, got ''"),
        ("n1-standard-8", "TPU_V3", 8, "TPU_V3 needs the machine type cloud-tpu, got n1-"),
        ("cloud-tpu", "", 0, "cloud-tpu needs accelerator_type TPU_V2 or TPU_V3, got ''"),
        ("cloud-tpu", "TPU_V2", 1, "must be 8, the cores of one host, got 1"),
        ("ct5lp-hightpu-4t", "TPU_V3", 8, "has its TPU v5e built in: leave accelerator_type out"),
        ("ct5lp-hightpu-2t", "", 0, "machine_type must be one of ct5lp-hightpu-1t, ct5lp-"),
    ],
)
def test_machines_that_do_not(machine: str, accelerator: str, count: int, message: str) -> None:
    with pytest.raises(ValueError) as error:
        Machine(machine, accelerator, count)
    assert message in str(error.value)


def test_a_v5e_host_says_its_topology() -> None:
    hosts = ("ct5lp-hightpu-1t", "ct5lp-hightpu-4t", "ct5lp-hightpu-8t", "cloud-tpu")
    assert [tpu_topology(host) for host in hosts] == ["1x1", "2x2", "2x4", ""]
    assert all(map(is_tpu, hosts))
    assert not is_tpu("n1-standard-8")


@pytest.mark.parametrize(
    "values",
    [
        {"project": "example.com:my-project"},
        {"image": "us-central1-docker.pkg.dev/my-project/music-genre/pipeline:latest"},
        {"image": f"gcr.io/my-project/genre@sha256:{'0' * 64}"},
        {"image": "localhost:5000/genre"},
        {"service_account": "genre@my-project.iam.gserviceaccount.com"},
        {"service_account": "123-compute@developer.gserviceaccount.com"},
        {"encryption_key": "projects/p/locations/us-central1/keyRings/k/cryptoKeys/n"},
        {"network": "projects/123/global/networks/default"},
        {"labels": (("team", "music"), ("empty", ""))},
        {"schedule": "0 3 * * 1"},
        {"schedule": "TZ=Europe/Berlin */15 0-6,20 1 JAN MON"},
        {"dataflow": DataflowConfig(subnetwork="regions/us-central1/subnetworks/s")},
    ],
)
def test_values_that_are_taken(values: dict[str, Any]) -> None:
    config = VertexConfig(**{**NEEDED, **values})
    assert {name: getattr(config, name) for name in values} == values


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"project": "My Project"}, "project must be a project id, such as my-project-123, got"),
        ({"project": "ab"}, "project must be a project id"),
        ({"region": "us-central1-a"}, "region must be a region, such as us-central1, got"),
        ({"region": "europe"}, "region must be a region"),
        ({"image": ""}, "image must be an image, such as us-central1-docker.pkg.dev/PROJECT/"),
        ({"image": "genre"}, "image must be an image"),
        ({"image": "gcr.io/my project/genre"}, "image must be an image"),
        (
            {"network_image": "x"},
            "must be HOST/PROJECT/REPOSITORY/NAME:TAG, or empty for --image's",
        ),
        ({"service_account": "me@gmail.com"}, "must be NAME@PROJECT.iam.gserviceaccount.com, got"),
        ({"encryption_key": "my-key"}, "must be projects/P/locations/R/keyRings/K/cryptoKeys/N"),
        (
            {"encryption_key": "projects/p/locations/europe-west4/keyRings/k/cryptoKeys/n"},
            "encryption_key must be of the region us-central1, got",
        ),
        ({"network": "default"}, "network must be projects/PROJECT-NUMBER/global/networks/NAME"),
        (
            {"network": "projects/my-project/global/networks/default"},
            "network must be projects/PROJECT-NUMBER/global/networks/NAME",
        ),
        ({"labels": (("Team", "music"),)}, "the key of a label must be of a-z, 0-9, _ and -"),
        ({"labels": (("1st", "music"),)}, "begin with a letter"),
        ({"labels": (("team", "Rock"),)}, "the value of label team must be of a-z, 0-9, _ and -"),
        ({"labels": (("team", "x" * 64),)}, "at most 63 characters, got"),
        ({"labels": (("team", "a"), ("team", "b"))}, "labels must not repeat a key"),
        ({"beam_runner": "FlinkRunner"}, "beam_runner must be one of ('DataflowRunner', "),
        ({"schedule": "every day"}, "schedule must be a cron expression of five fields"),
        ({"schedule": "0 3 * *"}, "schedule must be a cron expression of five fields"),
        ({"failure_policy": "never"}, "failure_policy must be one of ('slow', 'fast'), got"),
        (
            {"dataflow": DataflowConfig(subnetwork="regions/us-east1/subnetworks/s")},
            "dataflow_subnetwork must be of the region us-central1, got",
        ),
    ],
)
def test_values_that_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as error:
        VertexConfig(**{**NEEDED, **values})
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("part", "values", "message"),
    [
        (DataflowConfig(), {"max_workers": 0}, "dataflow_max_workers must be from 1 to 4000, got"),
        (DataflowConfig(), {"disk_gb": 5}, "dataflow_disk_gb must be at least 30, got 5"),
        (DataflowConfig(), {"machine_type": "n1"}, "dataflow_machine_type must be one of"),
        (DataflowConfig(), {"subnetwork": "default"}, "must be regions/REGION/subnetworks/NAME"),
        (TaskConfig(), {"cpus": 0}, "task_cpus must be from 1 to 96, got 0"),
        (TaskConfig(), {"memory_gb": 1000}, "task_memory_gb must be from 1 to 624, got 1000"),
        (EndpointConfig(), {"min_replicas": 0}, "min_replicas must be at least 1, got 0"),
        (EndpointConfig(), {"min_replicas": 2}, "max_replicas must be at least min_replicas = 2"),
        (EndpointConfig(), {"traffic_percent": 101}, "traffic_percent must be from 0 to 100"),
        (EndpointConfig(), {"display_name": ""}, "endpoint_name must be of a-z, 0-9 and -, begin"),
        (EndpointConfig(), {"display_name": 'my "genres"'}, "endpoint_name must be of a-z"),
        (EndpointConfig(), {"display_name": "g" * 64}, "have at most 63 characters, got"),
    ],
)
def test_parts_that_are_refused(part: Any, values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as error:
        dataclasses.replace(part, **values)
    assert message in str(error.value)
