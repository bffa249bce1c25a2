"""Command lines and YAML files, made from the fields of configuration classes.

A flag stands at its field, in the `config.py` of its room: see `common.config`. Here it is turned
into help and parsed; pydantic converts texts and what YAML has to the field's type.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, TypeVar

from common.config import Config, FieldType, Flag, fields_of, require
from common.terminal import visible
from dataset.config import DataConfig
from evaluation.config import MAX_CREDIBLE_ACCURACY, ContestConfig
from models.config import TrainConfig
from pipeline.config import PipelineConfig

_T = TypeVar("_T")
# TensorFlow reads all four as a pattern wherever it looks for files, Beam the first three. All
# other characters do no harm.
_PATTERN_CHARACTERS = frozenset("*?[\\")


class Parser(argparse.ArgumentParser):
    """A parser that refuses with one line and status 2, abbreviated flags among the rest."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        line = " ".join(f"{self.prog}: error: {message} (see --help)".splitlines())
        self.exit(2, visible(line) + "\n")


def positive(text: str) -> int:
    """Returns a whole number from 1; the type of a flag."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1, got {text!r}")
    return int(text)


class _Option(NamedTuple):
    """A flag of a command line, and the field that it comes from."""

    name: str
    field: FieldType
    flag: Flag
    group: str
    help: str

    @property
    def is_switch(self) -> bool:
        return self.field.type is bool


def _options(
    cls: type[Config],
    title: str = "",
    names: Mapping[str, str] | None = None,
    default: Any = None,
    of: str = "",
) -> Iterator[_Option]:
    for field in fields_of(cls):
        value = field.default if default is None else getattr(default, field.name)
        if field.group:
            base = None if value is dataclasses.MISSING else value
            yield from _options(
                field.nested, field.group.title, field.group.names, base, field.group.of
            )
        elif field.flag and (not names or field.name in names):
            yield _Option(
                _name(field, names), field, field.flag, field.flag.group or title or cls.flag_group,
                field.flag.help + of + _default_text(field.flag.help, value),
            )  # fmt: skip


def _name(field: FieldType, names: Mapping[str, str] | None) -> str:
    renamed = names.get(field.name) if names else None
    assert field.flag
    return renamed or field.flag.name or field.name.replace("_", "-")


def _default_text(help: str, value: Any) -> str:
    if value is dataclasses.MISSING:
        return " (required)"
    if "default:" in help or value is None or value is False or value in ("", ()):
        return ""
    if value is True:
        return " (default: on)"
    return f" (default: {','.join(value) if isinstance(value, tuple) else value})"


class Command:
    """The command line of a program: the flags of configuration classes."""

    def __init__(self, *classes: type[Config], **texts: str) -> None:
        """Makes the parser.

        Args:
            *classes: whose fields have the flags; the help has them in this order.
            **texts: `prog`, `usage`, `description` and `epilog` of the parser.
        """
        self.parser = Parser(**texts)
        options = [option for cls in classes for option in _options(cls)]
        self._options: dict[str, _Option] = {}
        for title in dict.fromkeys(option.group for option in options):
            group = self.parser.add_argument_group(title)
            of_group = [option for option in options if option.group == title]
            for option in sorted(of_group, key=lambda each: "(required)" not in each.help):
                self._add(group, option)

    def _add(self, group: argparse._ArgumentGroup, option: _Option) -> None:
        how: dict[str, Any] = {"dest": option.name, "default": argparse.SUPPRESS}
        old = dict(how, help=argparse.SUPPRESS)
        if option.is_switch:
            how["action"] = argparse.BooleanOptionalAction
            old["action"] = "store_false"
        else:
            how["action"] = old["action"] = "append" if option.flag.repeated else "store"
            choices = f"{{{','.join(option.field.choices)}}}" if option.field.choices else None
            how["metavar"] = option.flag.metavar or choices
        group.add_argument(f"--{option.name}", help=option.help.replace("%", "%%"), **how)
        for name in option.flag.old:
            group.add_argument(f"--{name}", **old)
        for name in (option.name, f"no-{option.name}", *option.flag.old):
            self._options[name] = option

    def parse(self, arguments: Sequence[str] | None) -> dict[str, Any]:
        """Returns the values that are given, by flag; ends the program where there is no such flag.

        A value is a text, of a repeated flag a list of texts, and of a switch its state.
        """
        return vars(self.parser.parse_args(arguments))

    def read(self, path: str, unless: Collection[str] = ()) -> list[str]:
        """Returns the flags of a YAML file, whose keys are names of flags; null gives nothing.

        Args:
            path: of the file.
            unless: flags that are left out.

        Raises:
            ValueError: naming the file, and the key that is no flag.
        """
        import yaml

        try:
            found = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            reason = " ".join(str(getattr(error, "strerror", None) or error).split())
            raise ValueError(f"cannot read the configuration {path}: {reason}") from error
        require(isinstance(found, dict), f"{path} must hold the flags as `name: value`", found)
        flags: list[str] = []
        for key, value in found.items():
            if key not in self._options or key == "config":
                raise ValueError(f"{path}: there is no flag {key!r}")
            if self._options[key].name not in unless and value is not None:
                flags += _as_flags(key, value, self._options[key])
        return flags


def _as_flags(key: str, value: Any, option: _Option) -> list[str]:
    """Returns what a key of a YAML file and its value stand for on a command line."""
    if option.is_switch and isinstance(value, bool):
        return [f"--{key}" if value else f"--no-{key}".replace("--no-no-", "--")]
    if isinstance(value, dict):
        value = [f"{name}={each}" for name, each in value.items()]
    if not isinstance(value, list):
        value = [value]
    texts = value if option.flag.repeated else [",".join(map(str, value))]
    return [f"--{key}={text}" for text in texts]


def build(
    values: Mapping[str, Any],
    cls: type[_T],
    default: Any = None,
    names: Mapping[str, str] | None = None,
    **fixed: Any,
) -> _T:
    """Returns a configuration.

    Args:
        values: what `Command.parse` returned.
        cls: class of the configuration.
        default: has the values of what is not given; by default the defaults of the fields.
        names: of the flags, as in `common.config.Group`.
        **fixed: values of fields that no flag has.

    Raises:
        ValueError: naming the flag and what was expected.
    """
    found, flags = dict(fixed), {}
    for field in fields_of(cls):
        if field.name in fixed:
            continue
        if field.group:
            base = field.default if default is None else getattr(default, field.name)
            base = None if base is dataclasses.MISSING else base
            found[field.name] = build(values, field.nested, base, field.group.names)
        elif field.flag and (not names or field.name in names):
            name = flags[field.name] = _name(field, names)
            if name in values:
                found[field.name] = _converted(name, values[name], field)
            elif field.default is dataclasses.MISSING:
                raise ValueError(f"--{name} is required")
    try:
        return dataclasses.replace(default, **found) if default else cls(**found)
    except ValueError as error:
        field_name, _, expected = str(error).partition(" ")
        if field_name not in flags:
            raise
        raise ValueError(f"--{flags[field_name]} {expected}") from error


def _converted(name: str, value: Any, field: FieldType) -> Any:
    import pydantic

    assert field.flag
    if isinstance(value, str):
        value = field.flag.old_values.get(value, value)
    if isinstance(field.default, tuple):
        items = value if field.flag.repeated else [item.strip() for item in value.split(",")]
        if field.holds_pairs:
            for item in items:
                require("=" in item, f"--{name} must be KEY=VALUE", item)
            items = [item.split("=", 1) for item in items]
        value = items
    try:
        return pydantic.TypeAdapter(field.type).validate_python(value)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        expected = f"{first['msg'].removeprefix('Input ')}, got {first['input']!r}"
        raise ValueError(f"--{name} {expected}") from error


def check_output_path(flag: str, path: str) -> None:
    """Raises ValueError for a path below which TFX cannot write and read.

    Args:
        flag: whose value it is.
        path: whole path, `gs://…` or of a disk.
    """
    if set(path) & _PATTERN_CHARACTERS:
        raise ValueError(
            f"{flag} must not have * ? [ or \\ in its path, which TensorFlow takes for a pattern, "
            f"got {path!r}"
        )


def pipeline_config(
    given: Mapping[str, Any],
    path: Callable[[str, str], str],
    weights: Callable[[str], str],
    **paths: Any,
) -> PipelineConfig:
    """Returns the run that flags describe, without looking at the archive.

    Args:
        given: the flags.
        path: from a flag and the path that it gives to that of the platform.
        weights: likewise of `--mobilenet-weights`.
        **paths: further fields of `PipelineConfig`.

    Raises:
        ValueError: naming the value that is out of range.
    """
    train = build(given, TrainConfig)
    train = dataclasses.replace(train, mobilenet_weights=weights(train.mobilenet_weights))
    data = build(given, DataConfig, fma_features=train.feature_set == "fma")
    data = dataclasses.replace(
        data,
        audio_dir=path("--audio-dir", data.audio_dir),
        metadata_dir=data.metadata_dir and path("--metadata-dir", data.metadata_dir),
        tracks_csv=data.tracks_csv and path("--tracks-csv", data.tracks_csv),
        seed=train.seed if data.max_clips_per_genre else 0,
    )
    contest = build(given, ContestConfig)
    if "max-credible-accuracy" not in given:
        credible = MAX_CREDIBLE_ACCURACY.get(data.subset, 1.0) if data.metadata_dir else 1.0
        contest = dataclasses.replace(contest, max_credible_accuracy=credible)
    return build(given, PipelineConfig, train=train, data=data, contest=contest, **paths)
