"""Making TFX's cache forget the trainings that failed."""

from __future__ import annotations

from pathlib import Path

from ml_metadata.proto import metadata_store_pb2
from tfx.types import standard_artifacts
from tfx.utils import path_utils

from models.training import fit_record
from pipeline import metadata_store


def forget(metadata_path: str) -> list[str]:
    """Marks the Model artifacts of failed trainings as deleted; returns the models' names.

    A training that fails leaves a record and ends well for TFX, so that the others go on. TFX's
    cache would serve that record for ever, even where only a download had failed; of executions
    whose outputs are not all live it serves none. To be called before a run.
    """
    if not Path(metadata_path).exists():
        return []
    store = metadata_store.open_store(metadata_path)
    failed, names = [], []
    for artifact in store.get_artifacts_by_type(standard_artifacts.Model.TYPE_NAME):
        model_dir = path_utils.serving_model_dir(artifact.uri)
        if artifact.state != metadata_store_pb2.Artifact.LIVE or not fit_record.exists(model_dir):
            continue
        record = fit_record.read(model_dir)
        if record.status == fit_record.FAILED:
            artifact.state = metadata_store_pb2.Artifact.DELETED
            failed.append(artifact)
            names.append(record.name)
    if failed:
        store.put_artifacts(failed)
    return names
