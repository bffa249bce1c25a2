"""Measuring, and the rows that come of it."""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rich.table import Table


@dataclasses.dataclass(frozen=True)
class Row:
    """One figure.

    Attributes:
        benchmark: which benchmark it belongs to.
        variant: what was measured.
        figure: the median, in `unit`.
        unit: such as `ms a clip`.
        ratio: the figure as parts of the baseline's; below 1 is faster or smaller.
    """

    benchmark: str
    variant: str
    figure: float
    unit: str
    ratio: float


def time_variants(
    variants: Mapping[str, Callable[[], object]], *, repeats: int
) -> dict[str, float]:
    """Returns the median seconds of a call of each variant.

    Each is called once before, to trace graphs and fill caches. The variants take turns, so that
    whatever else slows the machine down slows all of them down.
    """
    for action in variants.values():
        action()
    seconds: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(repeats):
        for name, action in variants.items():
            started = time.perf_counter()
            action()
            seconds[name].append(time.perf_counter() - started)
    return {name: statistics.median(taken) for name, taken in seconds.items()}


def rows(benchmark: str, figures: Mapping[str, float], unit: str) -> list[Row]:
    """Returns the rows of a benchmark, whose first figure is the baseline."""
    baseline = next(iter(figures.values()))
    return [
        Row(benchmark, variant, figure, unit, figure / baseline)
        for variant, figure in figures.items()
    ]


def for_each(function: Callable[[Any], object], items: Iterable[Any]) -> Callable[[], None]:
    """Returns a call that applies `function` to each item and keeps no result."""
    kept = list(items)

    def action() -> None:
        for item in kept:
            function(item)

    return action


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def table(measured: Iterable[Row]) -> Table:
    """Returns what is printed: a block a benchmark, its baseline first."""
    printed = Table(box=None, padding=(0, 1), header_style="bold")
    printed.add_column("benchmark", no_wrap=True)
    printed.add_column("variant", no_wrap=True)
    printed.add_column("measured", justify="right", no_wrap=True)
    printed.add_column("ratio", justify="right", no_wrap=True)
    last = ""
    for row in measured:
        is_first = row.benchmark != last
        if is_first and last:
            printed.add_row()
        printed.add_row(
            row.benchmark if is_first else "",
            row.variant,
            f"{_figure(row.figure)} {row.unit}",
            "baseline" if is_first else f"{row.ratio:.2f}",
        )
        last = row.benchmark
    return printed
