"""Deliveries: `{SPAN}` in the path of the audio folder, as TFX's ExampleGen has it."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Collection, Iterable

from common.errors import InputError
from dataset.config import ALL_SPANS

LATEST_SPAN = "latest"
NO_SPAN = 0
# The width is that of a number with leading zeros: {SPAN:2} is 07.
_SPAN = re.compile(r"\{SPAN(?::([1-9]))?\}")
_NUMBER = "[0-9]{1,18}"
_FOREIGN = re.compile(r"\{(?:SPAN|VERSION|YYYY|MM|DD)\b[^}]*\}?")
_RANGE = re.compile(rf"({_NUMBER})(?:-({_NUMBER}))?")


@dataclasses.dataclass(frozen=True)
class Template:
    """The path of the audio folder, with `{SPAN}` where it has deliveries; see `parse`."""

    path: str

    @property
    def has_span(self) -> bool:
        """Whether there are deliveries."""
        return bool(_SPAN.search(self.path))

    @property
    def glob(self) -> str:
        """A pattern of the folders."""
        return _SPAN.sub("*", self.path)

    def find(self, path: str) -> tuple[int, str] | None:
        """Returns the span of a folder or of a file in it, and the folder; None outside of all."""
        match = self._regex.match(path)
        return (int(match[1] or NO_SPAN), match[0]) if match else None

    @functools.cached_property
    def _regex(self) -> re.Pattern[str]:
        before, *span = _SPAN.split(self.path)
        number, after = "", ""
        if span:
            width, after = span
            number = f"[0-9]{{{width}}}" if width else _NUMBER
        return re.compile(rf"{re.escape(before)}({number}){re.escape(after)}(?=/|\Z)")


def parse(audio_dir: str) -> Template:
    """Returns the template of an audio folder.

    Raises:
        InputError: for a second `{SPAN}`, another of TFX's placeholders or a width that is none.
    """
    path = audio_dir.rstrip("/") or audio_dir
    if foreign := _FOREIGN.search(_SPAN.sub("", path, count=1)):
        raise InputError(
            f"the audio folder {audio_dir} has {foreign[0]} in its path; there can be one "
            "{SPAN}, or {SPAN:2} for numbers of two digits, and no other placeholder"
        )
    return Template(path)


def folders_by_span(found: Iterable[tuple[int, str]]) -> dict[int, str]:
    """Returns the folder of each span.

    Raises:
        InputError: where two folders are of one span, as 1 and 01 are.
    """
    folders: dict[int, str] = {}
    for span, folder in found:
        if folders.setdefault(span, folder) != folder:
            raise InputError(f"span {span} is there twice, as {folders[span]} and {folder}")
    return folders


def choose(template: Template, spans: Collection[int], wanted: str) -> list[int]:
    """Returns the spans to read, in order.

    Args:
        template: of the audio folder.
        spans: those that there are.
        wanted: `all`, `latest`, a number or a range like `2-5`, in which there may be gaps.

    Raises:
        InputError: where no span is as wanted, with those there are.
    """
    if not template.has_span:
        if wanted != ALL_SPANS:
            raise InputError(f"--span {wanted} needs {{SPAN}} in --audio-dir, got {template.path}")
        return [NO_SPAN]
    if not spans:
        raise InputError(f"there is no folder like {template.path}, with a number for {{SPAN}}")
    bounds = {ALL_SPANS: f"0-{max(spans)}", LATEST_SPAN: f"{max(spans)}"}
    numbers = _RANGE.fullmatch(bounds.get(wanted, wanted))
    first, last = (int(numbers[1]), int(numbers[2] or numbers[1])) if numbers else (1, 0)
    if first > last:
        raise InputError(
            f"--span must be {ALL_SPANS}, {LATEST_SPAN}, a number or a range like 2-5, "
            f"got {wanted!r}"
        )
    chosen = sorted(span for span in spans if first <= span <= last)
    if not chosen:
        there = ", ".join(map(str, sorted(spans)))
        raise InputError(f"{template.path} has no span {wanted}; it has {there}")
    return chosen
