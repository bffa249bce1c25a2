"""Flags from a YAML file."""

from __future__ import annotations

import argparse
from collections.abc import Collection
from pathlib import Path
from typing import Any

import yaml


def from_file(
    path: str, parser: argparse.ArgumentParser, ignored: Collection[str] = ()
) -> list[str]:
    """Returns the command line that a YAML file of flags stands for.

    Keys are the flags' names without the leading dashes. A list or mapping becomes one value with
    commas, true a flag without a value, false its opposite where it has one; null leaves it out.

    Args:
        path: of the file.
        parser: whose flags it may name.
        ignored: flags, with dashes, that count for nothing in the file.

    Raises:
        ValueError: naming the file, and the key that is no flag or whose value does not fit.
    """
    try:
        values = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(getattr(error, "strerror", None) or error).split())
        raise ValueError(f"cannot read the configuration {path}: {reason}") from error
    if not isinstance(values, dict):
        raise ValueError(f"{path} must hold the flags as `name: value`, a line each")
    actions = parser._option_string_actions
    command = []
    for key, value in values.items():
        action = actions.get(f"--{key}")
        if action is None or action.dest in ("help", "config"):
            raise ValueError(f"{path}: there is no flag {key!r}")
        if f"--{key}" in ignored:
            continue
        command += _flag(f"{path}: {key}", f"--{key}", value, action)
    return command


def _flag(where: str, option: str, value: Any, action: argparse.Action) -> list[str]:
    if value is None:
        return []
    if action.nargs == 0:
        if not isinstance(value, bool):
            raise ValueError(f"{where} must be true or false, got {value!r}")
        if value:
            return [option]
        if isinstance(action, argparse.BooleanOptionalAction):
            return [other for other in action.option_strings if other != option]
        return []
    if isinstance(value, bool):
        raise ValueError(f"{where} needs a value, got {str(value).lower()}")
    if isinstance(action.default, list):  # the flag may be repeated
        return [f"{option}={each}" for each in (value if isinstance(value, list) else [value])]
    if isinstance(value, dict):
        value = [f"{name}={each}" for name, each in value.items()]
    if isinstance(value, list):
        value = ",".join(map(str, value))
    return [f"{option}={value}"]
