"""Pusher that moves a whole version into place, so that no server ever sees half of one."""

from __future__ import annotations

import os
import time
from typing import Any

import tensorflow as tf
from tfx import types
from tfx.components.pusher import component, executor
from tfx.dsl.components.base import executor_spec
from tfx.dsl.io import fileio
from tfx.proto import pusher_pb2
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import io_utils, proto_utils

from components.model_properties import WITHHELD

_PART = 16 * 2**20  # bytes


class Executor(executor.Executor):
    """TFX's blessing check and bookkeeping around a copy that is renamed once it is whole."""

    def Do(  # noqa: N802 - TFX's name
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Pushes the model if it is blessed and nothing withholds it."""
        self._log_startup(input_dict, output_dict, exec_properties)
        pushed = artifact_utils.get_single_instance(
            output_dict[standard_component_specs.PUSHED_MODEL_KEY]
        )
        model = artifact_utils.get_single_instance(input_dict[standard_component_specs.MODEL_KEY])
        if not self.CheckBlessing(input_dict) or model.get_string_custom_property(WITHHELD):
            self._MarkNotPushed(pushed)
            return
        destination = pusher_pb2.PushDestination()
        proto_utils.json_to_proto(
            exec_properties[standard_component_specs.PUSH_DESTINATION_KEY], destination
        )
        base = destination.filesystem.base_directory
        version, _ = push_unless_newest(self.GetModelPath(input_dict), base)
        io_utils.copy_dir(os.path.join(base, version), pushed.uri)
        self._MarkPushed(
            pushed, pushed_destination=os.path.join(base, version), pushed_version=version
        )


def push_unless_newest(model_path: str, base_directory: str) -> tuple[str, bool]:
    """Returns the newest version, which is the model, and whether it had to be pushed for that.

    A server is to load what a run says is pushed: a version that was removed meanwhile, or that a
    newer one of another model followed, is pushed again. One that is the newest is left in peace.
    """
    fileio.makedirs(base_directory)
    newest = str(_latest(base_directory))
    if _same_files(model_path, os.path.join(base_directory, newest)):
        return newest, False
    return push(model_path, base_directory), True


def push(model_path: str, base_directory: str) -> str:
    """Copies a SavedModel to a new version below `base_directory` and returns the version.

    Versions are Unix times, and always above those that are there.
    """
    fileio.makedirs(base_directory)
    version = str(max(int(time.time()), _latest(base_directory) + 1))
    place = _place_in_bucket if "://" in base_directory else _place_in_folder
    place(model_path, base_directory.rstrip("/"), version)
    return version


def _place_in_folder(model_path: str, base_directory: str, version: str) -> None:
    """Copies beside `base_directory`, on the same file system, and renames.

    `copy_dir` removes what an interrupted copy has left there.
    """
    aside = base_directory + ".incoming"
    io_utils.copy_dir(model_path, aside)
    fileio.rename(aside, os.path.join(base_directory, version))


def _place_in_bucket(model_path: str, base_directory: str, version: str) -> None:
    """Copies file by file, and last the one without which nothing loads a SavedModel.

    A bucket has no folders to rename, only objects, one after the other. What a server finds of
    an unfinished or interrupted copy, it cannot load; TensorFlow Serving tries again.
    """
    last = os.path.join(model_path, tf.saved_model.SAVED_MODEL_FILENAME_PB)
    paths = [os.path.join(model_path, name) for name in _files_below(model_path)]
    for path in sorted(paths, key=lambda path: (path == last, path)):
        copy = os.path.join(base_directory, version, os.path.relpath(path, model_path))
        io_utils.copy_file(path, copy)


def _latest(base_directory: str) -> int:
    names = [name.rstrip("/") for name in fileio.listdir(base_directory)]
    return max((int(name) for name in names if name.isdecimal()), default=0)


def _same_files(one: str, other: str) -> bool:
    names = _files_below(one)
    if names != _files_below(other):
        return False
    return all(_same_bytes(os.path.join(one, name), os.path.join(other, name)) for name in names)


def _same_bytes(one: str, other: str) -> bool:
    with fileio.open(one, "rb") as left, fileio.open(other, "rb") as right:
        while part := left.read(_PART):
            if part != right.read(_PART):
                return False
        return not right.read(1)


def _files_below(folder: str) -> list[str]:
    return sorted(
        os.path.relpath(os.path.join(below, name), folder)
        for below, _, names in fileio.walk(folder)
        for name in names
    )


class AtomicPusher(component.Pusher):
    """Pusher to a folder, by copy and rename, or to a bucket."""

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)
