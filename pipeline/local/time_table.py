"""The estimate of a run's time on the console."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from common.formatting import duration
from pipeline.local import run_time
from pipeline.local.run_time import Steps

_NOTE = "a rough estimate for this CPU: all epochs, nothing cached; a GPU is faster"
_ADVICE = "fewer --models, --epochs or --max-clips-per-genre make it shorter"


def print_times(console: Console, steps: Steps) -> None:
    """Prints the time of each step and of all, and a warning where that is long."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    table.add_column("  step")
    table.add_column("about", justify="right", no_wrap=True)
    for name, seconds in steps.items():
        table.add_row(f"  {name}", "-" if seconds is None else duration(seconds))
    in_all = duration(run_time.total(steps))
    table.add_row("  in all", f"over {in_all}" if None in steps.values() else in_all)
    console.print(table)
    console.print(f"  {_NOTE}", soft_wrap=True, markup=False)
    if causes := run_time.too_long(steps):
        what = f"about {in_all}, most of it for {', '.join(causes)}"
        console.print(f"  [yellow]warning[/yellow]   {what}: {_ADVICE}", soft_wrap=True)
    console.print()
