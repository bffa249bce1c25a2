"""What configurations are made of: frozen dataclasses whose fields say all about their values.

A field reads `patience: Annotated[int, POSITIVE, Flag("epochs before training stops", "N")] = 8`:
type, bounds, help, unit and default stand there and nowhere else. `cli.flags` makes the flags, the
keys of YAML files and the help of them; a field without a `Flag` has no flag.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import typing
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, TypeVar

_T = TypeVar("_T")


@dataclasses.dataclass(frozen=True)
class Flag:
    """The flag of a field.

    Attributes:
        help: a verb phrase or a noun, with the unit; the default is added where it does not say it.
        metavar: placeholder of the value.
        name: without dashes; by default the field's, with dashes for underscores.
        old: former names, which are accepted for one release and not shown; of a switch, names that
            turn it off.
        group: of the help; by default `flag_group` of the class, or that of the field it stands at.
        old_values: former names of values and what they are called now, accepted for one release.
        repeated: whether the flag is given once per value, and not once with commas.
    """

    help: str
    metavar: str | None = None
    name: str = ""
    old: tuple[str, ...] = ()
    old_values: Mapping[str, str] = dataclasses.field(default_factory=dict)
    group: str = ""
    repeated: bool = False


@dataclasses.dataclass(frozen=True)
class Group:
    """Stands at a field that holds a configuration: how the flags of its fields are shown.

    Attributes:
        title: of the group in the help.
        names: field: name of its flag; where there are any, other fields have no flag here.
        of: what is added to the help of each flag.
    """

    title: str
    names: Mapping[str, str] = dataclasses.field(default_factory=dict)
    of: str = ""


@dataclasses.dataclass(frozen=True)
class Bounds:
    """An interval; `None` is no value and passes."""

    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None

    def __contains__(self, value: float) -> bool:
        return (
            (self.ge is None or value >= self.ge)
            and (self.gt is None or value > self.gt)
            and (self.le is None or value <= self.le)
            and (self.lt is None or value < self.lt)
        )

    def __str__(self) -> str:
        words = {"ge": "at least", "gt": "greater than", "le": "at most", "lt": "less than"}
        limits = {name: getattr(self, name) for name in words}
        return " and ".join(f"{words[key]} {n}" for key, n in limits.items() if n is not None)


POSITIVE = Bounds(gt=0)
NOT_NEGATIVE = Bounds(ge=0)
SHARE = Bounds(ge=0, le=1)


class FieldType:
    """A field with its annotation taken apart."""

    def __init__(self, field: dataclasses.Field[Any], hint: Any) -> None:
        self.name, self.default = field.name, field.default
        is_annotated = typing.get_origin(hint) is Annotated
        self.type, *extra = typing.get_args(hint) if is_annotated else (hint,)
        by_kind = {type(each): each for each in extra}
        self.flag: Flag | None = by_kind.get(Flag)
        self.group: Group | None = by_kind.get(Group)
        self.bounds: Bounds | None = by_kind.get(Bounds)
        is_choice = typing.get_origin(self.type) is Literal
        self.choices: tuple[str, ...] = typing.get_args(self.type) if is_choice else ()
        self.holds_pairs = self.type == tuple[tuple[str, str], ...]
        parts = (self.type, *typing.get_args(self.type))
        self.nested: Any = next((each for each in parts if dataclasses.is_dataclass(each)), None)

    def checked(self, value: Any) -> Any:
        """Returns `value`, in the field's type where it comes from JSON; raises ValueError."""
        if typing.get_origin(self.type) is tuple and isinstance(value, list):
            value = tuple(tuple(each) if isinstance(each, list) else each for each in value)
        if self.nested and isinstance(value, Mapping):
            value = self.nested(**value)
        if self.choices:
            is_known = value in self.choices
            require(is_known, f"{self.name} must be one of {', '.join(self.choices)}", value)
        if isinstance(value, float):
            require(math.isfinite(value), f"{self.name} must be finite", value)
        if self.bounds and value is not None:
            require(value in self.bounds, f"{self.name} must be {self.bounds}", value)
        return value


def fields_of(cls: Any) -> tuple[FieldType, ...]:
    """Returns the fields of a configuration class."""
    return _fields_of(cls)  # mypy does not accept these classes as hashable


@functools.cache
def _fields_of(cls: Any) -> tuple[FieldType, ...]:
    hints = typing.get_type_hints(cls, include_extras=True)
    return tuple(FieldType(field, hints[field.name]) for field in dataclasses.fields(cls))


class Config:
    """Base of the frozen dataclasses; `__post_init__` of one that checks more calls this one's."""

    flag_group: ClassVar[str] = "run"  # of flags whose field names no other

    def __post_init__(self) -> None:
        """Raises ValueError, which begins with a field's name, for a value out of its bounds."""
        for field in fields_of(type(self)):
            object.__setattr__(self, field.name, field.checked(getattr(self, field.name)))


def require(condition: bool, expected: str, got: object) -> None:
    """Raises ValueError that says what was expected and what came, unless the condition holds."""
    if not condition:
        raise ValueError(f"{expected}, got {got!r}")


def to_json(config: Any) -> str:
    """Returns the JSON text of a configuration, keys sorted."""
    return json.dumps(dataclasses.asdict(config), sort_keys=True)


def from_json(cls: type[_T], text: str | Mapping[str, Any]) -> _T:
    """Returns the configuration that `to_json` wrote as `text`; validates it again."""
    values = json.loads(text) if isinstance(text, str) else dict(text)
    return cls(**values)
