"""What a run will take in machine-hours and money: an estimate from the compiled pipeline.

Measured CPU seconds (`workload.yaml`) times clips, on the machines of the compiled pipeline, at
prices that the user edits (`prices.yaml`).
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

from pipeline.vertex import placement
from pipeline.vertex.placement import CONTAINER, DATAFLOW, Place

PRICES = Path(__file__).with_name("prices.yaml")
WORKLOAD = Path(__file__).with_name("workload.yaml")
_SECONDS_AN_HOUR = 3600


@dataclasses.dataclass(frozen=True)
class Item:
    """A task's share: `hours` of its machines in sum, None of `price` where a price is missing."""

    task: str
    place: Place
    hours: float
    price: float | None


@functools.cache
def _read(path: Path) -> dict[str, Any]:
    values: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return values


def estimate(
    spec: Mapping[str, Any], n_clips: int, *, untrimmed: bool = False, prices: Path = PRICES
) -> list[Item]:
    """Returns the tasks of a compiled pipeline with their hours and prices, and the run's own.

    Args:
        spec: the compiled pipeline.
        n_clips: of the archive.
        untrimmed: whether its files are whole tracks.
        prices: the price table.
    """
    items = []
    waiting_hours = 0.0
    for task in placement.tasks(spec):
        cpu_seconds = _cpu_seconds(task, n_clips, untrimmed)
        seconds = _machine_seconds(task, cpu_seconds)
        hours = seconds / _SECONDS_AN_HOUR
        items.append(Item(task.name, task.place, hours, _price(task.place, hours, prices)))
        if task.place.kind != CONTAINER:
            waiting_hours += hours / task.place.workers
    if waiting_hours:
        # A container sits beside each job and waits for it.
        place = placement.WAITING
        items.append(
            Item("waiting containers", place, waiting_hours, _price(place, waiting_hours, prices))
        )
    return items


def _cpu_seconds(task: placement.Task, n_clips: int, untrimmed: bool) -> float:
    """Returns the seconds that one CPU would take."""
    work = _read(WORKLOAD)
    measured = work["components"].get(task.component) or work["training"].get(task.model)
    if measured is None:
        return float(work["unknown_component_seconds"])
    a_clip = measured["seconds_a_clip"]
    if untrimmed:
        a_clip *= measured.get("times_if_untrimmed", 1)
    if "epochs" in measured:
        epochs = (task.epochs or measured["epochs"]) + measured.get("fine_tune_epochs", 0)
        a_clip *= epochs * work["train_share"]
    return float((measured["seconds"] + a_clip * n_clips) * task.trainings)


def _machine_seconds(task: placement.Task, cpu_seconds: float) -> float:
    """Returns the seconds of the task's machines, in sum; every CPU of them is kept busy."""
    work, place = _read(WORKLOAD), task.place
    worth = work["worth_in_cpus"].get(place.accelerator)
    single = task.model and "epochs" not in work["training"].get(task.model, {})
    busy = worth * place.accelerators if worth else 1 if single else place.cpus
    return float(work["starting_seconds"][place.kind] + cpu_seconds / busy)


def _price(place: Place, hours: float, path: Path) -> float | None:
    table = _read(path)
    if place.kind == DATAFLOW:
        rates = table["dataflow"]
        gib = place.gib_a_cpu * place.cpus
        an_hour = rates["cpu"] * place.cpus + rates["gib"] * gib
        return float((an_hour + rates["disk_gb"] * place.disk_gb) * hours)
    machine = table["training"].get(place.machine)
    if machine is None:
        return None
    if not place.accelerator or place.accelerator in table["built_in"]:
        return float(machine * hours)
    one = table["accelerators"].get(place.accelerator)
    return None if one is None else float((machine + one * place.accelerators) * hours)


def print_estimate(
    console: Console,
    spec: Mapping[str, Any],
    *,
    n_clips: int | None = None,
    prices: Path = PRICES,
) -> None:
    """Prints hours and prices by task, for FMA's subsets and, where known, for this archive."""
    sizes = {name: dict(size) for name, size in _read(WORKLOAD)["subsets"].items()}
    if n_clips is not None:
        sizes = {"this run": {"clips": n_clips}, **sizes}
    columns = {
        name: estimate(spec, size["clips"], untrimmed=size.get("untrimmed", False), prices=prices)
        for name, size in sizes.items()
    }
    table_of_prices = _read(prices)
    heads = [f"{name}\n{size['clips']:,}" for name, size in sizes.items()]
    console.print(_hours(heads, columns))
    console.print(_money(heads, columns, table_of_prices))
    for machine, tasks in _by_machine(next(iter(columns.values()))).items():
        console.print(f"  {machine}: {', '.join(tasks)}", markup=False)
    console.print(
        f"  prices by {prices.name} ({table_of_prices['region']}, {table_of_prices['read']}; "
        f"examples, edit them), hours from {_read(WORKLOAD)['measured']}; networks to their last "
        "epoch, nothing cached",
        markup=False,
    )
    console.print()


def _hours(heads: list[str], columns: Mapping[str, list[Item]]) -> Table:
    table = _table("machine-hours", heads)
    for row in zip(*columns.values(), strict=True):
        table.add_row(row[0].task, *(f"{item.hours:,.1f}" for item in row))
    sums = (sum(item.hours for item in items) for items in columns.values())
    table.add_row("in sum", *(f"{hours:,.1f}" for hours in sums), style="bold")
    return table


def _money(heads: list[str], columns: Mapping[str, list[Item]], prices: Mapping[str, Any]) -> Table:
    table = _table(prices["currency"], heads)
    for row in zip(*columns.values(), strict=True):
        table.add_row(row[0].task, *(_amount(item.price) for item in row))
    table.add_row("a run of a pipeline", *[_amount(prices["pipeline_run"])] * len(columns))
    table.add_row("in sum", *(_sum(items, prices) for items in columns.values()), style="bold")
    return table


def _table(what: str, heads: list[str]) -> Table:
    table = Table(box=None, padding=(0, 1), header_style="bold")
    table.add_column(what, no_wrap=True)
    for head in heads:
        table.add_column(head, justify="right")
    return table


def _by_machine(items: list[Item]) -> dict[str, list[str]]:
    tasks: dict[str, list[str]] = {}
    for item in items:
        tasks.setdefault(item.place.label, []).append(item.task)
    return tasks


def _amount(price: float | None) -> str:
    return "?" if price is None else f"{price:,.2f}"


def _sum(items: list[Item], prices: Mapping[str, Any]) -> str:
    known = sum(item.price for item in items if item.price is not None) + prices["pipeline_run"]
    missing = any(item.price is None for item in items)
    return f"{known:,.2f}" + ("+?" if missing else "")
