"""FMA's genres.csv: the top of each genre's branch, and what is no tree."""

from __future__ import annotations

import io
from collections.abc import Callable
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
Load = Callable[..., dict[int, str]]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Return a reader of the tree in a table called T."""
    monkeypatch.chdir(tmp_path)

    def load(rows: str, head: str = HEAD) -> dict[int, str]:
        Path("T").write_text(head + rows, encoding="utf-8")
        return genres.load_top_titles("T")

    return load


def test_tops_are_as_fmas_tool_reads_them(load: Load) -> None:
    table = pd.read_csv(io.StringIO(HEAD + ROWS), index_col=0)
    assert load(ROWS) == table["top_level"].map(table["title"]).to_dict()


@pytest.mark.parametrize(
    ("cell", "title"), [('"New\r\nAge\u200b "', "New Age"), ("NA", "NA"), ("null", "null")]
)
def test_a_title_is_a_label(load: Load, cell: str, title: str) -> None:
    assert load(f"3,0,0,{cell},3\n") == {3: title}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("3,0,0,A,3\n4,0,3,B,5\n", "3: top_level is '5', expected a genre of the table"),
        ("3,0,0,A,x\n", "2: top_level is 'x', expected a whole number"),
        ("3,0,0,\u200b,3\n", r"2: title is '\u200b', expected a title"),
        ("3,0,0,A,3\n3,0,0,B,3\n", "3: genre_id is '3', expected an id that no other row has"),
    ],
)
def test_what_is_no_tree_is_refused(load: Load, rows: str, expected: str) -> None:
    with pytest.raises(InputError) as caught:
        load(rows)
    assert str(caught.value).startswith(f"T, line {expected}")
