"""The estimate of a compiled pipeline: hours by hand, prices by hand, and what is missing."""

from __future__ import annotations

import copy
import functools
import importlib
import io
import json
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from pipeline.registry import CLASSICAL, MODELS, NETWORKS
from pipeline.vertex import cost, placement
from pipeline.vertex.placement import CONTAINER, CUSTOM_JOB, DATAFLOW, Place

GOLDEN = Path(__file__).parent / "golden"
WORKLOAD = yaml.safe_load(cost.WORKLOAD.read_text())
TABLE = yaml.safe_load(cost.PRICES.read_text())


@functools.cache
def golden(name):
    return json.loads((GOLDEN / f"{name}.json").read_text())


def places(name):
    return {task.name: task.place for task in placement.tasks(golden(name))}


def items(spec, n_clips, **keywords):
    return {item.task: item for item in cost.estimate(spec, n_clips, **keywords)}


def printed(spec, **keywords):
    text = io.StringIO()
    cost.print_estimate(Console(file=text, width=300), spec, **keywords)
    return text.getvalue()


def with_custom_config(spec, task, **changes):
    spec = copy.deepcopy(spec)
    parameters = spec["pipelineSpec"]["root"]["dag"]["tasks"][task]["inputs"]["parameters"]
    value = parameters["custom_config"]["runtimeValue"]
    value["constant"] = json.dumps({**json.loads(value["constant"]), **changes})
    return spec


# Where tasks run


@pytest.mark.parametrize("name", ["small", "medium", "full"])
def test_every_container_of_a_compiled_pipeline_has_a_place(name):
    executors = golden(name)["pipelineSpec"]["deploymentSpec"]["executors"]
    containers = {key.removesuffix("_executor") for key, e in executors.items() if "container" in e}
    assert set(places(name)) == containers


def test_trainers_and_tuners_are_on_the_machines_of_their_custom_jobs():
    t4, tpu = places("medium"), places("full")
    for name in ("Trainer-fcn5", "Tuner-fcn5"):
        assert t4[name] == Place(CUSTOM_JOB, "n1-standard-8", 8, "NVIDIA_TESLA_T4", 1)
    assert tpu["Trainer-fcn5"] == Place(CUSTOM_JOB, "cloud-tpu", 1, "TPU_V3", 8)
    assert tpu["Trainer-svm"] == Place(CUSTOM_JOB, "n1-highmem-16", 16)


def test_what_beam_computes_is_on_dataflow_with_its_workers():
    found = places("full")
    transform = found["Transform"]
    assert (transform.kind, transform.workers > 1, transform.disk_gb > 0) == (DATAFLOW, True, True)
    assert found["AtomicPusher"].kind == CONTAINER


def test_without_dataflow_beam_is_in_the_container():
    text = json.dumps(golden("full")).replace("--runner=DataflowRunner", "--runner=DirectRunner")
    kinds = {task.name: task.place.kind for task in placement.tasks(json.loads(text))}
    assert kinds["Transform"] == CONTAINER


# Hours


def test_hours_are_the_measured_seconds_over_the_cpus_of_the_machine():
    work, place = WORKLOAD["components"]["Transform"], places("full")["Transform"]
    cpu_seconds = work["seconds"] + 8000 * work["seconds_a_clip"]
    by_hand = WORKLOAD["starting_seconds"][DATAFLOW] + cpu_seconds / place.cpus
    assert items(golden("full"), 8000)["Transform"].hours == pytest.approx(by_hand / 3600)


def test_an_accelerator_counts_as_the_cpus_it_is_taken_for():
    text = json.dumps(golden("full"))
    spec = with_custom_config(json.loads(text), "Trainer-fcn5", **_on("NVIDIA_TESLA_T4", 2))
    work = WORKLOAD["training"]["fcn5"]
    seen = 8000 * WORKLOAD["train_share"] * work["epochs"]
    cpu_seconds = work["seconds"] + seen * work["seconds_a_clip"]
    busy = 2 * WORKLOAD["worth_in_cpus"]["NVIDIA_TESLA_T4"]
    by_hand = WORKLOAD["starting_seconds"][CUSTOM_JOB] + cpu_seconds / busy
    assert items(spec, 8000)["Trainer-fcn5"].hours == pytest.approx(by_hand / 3600)


def _on(accelerator, count):
    machine = {
        "machine_type": "n1-standard-8",
        "accelerator_type": accelerator,
        "accelerator_count": count,
    }
    pools = [{"machine_spec": machine, "replica_count": 1}]
    return {"ai_platform_training_args": {"job_spec": {"worker_pool_specs": pools}}}


def test_epochs_that_were_asked_for_count():
    train = {"epochs": 2 * WORKLOAD["training"]["fcn5"]["epochs"]}
    spec = with_custom_config(golden("full"), "Trainer-fcn5", train=train)
    before = items(golden("full"), 10**6)["Trainer-fcn5"].hours
    assert items(spec, 10**6)["Trainer-fcn5"].hours == pytest.approx(2 * before, rel=0.2)


def test_a_tuner_trains_once_a_trial():
    spec = with_custom_config(golden("full"), "Trainer-fcn5", trials=8, epochs=10)
    before = with_custom_config(golden("full"), "Trainer-fcn5", trials=1, epochs=10)
    ratio = items(spec, 10**7)["Trainer-fcn5"].hours / items(before, 10**7)["Trainer-fcn5"].hours
    assert ratio == pytest.approx(8, rel=0.05)


def test_whole_tracks_take_longer_to_decode_and_no_longer_to_train():
    clips, tracks = items(golden("full"), 106574), items(golden("full"), 106574, untrimmed=True)
    assert tracks["FmaExampleGen"].hours > 2 * clips["FmaExampleGen"].hours
    assert tracks["Trainer-fcn5"] == clips["Trainer-fcn5"]


# Prices


def test_a_custom_job_costs_its_machine_and_its_accelerators():
    spec = with_custom_config(golden("full"), "Trainer-fcn5", **_on("NVIDIA_TESLA_T4", 2))
    item = items(spec, 8000)["Trainer-fcn5"]
    an_hour = TABLE["training"]["n1-standard-8"] + 2 * TABLE["accelerators"]["NVIDIA_TESLA_T4"]
    assert item.price == pytest.approx(item.hours * an_hour)


def test_dataflow_costs_cpus_memory_and_disk():
    item = items(golden("full"), 8000)["Transform"]
    rates, place = TABLE["dataflow"], item.place
    gib = {"n1-standard": 3.75, "n1-highmem": 6.5}[place.machine.rpartition("-")[0]] * place.cpus
    an_hour = rates["cpu"] * place.cpus + rates["gib"] * gib + rates["disk_gb"] * place.disk_gb
    assert item.price == pytest.approx(item.hours * an_hour)


def test_the_user_s_own_prices_are_taken(tmp_path):
    table = {**TABLE, "training": {"n1-standard-8": 100.0}, "pipeline_run": 0.0}
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(table))
    spec = with_custom_config(golden("full"), "Trainer-fcn5", **_on("NVIDIA_TESLA_T4", 1))
    item = items(spec, 8000, prices=path)["Trainer-fcn5"]
    assert item.price == pytest.approx(item.hours * 100.4025)


def test_a_machine_without_a_price_is_shown_and_the_sum_says_that_it_lacks(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump({**TABLE, "training": {}}))
    text = printed(golden("full"), prices=path)
    [_, row] = [line for line in text.splitlines() if line.startswith(" Trainer-svm")]
    assert row.rstrip().endswith("?")
    [_, total] = [line for line in text.splitlines() if line.startswith(" in sum")]
    assert total.rstrip().endswith("+?")


# The table


def test_the_table_has_every_task_and_every_subset():
    text = printed(golden("small"), n_clips=1234)
    for name in (*places("small"), "in sum", "8,000", "25,000", "106,574", "1,234", "this run"):
        assert name in text


def test_the_table_says_what_it_is_worth():
    text = printed(golden("small"))
    assert "examples, edit them" in text
    assert WORKLOAD["measured"] in text


def test_the_sum_is_the_sum():
    found = cost.estimate(golden("small"), 8000)
    total = sum(item.price for item in found) + TABLE["pipeline_run"]
    hours, price = [line for line in printed(golden("small")).splitlines() if "in sum" in line]
    assert f"{sum(item.hours for item in found):,.1f}" in hours
    assert f"{total:,.2f}" in price


# The data files


def test_the_work_of_every_model_was_measured():
    assert set(WORKLOAD["training"]) == set(MODELS)
    assert {name for name, work in WORKLOAD["training"].items() if "epochs" not in work} == set(
        CLASSICAL
    )


def test_networks_are_taken_to_be_trained_as_long_as_they_are():
    for name, module in NETWORKS.items():
        least = importlib.import_module(module).MODEL.epochs.least
        assert WORKLOAD["training"][name]["epochs"] == least, name
    mobilenet = importlib.import_module("models.mobilenet")
    assert WORKLOAD["training"]["mobilenet_v2"]["fine_tune_epochs"] == mobilenet._FINE_TUNE_EPOCHS


def test_every_accelerator_of_the_table_is_worth_something():
    from pipeline.vertex.accelerators import TABLE as ACCELERATORS

    assert set(yaml.safe_load(ACCELERATORS.read_text())) == set(WORKLOAD["worth_in_cpus"])
