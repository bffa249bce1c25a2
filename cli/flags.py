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


class _Switch(argparse.Action):
    """Stores whether a switch is turned on: by its name, and off by `--no-` before it."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        setattr(namespace, self.dest, "-no-" not in str(option_string))


def add_switch(
    group: argparse._ArgumentGroup, option: str, *, help: str, default: bool = False
) -> None:
    """Adds a flag that is turned on by its name and off by `--no-` before it."""
    off = f"--no-{option.removeprefix('--')}"
    group.add_argument(option, off, action=_Switch, nargs=0, help=help, default=default)


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

    def spellings(self) -> Iterator[tuple[str, bool]]:
        """Yields each name of the flag, and whether the help shows it."""
        for name, is_shown in ((self.name, True), *((old, False) for old in self.flag.old)):
            yield name, is_shown
            if self.is_switch and is_shown:
                yield f"no-{name}", True


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
        # What a YAML file may hold: the flag that a name stands for, and of a switch its state.
        self._keys: dict[str, tuple[_Option, bool]] = {}
        for title in dict.fromkeys(option.group for option in options):
            group = self.parser.add_argument_group(title)
            of_group = [option for option in options if option.group == title]
            for option in sorted(of_group, key=lambda each: "(required)" not in each.help):
                self._add(group, option)

    def _add(self, group: argparse._ArgumentGroup, option: _Option) -> None:
        how: dict[str, Any] = {"dest": option.name, "default": argparse.SUPPRESS}
        if option.is_switch:
            how |= {"action": _Switch, "nargs": 0}
        else:
            choices = f"{{{','.join(option.field.choices)}}}" if option.field.choices else None
            how |= {"action": "append" if option.flag.repeated else "store"}
            how |= {"metavar": option.flag.metavar or choices}
        shown = [f"--{name}" for name, is_shown in option.spellings() if is_shown]
        group.add_argument(*shown, help=option.help.replace("%", "%%"), **how)
        if option.flag.old:
            old = (f"--{name}" for name in option.flag.old)
            group.add_argument(*old, help=argparse.SUPPRESS, **how)
        for name, _ in option.spellings():
            self._keys[name] = option, "-no-" not in f"-{name}"

    def parse(self, arguments: Sequence[str] | None) -> Given:
        """Returns what a command line gives; ends the program where it has no such flags."""
        values = vars(self.parser.parse_args(arguments))
        return Given(values, {name: f"--{name}" for name in values})

    def read(self, path: str) -> Given:
        """Returns what a YAML file gives, whose keys are names of flags; null gives nothing.

        Raises:
            ValueError: naming the file, and the key that is no flag.
        """
        import yaml

        try:
            found = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            reason = " ".join(str(getattr(error, "strerror", None) or error).split())
            raise ValueError(f"cannot read the configuration {path}: {reason}") from error
        if not isinstance(found, dict):
            raise ValueError(f"{path} must hold the flags as `name: value`, a line each")
        given = Given({}, {})
        for key, value in found.items():
            if key not in self._keys or key == "config":
                raise ValueError(f"{path}: there is no flag {key!r}")
            option, turns_on = self._keys[key]
            if value is None:
                continue
            if option.is_switch != isinstance(value, bool):
                expected = "must be true or false" if option.is_switch else "needs a value"
                raise ValueError(f"{path}: {key} {expected}, got {value!r}")
            given.values[option.name] = value == turns_on if option.is_switch else value
            given.sources[option.name] = f"{path}: {key}"
        return given


@dataclasses.dataclass(frozen=True)
class Given:
    """Values by the names of flags, and how a message names where each comes from."""

    values: dict[str, Any]
    sources: dict[str, str]

    def over(self, below: Given, unless: Collection[str] = ()) -> Given:
        """Returns these values, and those of `below` where there are none.

        Args:
            below: other values.
            unless: flags of which one here makes all of them in `below` count for nothing.
        """
        dropped = set(unless) if set(unless) & set(self.values) else set()
        kept = {name: value for name, value in below.values.items() if name not in dropped}
        return Given({**kept, **self.values}, {**below.sources, **self.sources})

    def build(
        self,
        cls: type[_T],
        default: Any = None,
        names: Mapping[str, str] | None = None,
        **fixed: Any,
    ) -> _T:
        """Returns the configuration of these values.

        Args:
            cls: its class.
            default: has the values of what is not given; by default the defaults of the fields.
            names: of the flags, as in `common.config.Group`.
            **fixed: values of fields that no flag has.

        Raises:
            ValueError: naming the flag, or the key of a file, and what was expected.
        """
        values, flags = dict(fixed), {}
        for field in fields_of(cls):
            if field.name in fixed:
                continue
            if field.group:
                base = field.default if default is None else getattr(default, field.name)
                base = None if base is dataclasses.MISSING else base
                values[field.name] = self.build(field.nested, base, field.group.names)
            elif field.flag and (not names or field.name in names):
                name = flags[field.name] = _name(field, names)
                if name in self.values:
                    values[field.name] = self._converted(name, field)
                elif field.default is dataclasses.MISSING:
                    raise ValueError(f"--{name} is required")
        try:
            return dataclasses.replace(default, **values) if default else cls(**values)
        except ValueError as error:
            field_name, _, expected = str(error).partition(" ")
            if field_name not in flags:
                raise
            name = flags[field_name]
            raise ValueError(f"{self.sources.get(name, f'--{name}')} {expected}") from error

    def _converted(self, name: str, field: FieldType) -> Any:
        import pydantic

        value = self.values[name]
        if field.flag and isinstance(value, str):
            value = field.flag.old_values.get(value, value)
        try:
            if isinstance(field.default, tuple):
                value = _items(value, field)
            config = pydantic.ConfigDict(strict=field.type is bool, coerce_numbers_to_str=True)
            return pydantic.TypeAdapter(field.type, config=config).validate_python(value)
        except pydantic.ValidationError as error:
            first = error.errors()[0]
            expected = f"{first['msg'].removeprefix('Input ')}, got {first['input']!r}"
            raise ValueError(f"{self.sources[name]} {expected}") from error
        except ValueError as error:
            raise ValueError(f"{self.sources[name]} {error}") from error


def _items(value: Any, field: FieldType) -> Any:
    """Returns the list that a text with commas, a list or a mapping stands for."""
    if isinstance(value, Mapping):
        require(field.holds_pairs, "must be a list", value)
        return list(value.items())
    if isinstance(value, str):
        is_one = field.flag and field.flag.repeated
        value = [value] if is_one else [item.strip() for item in value.split(",")]
    if field.holds_pairs:
        for item in value:
            require("=" in str(item), "must be KEY=VALUE", item)
        return [item.split("=", 1) for item in value]
    return value


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
    try:
        path.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(f"{flag} must be UTF-8, which TensorFlow needs, got {path!r}") from error


def pipeline_config(
    given: Given,
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
    train = given.build(TrainConfig)
    train = dataclasses.replace(train, mobilenet_weights=weights(train.mobilenet_weights))
    data = given.build(DataConfig, fma_features=train.feature_set == "fma")
    data = dataclasses.replace(
        data,
        audio_dir=path("--audio-dir", data.audio_dir),
        metadata_dir=data.metadata_dir and path("--metadata-dir", data.metadata_dir),
        tracks_csv=data.tracks_csv and path("--tracks-csv", data.tracks_csv),
        seed=train.seed if data.max_clips_per_genre else 0,
    )
    contest = given.build(ContestConfig)
    if "max-credible-accuracy" not in given.values:
        credible = MAX_CREDIBLE_ACCURACY.get(data.subset, 1.0) if data.metadata_dir else 1.0
        contest = dataclasses.replace(contest, max_credible_accuracy=credible)
    return given.build(PipelineConfig, train=train, data=data, contest=contest, **paths)
