"""The schema, found where the project is installed."""

from __future__ import annotations

from pathlib import Path

import pytest
from tfx.types import standard_artifacts

from components.packaged_schema import Executor, PackagedSchemaGen
from pipeline.dag import SCHEMA_PATH


def test_the_schema_of_the_package_is_copied_from_any_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    component = PackagedSchemaGen(schema_file="dataset:schema.pbtxt")
    assert component.exec_properties == {"schema_file": "dataset:schema.pbtxt"}
    schema = standard_artifacts.Schema()
    schema.uri = str(tmp_path / "schema")
    Executor().Do({}, {"schema": [schema]}, component.exec_properties)
    assert (tmp_path / "schema" / "schema.pbtxt").read_bytes() == SCHEMA_PATH.read_bytes()
