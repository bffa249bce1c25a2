"""Looking at a project before a job is submitted to it: each finding with what mends it."""

from __future__ import annotations

from pipeline.run_config import PipelineConfig
from pipeline.vertex import accelerators, faults, image, project, quotas, roots
from pipeline.vertex.cloud import Cloud
from pipeline.vertex.problems import Problem, unless_out_of_reach
from pipeline.vertex.settings import VertexConfig


def check(
    vertex: VertexConfig, config: PipelineConfig, *, cloud: Cloud | None = None
) -> list[Problem]:
    """Returns what stands in the way of a job, errors and the rest in the order of the checks.

    Raises:
        InputError: without credentials, for then nothing can be looked at.
    """
    cloud = cloud or Cloud(vertex.project, vertex.region)
    with faults.explained(vertex):
        return [
            *accelerators.check(vertex),
            *unless_out_of_reach("which APIs are on", lambda: project.apis(vertex, cloud)),
            *roots.check(vertex, config, cloud),
            *image.check(vertex, cloud),
            *unless_out_of_reach(
                f"service account {vertex.service_account}",
                lambda: project.service_account(vertex, cloud),
            ),
            *unless_out_of_reach(
                "quota of accelerators",
                lambda: quotas.accelerators(vertex, config.models, cloud),
            ),
            *quotas.cpus(vertex, config.models, cloud),
            *unless_out_of_reach(
                "quota of Dataflow's CPUs", lambda: quotas.dataflow_cpus(vertex, cloud)
            ),
            *unless_out_of_reach(
                "network of Dataflow's workers",
                lambda: project.network(vertex, config.beam_args, cloud),
            ),
        ]
