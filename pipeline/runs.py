"""The runs of an output folder, from its metadata store."""

from __future__ import annotations

import dataclasses
import datetime
from pathlib import Path

from common.errors import InputError
from pipeline import metadata_store
from report.data import DATA_NAME, PAGE_NAME, ReportData, from_json

NODE = "GenreReport"
OUTPUT = "report"
_STORE = Path("pipeline", "metadata.sqlite")


@dataclasses.dataclass(frozen=True)
class PastRun:
    """A run that came to a report.

    Attributes:
        number: 1 for the first run of the folder.
        started: when it began.
        folder: of its page and data; a run that changed nothing has an earlier one's.
    """

    number: int
    started: datetime.datetime
    folder: Path

    @property
    def page(self) -> Path:
        """Path of its page."""
        return self.folder / PAGE_NAME

    def data(self) -> ReportData:
        """Returns what is on its page.

        Raises:
            InputError: where it is not there or not readable.
        """
        path = self.folder / DATA_NAME
        try:
            return from_json(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"cannot read {path}: {error}") from error


def past_runs(output: Path) -> list[PastRun]:
    """Returns the runs of an output folder that came to a report, the first one first.

    Raises:
        InputError: where the folder is not there, holds no such run, or cannot be read.
    """
    if not output.is_dir():
        raise InputError(f"there is no folder {output}")
    if not (output / _STORE).is_file():
        raise InputError(f"no run yet in {output}: it holds no {_STORE}")
    metadata_store.check(output / _STORE, write=False)
    store = metadata_store.open_store(output / _STORE, read_only=True)
    found: list[PastRun] = []
    runs = store.get_contexts_by_type("pipeline_run")
    for run in sorted(runs, key=lambda context: context.id):
        report = metadata_store.outputs_of(store, run.id).get((NODE, OUTPUT))
        # The output folder may have been moved since.
        folder = report and Path(output, "pipeline", NODE, *Path(report.uri).parts[-2:])
        if folder and (folder / PAGE_NAME).is_file():
            started = datetime.datetime.fromtimestamp(run.create_time_since_epoch / 1000)
            found.append(PastRun(len(found) + 1, started, folder))
    if not found:
        raise InputError(f"no run in {output} has come to a report yet")
    return found


def pick(runs: list[PastRun], number: int | None) -> PastRun:
    """Returns a run by its number, the newest one for None.

    Raises:
        InputError: where there is no such run.
    """
    if number is None:
        return runs[-1]
    for run in runs:
        if run.number == number:
            return run
    raise InputError(f"there is no run {number}, only 1 to {runs[-1].number}")
