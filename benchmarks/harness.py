"""Measuring variants of one computation, and the table that comes of it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from rich.table import Table


class Figures(NamedTuple):
    """The median of each variant, the baseline first, in a unit such as `ms a clip`."""

    of: Mapping[str, float]
    unit: str


def time_variants(variants: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, float]:
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


def for_each(function: Callable[[Any], object], items: Iterable[Any]) -> Callable[[], None]:
    """Returns a call that applies `function` to each item and keeps no result."""
    kept = list(items)

    def action() -> None:
        for item in kept:
            function(item)

    return action


def table(measured: Mapping[str, Figures]) -> Table:
    """Returns what is printed: each figure by benchmark, and its ratio to the baseline."""
    printed = Table(box=None, padding=(0, 1), header_style="bold")
    for heading in ("benchmark", "variant"):
        printed.add_column(heading, no_wrap=True)
    for heading in ("measured", "ratio"):
        printed.add_column(heading, justify="right", no_wrap=True)
    for benchmark, (figures, unit) in measured.items():
        first, *_ = figures
        for variant, figure in figures.items():
            ratio = "baseline" if variant == first else f"{figure / figures[first]:.2f}"
            shown = f"{figure:,.0f}" if figure >= 100 else f"{figure:.3g}"
            printed.add_row(benchmark, variant, f"{shown} {unit}", ratio)
        printed.add_section()
    return printed
