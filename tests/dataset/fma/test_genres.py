"""FMA's genres.csv: the tree, and what is no tree."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
import pytest

from common.errors import InputError
from dataset.fma import genres

HEAD = "genre_id,#tracks,parent,title,top_level\n"
# As in FMA's table: Christmas is of Holiday, of Sound Effects, of Novelty, of Experimental.
ROWS = """\
6,914,38,Novelty,38
16,304,6,Sound Effects,38
21,8389,0,Hip-Hop,21
38,38154,0,Experimental,38
763,268,16,Holiday,38
809,0,21,"Beats, ""live"" ones",21
1193,72,763,Christmas,38
"""


def read(rows: str, head: str = HEAD) -> genres.Genres:
    """Return the tree in a table called T."""
    return genres.read_genres(io.BytesIO((head + rows).encode()), "T")


def refusal(rows: str, head: str = HEAD) -> str:
    """Return the sentence with which a table called T is refused."""
    with pytest.raises(InputError) as caught:
        read(rows, head)
    return str(caught.value)


def test_the_tree_is_as_fmas_tool_reads_it() -> None:
    table = pd.read_csv(io.StringIO(HEAD + ROWS), index_col=0)
    tree = read(ROWS)
    assert list(tree.titles) == list(table.index)
    for genre_id, row in table.iterrows():
        assert tree.title_of(genre_id) == row["title"]
        assert tree.root_of(genre_id) == row["top_level"]


def test_a_title_is_a_label() -> None:
    assert read('3,0,0,"New\r\nAge\u200b ",3\n').title_of(3) == "New Age"


def test_a_genre_that_is_not_there_is_named() -> None:
    for function in (read(ROWS).root_of, read(ROWS).title_of):
        with pytest.raises(InputError, match="T has no genre 22"):
            function(22)


@pytest.mark.parametrize("missing", ["parent", "title", "top_level"])
def test_a_missing_column_is_named(missing: str) -> None:
    table = pd.read_csv(io.StringIO(HEAD + ROWS), index_col=0).drop(columns=missing)
    expected = f"T is not FMA's genres.csv: column {missing} is missing"
    assert refusal(table.to_csv(), head="") == expected


def test_a_table_of_something_else_is_refused() -> None:
    assert refusal(ROWS, head="track_id,parent,title,top_level\n") == (
        "T is not FMA's genres.csv: no row that begins with 'genre_id' in its place"
    )


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("3,0,9,A,9\n", "T, line 2 (genre 3): it descends from genre 9, which is not in the table"),
        ("3,0,3,A,3\n", "T, line 2 (genre 3): parent is '3', so that genre 3 descends from itself"),
        (
            "3,0,4,A,3\n4,0,5,B,3\n5,0,3,C,3\n",
            "T, line 2 (genre 3): parent is '4', so that genre 3 descends from itself",
        ),
        (
            "2,0,3,A,3\n3,0,4,B,3\n4,0,3,C,3\n",
            "T, line 2 (genre 2): parent is '3', so that genre 3 descends from itself",
        ),
        (
            "2,0,3,A,3\n3,0,9,B,9\n",
            "T, line 2 (genre 2): it descends from genre 9, which is not in the table",
        ),
        ("3,0,0,A,4\n", "T, line 2 (genre 3): top_level is '4', but its branch ends at genre 3"),
        (
            "3,0,0,A,3\n4,0,3,B,4\n",
            "T, line 3 (genre 4): top_level is '4', but its branch ends at genre 3",
        ),
        ("3,0,,A,3\n", "T, line 2 (genre 3): parent is '', not a whole number"),
        ("3,0,0,A,x\n", "T, line 2 (genre 3): top_level is 'x', not a whole number"),
        ("3,0,0,\t,3\n", r"T, line 2 (genre 3): title is '\t', expected a title"),
        ("3,0,0,\u200b,3\n", r"T, line 2 (genre 3): title is '\u200b', expected a title"),
        ("3,0,0,A,3\n3,0,0,B,3\n", "T, line 3 (genre 3): there is a second row of this id"),
    ],
)
def test_what_is_no_tree_is_refused(rows: str, expected: str) -> None:
    assert refusal(rows) == expected


def test_a_deep_tree_is_no_matter() -> None:
    rows = "".join(f"{n},0,{n - 1},G{n},1\n" for n in range(1, 2_000))
    assert read(rows).root_of(1_999) == 1


def test_a_table_is_loaded_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "genres.csv"
    path.write_text(HEAD + ROWS, encoding="utf-8")
    assert genres.load(str(path)).root_of(1193) == 38
