"""The metadata store of an output folder: a SQLite file of ML Metadata (MLMD)."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common.errors import DISK_FULL, InputError

if TYPE_CHECKING:
    from ml_metadata.metadata_store import MetadataStore

_LOCK_TIMEOUT_SECONDS = 3.0


def check(path: Path, *, write: bool) -> None:
    """Checks that a metadata store can be read or, with `write`, written; it need not exist.

    MLMD tries for a minute to open a file that it cannot use, and then does not name it.

    Raises:
        InputError: where it is locked, damaged or, with `write`, read-only.
    """
    if not path.exists():
        return
    # Where it can, SQLite finishes what a killed run has left in the file's journal.
    mode = "rw" if write or os.access(path, os.W_OK) else "ro"
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    try:
        with contextlib.closing(
            sqlite3.connect(uri, uri=True, timeout=_LOCK_TIMEOUT_SECONDS, isolation_level=None)
        ) as store:
            store.execute("BEGIN IMMEDIATE" if write else "BEGIN")
            ((found,),) = store.execute("PRAGMA quick_check(1)")
            if write and found == "ok":
                # Only a change tells that a file is read-only; this one is rolled back.
                store.execute("CREATE TABLE write_probe (unused)")
    except sqlite3.Error as error:
        found = str(error)
    if found == "database or disk is full":
        raise InputError(DISK_FULL)
    if found != "ok":
        raise InputError(
            f"cannot use the metadata store {path}: {' '.join(found.split())}; end what uses it, "
            "repair it, make it writable, or use another output folder"
        )


def open_store(path: str | Path, *, read_only: bool = False) -> MetadataStore:
    """Returns the metadata store in a SQLite file."""
    # Seconds to import, so only where a store is read.
    from ml_metadata import metadata_store
    from ml_metadata.proto import metadata_store_pb2

    config = metadata_store_pb2.ConnectionConfig()
    config.sqlite.filename_uri = str(path)
    if read_only:
        config.sqlite.connection_mode = metadata_store_pb2.SqliteMetadataSourceConfig.READONLY
    return metadata_store.MetadataStore(config)


def latest_run(path: str | Path) -> int:
    """Returns the id of the latest run, 0 before the first."""
    if not Path(path).exists():
        return 0
    runs = open_store(path).get_contexts_by_type("pipeline_run")
    return max((run.id for run in runs), default=0)


def latest_outputs(path: str | Path, after: int = 0) -> dict[tuple[str, str], Any]:
    """Returns {(node id, output key): MLMD artifact} of the latest run, cached nodes included.

    Args:
        path: of the metadata store.
        after: id of a run; without a run after it, nothing is returned.
    """
    run = latest_run(path)
    return outputs_of(open_store(path), run) if run > after else {}


def outputs_of(store: MetadataStore, run: int) -> dict[tuple[str, str], Any]:
    """Returns {(node id, output key): MLMD artifact} of a run, cached nodes included."""
    from ml_metadata.proto import metadata_store_pb2

    found = {}
    for execution in store.get_executions_by_context(run):
        contexts = store.get_contexts_by_execution(execution.id)
        # TFX names the context of a node `<pipeline>.<node>`.
        (node,) = (c.name.partition(".")[2] for c in contexts if c.type == "node")
        for event in store.get_events_by_execution_ids([execution.id]):
            if event.type == metadata_store_pb2.Event.OUTPUT:
                (artifact,) = store.get_artifacts_by_id([event.artifact_id])
                found[node, event.path.steps[0].key] = artifact
    return found
