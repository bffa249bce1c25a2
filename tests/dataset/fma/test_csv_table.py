"""A CSV file: what is read of it, and what is wrong with a damaged one."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from common.errors import InputError
from dataset.fma.csv_table import CsvTable, quoted, read_table

HEAD = b"id,name,size\n"
Read = Callable[..., CsvTable]


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Read:
    """Return a reader of a file called T."""
    monkeypatch.chdir(tmp_path)

    def read(data: bytes, *optional: str, header_rows: int = 1) -> CsvTable:
        Path("T").write_bytes(data)
        return read_table("T", ("id", "name"), optional, header_rows)

    return read


def rows(table: CsvTable) -> list[tuple[object, ...]]:
    """Return line and cells of the rows."""
    return list(table.cells.itertuples(name=None))


def test_columns_are_found_by_name_and_others_are_not_read(read: Read) -> None:
    table = read(b" Name, ID ,more\nseven,7,x\n,3,\n", "size")
    assert list(table.cells) == ["id", "name", "size"]
    assert rows(table) == [(2, "7", "seven", ""), (3, "3", "", "")]


@pytest.mark.parametrize(
    "text", ["NA", "nan", "None", "null", "1.0", "007", "9007199254740993", "True", " "]
)
def test_a_cell_is_the_text_that_is_written(read: Read, text: str) -> None:
    assert rows(read(f'id,name\n1,"{text}"\n'.encode())) == [(2, "1", text)]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_ends_of_lines_and_a_byte_order_mark(read: Read, end: bytes, mark: bytes) -> None:
    data = mark + (HEAD + b'1,"a ""b"", c",2\n2,,').replace(b"\n", end)
    assert rows(read(data)) == [(2, "1", 'a "b", c'), (3, "2", "")]


def test_a_row_is_named_by_the_line_that_it_begins_on(read: Read) -> None:
    table = read(HEAD + b'1,"two\nlines",1\r\n\r\n\n2,"three\r\n\r\nlines",2\n,,\n3,c,3\n')
    assert rows(table) == [(2, "1", "two\nlines"), (6, "2", "three\r\n\r\nlines"), (10, "3", "c")]


def test_spaces_before_a_cell_are_no_part_of_it_and_quotes_after_them_are_quotes(
    read: Read,
) -> None:
    assert rows(read(b'id, name\n 7, "Seven, and ""more"""\n')) == [(2, "7", 'Seven, and "more"')]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "T, line 1: column id is missing; the header has '', and cells are separated by com"),
        (b"\n\nid;name\n1;a\n", "T, line 3: column id is missing; the header has 'id;name', and"),
        (b"id\tname\n1\ta\n", r"T, line 1: column id is missing; the header has 'id\tname', and"),
        (b"id,name,ID\n", "T, line 1: column id is there more than once"),
        (HEAD + b"7,a\n", "T, line 2: the row has 2 cells, expected 3 as in the header; a cell"),
        (HEAD + b'1,"a\nb",2\n7,a,1,2\n', "T, line 4: the row has 4 cells, expected 3 as in the"),
        (HEAD + b'1,"a,1\n2,b,2\n', "T, line 2: the row is damaged: unexpected end of data"),
        (HEAD + b'9,x,1\n1,"a"b,1\n', "T, line 3: the row is damaged: ',' expected after '\"'"),
        (HEAD + b"9,x,1\n1,caf\xe9,1\n", "T, line 3: the byte 0xe9 is not valid UTF-8"),
        (HEAD + b"1,\xed\xa0\x80,1\n", "T, line 2: the byte 0xed is not valid UTF-8"),
        (HEAD + b"1,a\0b,1\n", "T, line 2: the byte 0x00 is not valid UTF-8"),
    ],
)  # fmt: skip
def test_damage_is_named_by_its_line(read: Read, data: bytes, expected: str) -> None:
    more = b"".join(b"%d,x,1\n" % number for number in range(5_000, 6_000)) if data else b""
    with pytest.raises(InputError) as caught:
        read(data + more)
    assert str(caught.value).startswith(expected)


@pytest.mark.parametrize("cell", ["", "\t", "1.0", "1e3", "x", "1_000", "9" * 19, "٧"])
def test_what_is_no_whole_number_names_line_and_column(read: Read, cell: str) -> None:
    with pytest.raises(InputError) as caught:
        read(f"id,name\n1,3\n2,{cell}\n".encode()).whole_numbers("name")
    assert f"T, line 3: name is {cell!r}" in str(caught.value)


@pytest.mark.parametrize("cells", ["3,a\n4,b\n3,c\n", "3,a\n4,b\n-1,c\n"])
def test_an_id_is_not_negative_and_not_there_twice(read: Read, cells: str) -> None:
    with pytest.raises(InputError, match="T, line 4: id is '.*', expected an id that no other row"):
        read(f"id,name\n{cells}".encode()).ids("id")


def test_a_cell_may_be_longer_than_the_csv_modules_limit_but_has_one(read: Read) -> None:
    ((_, _, name),) = rows(read(HEAD + b"1,%s,1\n" % (b"b" * 2**24)))
    assert len(str(name)) == 2**24
    with pytest.raises(InputError, match="T, line 2: the row is damaged: field larger than field"):
        read(HEAD + b"1,b%s,1\n" % (b"b" * 2**24))


def test_columns_that_are_not_asked_for_are_not_held(read: Read) -> None:
    data = HEAD + b"".join(b"%d,a,%s\n" % (n, b"b" * 4_000) for n in range(2_000))
    tracemalloc.start()
    read(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000  # of 8 MB


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.csv", tmp_path):
        with pytest.raises(InputError, match=f"cannot read {path}: "):
            read_table(str(path), ("id", "name"))


def test_a_file_is_read_as_it_is_whatever_it_is_called(tmp_path: Path) -> None:
    path = tmp_path / "table.csv.gz"
    path.write_bytes(HEAD + b"7,a,1\n")
    assert rows(read_table(str(path), ("id", "name"))) == [(2, "7", "a")]


def test_a_message_shows_a_long_cell_cut_and_in_one_line() -> None:
    assert quoted("a\nb") == r"'a\nb'"
    assert quoted("x" * 10_000) == f"'{'x' * 60}'…"
