"""A CSV table as pandas writes it: what is read, and what is wrong with a damaged one."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from common.errors import InputError
from dataset.fma.csv_table import Layout, Record, Table, lines, opened, quoted

PLAIN = Layout("a list", ("id",), "thing")
GROUPED = Layout("a grouped list", ("", "", "id"), "thing")
HEAD = b"id,name,size\n"


def table(data: bytes, layout: Layout = PLAIN) -> Table:
    """Return an open table called T."""
    return Table(io.BytesIO(data), "T", layout)


def records(data: bytes) -> list[Record]:
    """Return the rows of a table with the columns name and size."""
    return list(table(HEAD + data))


def refusal(data: bytes, layout: Layout = PLAIN) -> str:
    """Return the sentence with which a table called T is refused."""
    with pytest.raises(InputError) as caught:
        list(table(data, layout))
    return str(caught.value)


def test_a_row_is_an_id_and_cells() -> None:
    (first, second) = records(b"7,seven,1\n3,,-2\n")
    assert (first.id, first.cells, first.line) == (7, ["seven", "1"], 2)
    assert (second.id, second.cells, second.line) == (3, ["", "-2"], 3)
    assert second.where == "T, line 3 (thing 3)"


def test_columns_have_a_part_from_every_header_row() -> None:
    found = table(b",a,a,b\n,x,y,x\nid,,,\n1,2,3,4\n", GROUPED)
    assert found.columns == (("a", "x"), ("a", "y"), ("b", "x"))
    assert found.place(("b", "x")) == 2
    assert found.find(("b", "y")) is None
    assert [record.cells for record in found] == [["2", "3", "4"]]


def test_a_header_row_without_a_name_of_its_own_may_begin_with_anything() -> None:
    found = table(b"Unnamed: 0,a\nUnnamed: 1,x\nid,\n1,2\n", GROUPED)
    assert found.columns == (("a", "x"),)


def test_a_column_that_is_not_there_is_named() -> None:
    with pytest.raises(InputError) as caught:
        table(b",a\n,x\nid,\n", GROUPED).place(("a", "z"))
    assert str(caught.value) == "T is not a grouped list: column a.z is missing"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "it has 0 header rows, expected 3"),
        (b",a\n,x\n", "it has 2 header rows, expected 3"),
        (b",a\n,x\n7,1\n", "no row that begins with 'id' in its place"),
        (b",a,b\n,x\nid,\n", "its header rows have different numbers of columns"),
        (b",a,b,a\n,x,x,x\nid,,,\n", "column a.x is there twice"),
    ],
)
def test_a_header_of_another_layout_is_refused(data: bytes, expected: str) -> None:
    assert refusal(data, GROUPED) == f"T is not a grouped list: {expected}"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"7,a,1\n7,b,2\n", "T, line 3 (thing 7): there is a second row of this id"),
        (b"7,a\n", "T, line 2 (thing 7): the row has 2 columns, expected 3"),
        (b"7,a,1,2\n", "T, line 2 (thing 7): the row has 4 columns, expected 3"),
        (b",a,1\n", "T, line 2: id is '', not a whole number"),
        (b"-1,a,1\n", "T, line 2: id is '-1', not a whole number"),
        (b"7.0,a,1\n", "T, line 2: id is '7.0', not a whole number"),
        ("٧,a,1\n".encode(), "T, line 2: id is '٧', not a whole number"),
        (b"9999999999999999999,a,1\n", f"T, line 2: id is '{'9' * 19}', not a whole number"),
    ],
)
def test_a_row_that_cannot_be_used_is_named(data: bytes, expected: str) -> None:
    assert refusal(HEAD + data) == expected


def test_a_row_is_named_by_the_line_that_it_begins_on() -> None:
    found = records(b'1,"two\nlines",1\r\n\r\n\n2,"three\r\n\r\nlines",2\n3,c,3\n')
    assert [(record.id, record.line) for record in found] == [(1, 2), (2, 6), (3, 9)]
    assert [record.cells[0] for record in found] == ["two\nlines", "three\r\n\r\nlines", "c"]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_lines_may_end_as_they_do_elsewhere(end: bytes) -> None:
    data = (HEAD + b'1,"a ""b"", c",2\n2,,').replace(b"\n", end)
    assert [r.cells for r in table(data)] == [['a "b", c', "2"], ["", ""]]


def test_a_byte_order_mark_is_no_part_of_the_first_cell() -> None:
    assert [record.id for record in table(b"\xef\xbb\xbf" + HEAD + b"7,a,1\n")] == [7]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"1,caf\xe9,1\n", "T is not in UTF-8: line 3 has the byte 0xe9; save the table as UTF-8"),
        (b"1,\xed\xa0\x80,1\n", "T is not in UTF-8: line 3 has the byte 0xed; save the table as "),
        (b"1,a\0b,1\n", "T is damaged in line 3: it holds NUL"),
        (b'1,"a,1\n2,b,2\n', "T is damaged near line 3: unexpected end of data"),
        (b'1,"a"b,1\n', "T is damaged near line 3: ',' expected after '\"'"),
    ],
)
def test_damage_is_named_by_its_line(data: bytes, expected: str) -> None:
    rows = b"".join(b"%d,x,1\n" % number for number in range(5_000, 6_000))
    assert refusal(HEAD + b"9,x,1\n" + data + rows).startswith(expected)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_utf_16_is_named_with_what_to_do(encoding: str, mark: str) -> None:
    assert refusal((mark + HEAD.decode() + "7,caf\u00e9,1\r\n").encode(encoding)) == (
        "T is in UTF-16, expected UTF-8; save the table as UTF-8 (in Excel: the file type "
        '"CSV UTF-8")'
    )


def test_spaces_before_a_cell_are_no_part_of_it_and_quotes_after_them_are_quotes() -> None:
    data = b'id, name, size\n 7, "Seven, and ""more""",  1\n'
    found = table(data)
    assert found.columns == (("name",), ("size",))
    assert [(record.id, record.cells) for record in found] == [(7, ['Seven, and "more"', "1"])]


def test_nul_in_the_header_is_damage_too() -> None:
    assert refusal(b"id,na\0me\n") == "T is damaged in line 1: it holds NUL"


def test_a_field_may_be_longer_than_the_csv_modules_limit_but_has_one() -> None:
    (record,) = records(b"1,%s,1\n" % (b"b" * 2**24))
    assert len(record.cells[0]) == 2**24
    expected = "T is damaged near line 2: field larger than field limit (16777216)"
    assert refusal(HEAD + b"1,b%s,1\n" % (b"b" * 2**24)) == expected


def test_a_file_without_lines_is_not_read_to_its_end() -> None:
    class Endless(io.RawIOBase):
        n_read = 0

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
            buffer[:] = b"x" * len(buffer)
            self.n_read += len(buffer)
            assert self.n_read < 2**28
            return len(buffer)

    with pytest.raises(InputError, match="T is damaged in line 1: it is too long for a table"):
        next(lines(io.BufferedReader(Endless(), 2**20), "T"))


def test_no_more_than_a_row_is_held() -> None:
    class Rows(io.RawIOBase):
        def __init__(self) -> None:
            self.numbers = iter(range(2_000))

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
            row = next((b"%d,%s,1\n" % (n, b"b" * 4_000) for n in self.numbers), b"")
            buffer[: len(row)] = row
            return len(row)

    def chained() -> Iterator[int]:
        handle = io.BufferedReader(Rows(), 8_192)
        layout = Layout("rows", ("0",))
        yield from (record.id for record in Table(handle, "T", layout))

    tracemalloc.start()
    assert sum(1 for _ in chained()) == 1_999
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000  # of 8 MB


@pytest.mark.parametrize("cell", ["", "\t", "1.0", "1e3", "x", "1_000", "9" * 19, "٧"])
def test_what_is_no_whole_number_names_row_and_column(cell: str) -> None:
    (record,) = records(f"7,a,{cell}\n".encode())
    with pytest.raises(InputError) as caught:
        record.whole_number(1)
    assert str(caught.value) == f"T, line 2 (thing 7): size is {cell!r}, not a whole number"


@pytest.mark.parametrize(("cell", "number"), [("0", 0), ("-1", -1), ("9" * 18, 10**18 - 1)])
def test_a_whole_number(cell: str, number: int) -> None:
    (record,) = records(f"7,a,{cell}\n".encode())
    assert record.whole_number(1) == number


def test_numbers_name_the_first_cell_that_is_none() -> None:
    (record,) = table(b"id,a,b,c,d\n7,x,1e-3,,loud\n")
    assert record.numbers(1, 2) == [0.001]
    assert str(record.numbers(1, 3)) == "[0.001, nan]"
    with pytest.raises(InputError) as caught:
        record.numbers(1)
    assert str(caught.value) == "T, line 2 (thing 7): d is 'loud', not a number"


def test_a_message_shows_a_long_cell_cut_and_in_one_line() -> None:
    assert quoted("a\nb") == r"'a\nb'"
    assert quoted("x" * 10_000) == f"'{'x' * 60}'…"


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.csv", tmp_path):
        with (
            pytest.raises(InputError, match=f"cannot read {path}: "),
            opened(str(path)) as handle,
        ):
            handle.read()


def test_a_file_is_read_as_it_is_whatever_it_is_called(tmp_path: Path) -> None:
    path = tmp_path / "table.csv.gz"
    path.write_bytes(HEAD + b"7,a,1\n")
    with opened(str(path)) as handle:
        assert [record.id for record in Table(handle, "T", PLAIN)] == [7]
