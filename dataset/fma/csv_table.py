"""A CSV table as pandas writes it: one header row or several, then a row for each id.

The table is read as a stream: what is held of it is a row, and the ids that have been there.
"""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import io
import re
from collections.abc import Iterator, Sequence
from typing import IO

from common import files
from common.errors import InputError

Column = tuple[str, ...]

_LONGEST_FIELD = 16 * 2**20  # characters; artists' biographies pass the csv module's 128 KiB
_LONGEST_LINE = 4 * _LONGEST_FIELD
_ID = re.compile(r"[0-9]{1,18}")  # fits an int64
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,18}")
_LONGEST_QUOTE = 60  # characters of a cell that a message shows
# How a file in UTF-16 begins, read as UTF-8 with escapes: with its byte order mark, or without one
# with two ASCII characters, whose every other byte is NUL.
_UTF_16 = re.compile("\udcff\udcfe|\udcfe\udcff|(?:[^\0]\0){2}|(?:\0[^\0]){2}")
_SAVE_AS = 'save the table as UTF-8 (in Excel: the file type "CSV UTF-8")'


@contextlib.contextmanager
def opened(path: str) -> Iterator[IO[bytes]]:
    """Opens a table for reading.

    Raises:
        InputError: naming the file where it cannot be opened, or read within the `with` block.
    """
    try:
        with files.open_binary(path) as handle:
            yield handle
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error


def lines(handle: IO[bytes], name: str) -> Iterator[tuple[int, list[str]]]:
    """Yields the rows of a CSV file as (line that it begins on, cells), without the empty ones.

    Spaces before a cell are no part of it.

    Args:
        handle: the open file, UTF-8 with or without a byte order mark.
        name: what to call it in an error.

    Raises:
        InputError: naming the encoding, or the line that is not UTF-8, holds NUL, or is quoted
            wrongly or too long.
    """
    csv.field_size_limit(_LONGEST_FIELD)
    rows = csv.reader(_text_lines(handle, name), strict=True, skipinitialspace=True)
    while True:
        first_line = rows.line_num + 1
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            raise InputError(f"{name} is damaged near line {first_line}: {error}") from error
        if cells:
            yield first_line, cells


def _text_lines(handle: IO[bytes], name: str) -> Iterator[str]:
    # Strict decoding would fail somewhere in the block that is read ahead; escaped, a wrong byte
    # is found in its line.
    text = io.TextIOWrapper(handle, "utf-8-sig", errors="surrogateescape", newline="")
    number = 0
    while line := text.readline(_LONGEST_LINE):
        number += 1
        if number == 1 and _UTF_16.match(line):
            raise InputError(f"{name} is in UTF-16, expected UTF-8; {_SAVE_AS}")
        if "\0" in line:  # which the csv module takes from Python 3.11 on
            raise InputError(f"{name} is damaged in line {number}: it holds NUL")
        if len(line) == _LONGEST_LINE:
            raise InputError(f"{name} is damaged in line {number}: it is too long for a table")
        try:
            line.encode()
        except UnicodeEncodeError as error:
            byte = ord(line[error.start]) & 0xFF
            raise InputError(
                f"{name} is not in UTF-8: line {number} has the byte 0x{byte:02x}; {_SAVE_AS}"
            ) from error
        yield line


@dataclasses.dataclass(frozen=True)
class Layout:
    """How a table is laid out.

    Attributes:
        title: what the table is, such as "FMA's tracks.csv".
        heads: what each header row begins with, "" for anything; the last one is the name of the
            id. It has a row of its own below those of the column names, if there are several.
        thing: what has an id.
    """

    title: str
    heads: tuple[str, ...]
    thing: str = "track"


class Table:
    """An open table: its columns, and its rows as an iterator that can be used once.

    Attributes:
        name: what to call it in an error.
        layout: what it is.
        columns: the name of each column, the id's aside: a part from every header row.
    """

    def __init__(self, handle: IO[bytes], name: str, layout: Layout):
        """Reads the header.

        Raises:
            InputError: where it is not of the layout.
        """
        self.name = name
        self.layout = layout
        self._lines = lines(handle, name)
        self.columns = self._read_header()
        self._place = {column: place for place, column in enumerate(self.columns)}
        if len(self._place) < len(self.columns):
            twice = next(c for place, c in enumerate(self.columns) if self._place[c] != place)
            raise self.refusal(f"column {'.'.join(twice)} is there twice")

    def refusal(self, reason: str) -> InputError:
        """Returns the error that says why this is not the table it should be."""
        return InputError(f"{self.name} is not {self.layout.title}: {reason}")

    def find(self, column: Column) -> int | None:
        """Returns the place of a column among a record's cells, None where there is none."""
        return self._place.get(column)

    def place(self, column: Column) -> int:
        """Returns the place of a column among a record's cells.

        Raises:
            InputError: where there is none.
        """
        if column not in self._place:
            raise self.refusal(f"column {'.'.join(column)} is missing")
        return self._place[column]

    def require_columns(self, columns: Sequence[Column]) -> None:
        """Makes sure that the table has exactly these columns, in this order.

        Raises:
            InputError: naming the first that is another.
        """
        if len(self.columns) != len(columns):
            raise self.refusal(f"it has {len(self.columns)} columns, expected {len(columns)}")
        for got, expected in zip(self.columns, columns, strict=True):
            if got != expected:
                raise self.refusal(
                    f"it has column {'.'.join(got)} where {'.'.join(expected)} is expected"
                )

    def __iter__(self) -> Iterator[Record]:
        """Yields the rows.

        Raises:
            InputError: naming the line whose id is none or there twice, or that has too few cells.
        """
        seen: set[int] = set()
        for line, (index, *cells) in self._lines:
            record = Record(self, line, self._id(index, line), cells)
            if len(cells) != len(self.columns):
                raise InputError(
                    f"{record.where}: the row has {1 + len(cells)} columns, "
                    f"expected {1 + len(self.columns)}"
                )
            if record.id in seen:
                raise InputError(f"{record.where}: there is a second row of this id")
            seen.add(record.id)
            yield record

    def _read_header(self) -> tuple[Column, ...]:
        heads = self.layout.heads
        # zip() asks for a head first, so that it takes no row of the data.
        rows = [cells for _, (_, cells) in zip(heads, self._lines, strict=False)]
        for head, cells in zip(heads, rows, strict=False):
            if head and cells[0] != head:
                raise self.refusal(f"no row that begins with {head!r} in its place")
        if len(rows) < len(heads):
            raise self.refusal(f"it has {len(rows)} header rows, expected {len(heads)}")
        if len({len(cells) for cells in rows}) > 1:
            raise self.refusal("its header rows have different numbers of columns")
        names = rows[:-1] or rows
        return tuple(zip(*(cells[1:] for cells in names), strict=True))

    def _id(self, cell: str, line: int) -> int:
        if not _ID.fullmatch(cell):
            name = self.layout.heads[-1]
            raise InputError(
                f"{self.name}, line {line}: {name} is {quoted(cell)}, not a whole number"
            )
        return int(cell)


@dataclasses.dataclass(frozen=True, slots=True)
class Record:
    """A row of a table: its id, and the cells of its columns in the table's order."""

    table: Table
    line: int
    id: int
    cells: list[str]

    @property
    def where(self) -> str:
        """What to call the row in an error."""
        return f"{self.table.name}, line {self.line} ({self.table.layout.thing} {self.id})"

    def refusal(self, place: int, expected: str) -> InputError:
        """Returns the error that names a cell, shows it and says what is wrong with it."""
        column = ".".join(self.table.columns[place])
        return InputError(f"{self.where}: {column} is {quoted(self.cells[place])}, {expected}")

    def whole_number(self, place: int) -> int:
        """Returns the whole number in a cell.

        Raises:
            InputError: where it holds none.
        """
        if not _WHOLE_NUMBER.fullmatch(self.cells[place]):
            raise self.refusal(place, "not a whole number")
        return int(self.cells[place])

    def numbers(self, first: int = 0, end: int | None = None) -> list[float]:
        """Returns the numbers in the cells [first, end), nan for an empty cell.

        Raises:
            InputError: for a cell that holds none.
        """
        cells = self.cells[first:end]
        try:
            return [float(cell or "nan") for cell in cells]
        except ValueError:
            wrong = next(place for place, cell in enumerate(cells) if not _is_number(cell or "nan"))
            raise self.refusal(first + wrong, "not a number") from None


def quoted(cell: str) -> str:
    """Returns a cell as a message shows it: in quotes, in one line, and cut where it is long."""
    return repr(cell) if len(cell) <= _LONGEST_QUOTE else f"{cell[:_LONGEST_QUOTE]!r}…"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
