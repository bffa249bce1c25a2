"""CSV files as pandas tables of text, read strictly: each row is whole and knows its line.

`pandas.read_csv` pads short rows, cuts long ones, joins what follows a closing quotation mark and
does not know the line that a row begins on. So the csv module reads, and pandas holds the columns.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import itertools
import operator
import re
import sys
from collections.abc import Hashable, Iterator, Sequence
from typing import IO

import pandas as pd

from common import files
from common.errors import InputError

WHOLE_NUMBER = "[0-9]{1,18}"  # fits an int64
_LONGEST_CELL = 16 * 2**20  # characters; artists' biographies pass the csv module's 128 KiB
_LONGEST_QUOTE = 60  # characters of a text that a message shows
_NOT_UTF_8 = re.compile("[\0\udc80-\udcff]")  # NUL, or a byte that the decoder has escaped


@dataclasses.dataclass(frozen=True)
class CsvTable:
    """Some columns of a CSV file; the index of `cells` is the line that a row begins on."""

    path: str
    cells: pd.DataFrame

    def require(self, column: str, valid: pd.Series[bool], expected: str) -> None:
        """Raises InputError for the first cell that is not valid, with what was expected."""
        wrong = self.cells.loc[~valid.to_numpy(bool), column]
        if len(wrong):
            line, cell = next(iter(wrong.items()))
            raise cell_error(self.path, line, column, cell, expected)

    def whole_numbers(self, column: str) -> pd.Series[int]:
        """Returns a column as int64; raises InputError for another cell than a whole number."""
        numbers = self.cells[column].str.fullmatch(f"-?{WHOLE_NUMBER}")
        self.require(column, numbers, "a whole number")
        return self.cells[column].astype("int64")

    def ids(self, column: str) -> pd.Series[int]:
        """Returns a column as int64; raises InputError for a negative or repeated number."""
        numbers = self.whole_numbers(column)
        self.require(column, (numbers >= 0) & ~numbers.duplicated(), "an id that no other row has")
        return numbers


def cell_error(path: str, line: Hashable, column: str, cell: str, expected: str) -> InputError:
    """Returns the error for a cell that is not as expected."""
    return InputError(f"{path}, line {line}: {column} is {quoted(cell)}, expected {expected}")


def read_table(
    path: str, required: Sequence[str], optional: Sequence[str] = (), header_rows: int = 1
) -> CsvTable:
    """Returns columns of a CSV file as text; see `stream_rows`."""
    lines, rows = [], []
    for line, cells in stream_rows(path, required, optional, header_rows):
        lines.append(line)
        rows.append(tuple(map(sys.intern, cells)))  # one copy of what many rows have
    index = pd.Index(lines, dtype="int64")
    return CsvTable(path, pd.DataFrame(rows, index, [*required, *optional], dtype=object))


def stream_rows(
    path: str, required: Sequence[str], optional: Sequence[str] = (), header_rows: int = 1
) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yields for each row the line that it begins on and its cells in some columns.

    Rows without any text are left out. Spaces before a cell are no part of it.

    Args:
        path: a file in UTF-8, with or without a byte order mark.
        required: names of columns, in lower case.
        optional: columns whose cells are empty where the file lacks them.
        header_rows: as pandas writes them: the names of a column are joined by dots, and the last
            of several rows has only the name of the first column.

    Raises:
        InputError: naming the file and the line where it cannot be read, is not UTF-8, is quoted
            wrongly, lacks a column or has it twice, or where a row is shorter or longer than the
            header.
    """
    try:
        with files.open_binary(path) as handle:
            rows = _parse(handle, path)
            header = list(itertools.islice(rows, header_rows))
            line = header[-1][0] if header else 1
            names = _column_names([cells for _, cells in header])
            places = _find_columns(names, required, optional, f"{path}, line {line}")
            pick = operator.itemgetter(*places)
            n_columns = len(names)
            for line, cells in rows:
                if len(cells) < n_columns or any(cells[n_columns:]):
                    raise InputError(
                        f"{path}, line {line}: the row has {len(cells)} cells, expected "
                        f"{n_columns} as in the header; a cell with a comma needs quotation marks"
                    )
                yield line, pick([*cells[:n_columns], ""])
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error


def quoted(text: str) -> str:
    """Returns a text as a message shows it: in quotes, in one line, and cut where it is long."""
    return repr(text) if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]!r}…"


def _column_names(header: list[list[str]]) -> list[str]:
    *above, names = header or [[]]
    if above:
        columns = itertools.zip_longest(*(cells[1:] for cells in above), fillvalue="")
        names = [*names[:1], *map(".".join, columns)]
    return [name.strip().lower() for name in names]


def _find_columns(
    names: list[str], required: Sequence[str], optional: Sequence[str], where: str
) -> list[int]:
    """Returns the places of columns, that behind the last one for a column that is missing."""
    for column in (*required, *optional):
        if column in required and column not in names:
            raise InputError(
                f"{where}: column {column} is missing; the header has "
                f"{quoted(','.join(filter(None, names)))}, and cells are separated by commas"
            )
        if names.count(column) > 1:
            raise InputError(f"{where}: column {column} is there more than once")
    return [names.index(c) if c in names else len(names) for c in (*required, *optional)]


def _parse(handle: IO[bytes], path: str) -> Iterator[tuple[int, list[str]]]:
    csv.field_size_limit(_LONGEST_CELL)
    rows = csv.reader(_decode(handle, path), strict=True, skipinitialspace=True)
    while True:
        line = rows.line_num + 1
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            raise InputError(f"{path}, line {line}: the row is damaged: {error}") from error
        if any(cells):
            yield line, cells


def _decode(handle: IO[bytes], path: str) -> Iterator[str]:
    # Strict decoding would fail in a block that is read ahead; escaped, a wrong byte is found in
    # its line. Not every Python's csv module refuses NUL.
    text = io.TextIOWrapper(handle, "utf-8-sig", errors="surrogateescape", newline="")
    for number, line in enumerate(text, start=1):
        if ("\0" in line or not line.isascii()) and (wrong := _NOT_UTF_8.search(line)):
            byte = ord(wrong[0]) & 0xFF
            raise InputError(
                f"{path}, line {number}: the byte 0x{byte:02x} is not valid UTF-8; if the file is "
                'in UTF-16, Windows-1252 or the like, save it as UTF-8 (in Excel: "CSV UTF-8")'
            )
        yield line
