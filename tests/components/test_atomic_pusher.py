"""Pushing: whole versions only, ever newer, and nothing that is not blessed."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest
from tfx.proto import pusher_pb2
from tfx.types import standard_artifacts, standard_component_specs
from tfx.utils import proto_utils

from components import atomic_pusher
from components.atomic_pusher import Executor, push, push_unless_newest
from components.model_properties import WITHHELD


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Return the folder of a Model artifact with something like a SavedModel in it."""
    serving = tmp_path / "model" / "Format-Serving"
    (serving / "variables").mkdir(parents=True)
    (serving / "saved_model.pb").write_bytes(b"graph")
    (serving / "variables" / "variables.index").write_bytes(b"weights")
    return tmp_path / "model"


def files_below(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder by its relative path."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def test_a_version_is_a_whole_copy_named_by_the_time(model: Path, tmp_path: Path) -> None:
    before = int(time.time())
    version = push(str(model / "Format-Serving"), str(tmp_path / "serving"))
    assert before <= int(version) <= time.time()
    assert files_below(tmp_path / "serving") == {
        f"{version}/saved_model.pb": b"graph",
        f"{version}/variables/variables.index": b"weights",
    }
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "serving"]


def test_a_version_is_above_the_last_even_if_the_clock_stands_still_or_went_back(
    model: Path, tmp_path: Path
) -> None:
    base = tmp_path / "serving"
    (base / "99999999999").mkdir(parents=True)
    (base / "notes").mkdir()
    versions = [push(str(model / "Format-Serving"), str(base)) for _ in range(3)]
    assert versions == ["100000000000", "100000000001", "100000000002"]
    assert all(len(files_below(base / version)) == 2 for version in versions)


@pytest.mark.parametrize("slash", ["", "/"])
def test_leftovers_of_an_interrupted_push_are_removed(
    model: Path, tmp_path: Path, slash: str
) -> None:
    aside = tmp_path / "serving.incoming"
    aside.mkdir()
    (aside / "half.pb").write_bytes(b"half")
    base = tmp_path / "serving"
    version = push(str(model / "Format-Serving"), f"{base}{slash}")
    assert not aside.exists()
    assert [path.name for path in base.iterdir()] == [version]
    assert "half.pb" not in files_below(base / version)


def test_in_a_bucket_a_version_cannot_be_loaded_before_it_is_whole(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket, serving = tmp_path / "bucket", model / "Format-Serving"
    (serving / "assets").mkdir()
    (serving / "assets" / "vocabulary").write_bytes(b"genres")
    seen = []

    def as_a_server_sees_it(source: str, copy: str) -> None:
        """Copy an object to the folder that stands for a bucket, and look at what is there."""
        local = tmp_path / copy.removeprefix("gs://")
        local.parent.mkdir(parents=True, exist_ok=True)
        local.write_bytes(Path(source).read_bytes())
        seen.append(set(files_below(bucket)))

    monkeypatch.setattr(atomic_pusher.fileio, "makedirs", lambda path: None)
    monkeypatch.setattr(atomic_pusher.fileio, "listdir", lambda path: ["7/", "notes.txt"])
    monkeypatch.setattr(atomic_pusher.io_utils, "copy_file", as_a_server_sees_it)
    version = push(str(serving), "gs://bucket/serving/")
    assert int(version) > 7
    loadable = [names for names in seen if f"serving/{version}/saved_model.pb" in names]
    assert loadable == [{f"serving/{version}/{name}" for name in files_below(serving)}]


def test_a_model_is_pushed_again_only_where_it_is_not_the_newest(
    model: Path, tmp_path: Path
) -> None:
    serving, base = str(model / "Format-Serving"), tmp_path / "serving"
    first, is_new = push_unless_newest(serving, str(base))
    assert is_new
    assert push_unless_newest(serving, str(base)) == (first, False)
    weights = base / first / "variables" / "variables.index"
    for other in (b"WEIGHTS", b"weights and more"):
        weights.write_bytes(other)
        again, is_new = push_unless_newest(serving, str(base))
        assert is_new and int(again) > int(first)
        weights = base / again / "variables" / "variables.index"
    weights.unlink()  # as in a version that was copied by halves
    assert push_unless_newest(serving, str(base))[1]
    shutil.rmtree(base)
    assert push_unless_newest(serving, str(base))[1]


@pytest.mark.parametrize(
    ("blessed", "withheld"), [(True, None), (False, None), (True, "it needs more than audio")]
)
def test_only_a_blessed_model_that_nothing_withholds_is_pushed(
    model: Path, tmp_path: Path, blessed: bool, withheld: str | None
) -> None:
    candidate, blessing = standard_artifacts.Model(), standard_artifacts.ModelBlessing()
    candidate.uri, blessing.uri = str(model), str(tmp_path / "blessing")
    blessing.set_int_custom_property("blessed", int(blessed))
    if withheld:
        candidate.set_string_custom_property(WITHHELD, withheld)
    pushed = standard_artifacts.PushedModel()
    pushed.uri = str(tmp_path / "pushed")
    destination = pusher_pb2.PushDestination()
    destination.filesystem.base_directory = str(tmp_path / "serving")
    Executor().Do(
        {
            standard_component_specs.MODEL_KEY: [candidate],
            standard_component_specs.MODEL_BLESSING_KEY: [blessing],
        },
        {standard_component_specs.PUSHED_MODEL_KEY: [pushed]},
        {
            standard_component_specs.PUSH_DESTINATION_KEY: proto_utils.proto_to_json(destination),
        },
    )
    is_pushed = blessed and not withheld
    assert pushed.get_int_custom_property("pushed") == int(is_pushed)
    if not is_pushed:
        assert sorted(path.name for path in tmp_path.iterdir()) == ["model"]
        return
    (version,) = (tmp_path / "serving").iterdir()
    assert pushed.get_string_custom_property("pushed_destination") == str(version)
    assert pushed.get_string_custom_property("pushed_version") == version.name
    assert files_below(version) == files_below(tmp_path / "pushed")
    assert files_below(version) == files_below(model / "Format-Serving")
