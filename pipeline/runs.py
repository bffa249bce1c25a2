"""The runs of an output folder, from its metadata store."""

from __future__ import annotations

import dataclasses
import datetime
from pathlib import Path
from typing import Any

from common.errors import InputError
from pipeline import metadata_file
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
    metadata_file.check(output / _STORE, write=False)
    store = _open(output / _STORE)
    found: list[PastRun] = []
    runs = store.get_contexts_by_type("pipeline_run")
    for run in sorted(runs, key=lambda context: context.id):
        uri = _report_uri(store, run.id)
        folder = _here(uri, output) if uri else None
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


def _open(path: Path) -> Any:
    # Seconds to import, so only where a store is read.
    from ml_metadata import metadata_store
    from ml_metadata.proto import metadata_store_pb2

    config = metadata_store_pb2.ConnectionConfig()
    config.sqlite.filename_uri = str(path)
    config.sqlite.connection_mode = metadata_store_pb2.SqliteMetadataSourceConfig.READONLY
    return metadata_store.MetadataStore(config)


def _report_uri(store: Any, run_id: int) -> str | None:
    """Returns where a run's report is, None where it did not get that far."""
    from ml_metadata.proto import metadata_store_pb2

    for execution in store.get_executions_by_context(run_id):
        contexts = store.get_contexts_by_execution(execution.id)
        if not any(c.type == "node" and c.name.split(".")[-1] == NODE for c in contexts):
            continue
        for event in store.get_events_by_execution_ids([execution.id]):
            is_output = event.type == metadata_store_pb2.Event.OUTPUT
            if is_output and event.path.steps[0].key == OUTPUT:
                (artifact,) = store.get_artifacts_by_id([event.artifact_id])
                return str(artifact.uri)
    return None


def _here(uri: str, output: Path) -> Path:
    """Returns the folder of a report below `output`, which may have been moved since."""
    return Path(output, "pipeline", NODE, *Path(uri).parts[-2:])
