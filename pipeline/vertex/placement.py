"""On which machines the tasks of a compiled pipeline run, as the compiled file has it."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

DATAFLOW, CUSTOM_JOB, CONTAINER = "Dataflow", "custom job", "container"
# Beam's flags are in every container's command; these are the components that read them.
_BEAM = ("FmaExampleGen", "StatisticsGen", "Transform", "CandidateRanker", "Evaluator")
_TRAINING_ARGS = "ai_platform_training_args"
# GiB of memory a CPU, by the family and kind of a machine.
_GIB_A_CPU = {
    "n1-standard": 3.75,
    "n1-highmem": 6.5,
    "n1-highcpu": 0.9,
    "n2-highmem": 8.0,
    "n2-highcpu": 1.0,
    "e2-highmem": 8.0,
    "e2-highcpu": 1.0,
}
_GIB_OF_OTHERS = 4.0


@dataclasses.dataclass(frozen=True)
class Place:
    """The machines of one task: `workers` at most, alike."""

    kind: str
    machine: str
    cpus: int
    accelerator: str = ""
    accelerators: int = 0
    workers: int = 1
    disk_gb: int = 0

    @property
    def gib_a_cpu(self) -> float:
        """Memory of the machine by CPU."""
        return _GIB_A_CPU.get(self.machine.rpartition("-")[0], _GIB_OF_OTHERS)

    @property
    def label(self) -> str:
        """The machines as a table shows them."""
        many = f"≤{self.workers} × " if self.workers > 1 else ""
        extra = f" + {self.accelerators} {self.accelerator}" if self.accelerators else ""
        return f"{many}{self.machine}{extra}"


WAITING = Place(CONTAINER, "e2-standard-4", 4)


@dataclasses.dataclass(frozen=True)
class Task:
    """A task that costs something.

    Attributes:
        name: in the pipeline.
        place: its machines.
        model: that it trains or tunes; empty for none.
        epochs: that were asked for; None for the model's own.
        trainings: how often it trains: a tuner's trials.
    """

    name: str
    place: Place
    model: str = ""
    epochs: int | None = None
    trainings: int = 1

    @property
    def component(self) -> str:
        """The component's name, without what tells instances apart."""
        return self.name.partition("-")[0].partition(".")[0]


def tasks(spec: Mapping[str, Any]) -> list[Task]:
    """Returns the tasks that run in containers, in the order in which they may start."""
    pipeline = spec.get("pipelineSpec", spec)
    executors = pipeline["deploymentSpec"]["executors"]
    found = []
    for name, task in _in_order(pipeline["root"]["dag"]["tasks"]):
        component = pipeline["components"][task["componentRef"]["name"]]
        container = executors[component["executorLabel"]].get("container")
        if container:
            found.append(_task(name, task, container))
    return found


def _in_order(all_tasks: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Returns tasks by how many steps they are from the start, then by name."""
    depths: dict[str, int] = {}

    def depth(name: str) -> int:
        if name not in depths:
            before = all_tasks[name].get("dependentTasks", ())
            depths[name] = 1 + max((depth(other) for other in before), default=-1)
        return depths[name]

    return sorted(all_tasks.items(), key=lambda item: (depth(item[0]), item[0]))


def _task(name: str, task: Mapping[str, Any], container: Mapping[str, Any]) -> Task:
    config = _custom_config(task)
    if _TRAINING_ARGS in config:
        job = config[_TRAINING_ARGS]
        pools = job.get("job_spec", job)["worker_pool_specs"]
        return Task(
            name,
            _custom_job(pools[0]["machine_spec"]),
            model=config.get("model", ""),
            epochs=config.get("epochs") or config.get("train", {}).get("epochs"),
            trainings=config.get("trials", 1),
        )
    flags = _flags(container.get("args", ()))
    if name in _BEAM and flags.get("runner") == "DataflowRunner":
        return Task(name, _dataflow(flags))
    cpus = int(container.get("resources", {}).get("cpuLimit", WAITING.cpus))
    return Task(name, Place(CONTAINER, f"e2-standard-{_power_of_two(cpus)}", cpus))


def _custom_config(task: Mapping[str, Any]) -> dict[str, Any]:
    parameters = task.get("inputs", {}).get("parameters", {})
    constant = parameters.get("custom_config", {}).get("runtimeValue", {}).get("constant")
    config = json.loads(constant) if isinstance(constant, str) else None
    return config if isinstance(config, dict) else {}


def _flags(arguments: Sequence[str]) -> dict[str, str]:
    found = (re.fullmatch(r"--(\w+)=(.*)", argument, re.DOTALL) for argument in arguments)
    return {match[1]: match[2] for match in found if match}


def _dataflow(flags: Mapping[str, str]) -> Place:
    machine = flags.get("machine_type") or flags.get("worker_machine_type") or "n1-standard-1"
    return Place(
        DATAFLOW,
        machine,
        cpus_of(machine),
        workers=int(flags.get("max_num_workers", 1)),
        disk_gb=int(flags.get("disk_size_gb", 0)),
    )


def _custom_job(machine_spec: Mapping[str, Any]) -> Place:
    machine = machine_spec["machine_type"]
    if host := re.fullmatch(r"ct5lp-hightpu-(\d+)t", machine):
        return Place(CUSTOM_JOB, machine, 1, "TPU_V5_LITEPOD", int(host[1]))
    return Place(
        CUSTOM_JOB,
        machine,
        cpus_of(machine),
        machine_spec.get("accelerator_type", ""),
        int(machine_spec.get("accelerator_count", 0)),
    )


def cpus_of(machine: str) -> int:
    """Returns the CPUs in a machine type's name, 1 where it has none."""
    size = machine.rpartition("-")[2]
    return int(size) if size.isdecimal() else 1


def _power_of_two(cpus: int) -> int:
    """Returns the size of the smallest machine with so many CPUs; Vertex AI's least is 4."""
    return max(4, 1 << (cpus - 1).bit_length())
