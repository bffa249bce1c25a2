"""FMA's `genres.csv`: the tree of genres."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import IO

from common.errors import InputError
from dataset import identity
from dataset.fma.csv_table import Layout, Record, Table, opened

LAYOUT = Layout("FMA's genres.csv", ("genre_id",), "genre")
_NO_PARENT = 0


@dataclasses.dataclass(frozen=True)
class Genres:
    """The tree of genres, by id.

    Attributes:
        name: what to call the table in an error.
        titles: the title of each genre.
        roots: the genre at the top of each one's branch, itself where it has no parent.
    """

    name: str
    titles: Mapping[int, str]
    roots: Mapping[int, int]

    def title_of(self, genre_id: int) -> str:
        """Returns the title of a genre.

        Raises:
            InputError: where there is no such genre.
        """
        return self.titles[self._known(genre_id)]

    def root_of(self, genre_id: int) -> int:
        """Returns the id of the genre at the top of a genre's branch.

        Raises:
            InputError: where there is no such genre.
        """
        return self.roots[self._known(genre_id)]

    def _known(self, genre_id: int) -> int:
        if genre_id not in self.titles:
            raise InputError(f"{self.name} has no genre {genre_id}")
        return genre_id


def load(path: str) -> Genres:
    """Returns the tree of genres in a `genres.csv`.

    Raises:
        InputError: where the file cannot be read, is not FMA's `genres.csv`, or is no tree.
    """
    with opened(path) as handle:
        return read_genres(handle, path)


def read_genres(handle: IO[bytes], name: str) -> Genres:
    """Returns the tree of genres.

    Args:
        handle: the open file.
        name: what to call it in an error.

    Raises:
        InputError: naming the column, or the genre, that is not as FMA has it: without a title, of
            a parent that there is not or that it descends from itself, or with a `top_level` that
            is not the top of its branch.
    """
    table = Table(handle, name, LAYOUT)
    parent, title, top_level = (table.place((c,)) for c in ("parent", "title", "top_level"))
    records = {record.id: record for record in table}
    parents = {genre_id: record.whole_number(parent) for genre_id, record in records.items()}
    roots = {}
    for genre_id, record in records.items():
        if not identity.printable(record.cells[title]):
            raise record.refusal(title, "expected a title")
        roots[genre_id] = _root(record, parent, parents)
        if record.whole_number(top_level) != roots[genre_id]:
            raise record.refusal(top_level, f"but its branch ends at genre {roots[genre_id]}")
    titles = {
        genre_id: identity.printable(record.cells[title]) for genre_id, record in records.items()
    }
    return Genres(name, titles, roots)


def _root(record: Record, parent: int, parents: Mapping[int, int]) -> int:
    """Returns the genre without a parent that a genre descends from."""
    genre_id = record.id
    branch = {genre_id}
    while (above := parents[genre_id]) != _NO_PARENT:
        if above not in parents:
            raise InputError(
                f"{record.where}: it descends from genre {above}, which is not in the table"
            )
        if above in branch:
            raise record.refusal(parent, f"so that genre {above} descends from itself")
        branch.add(above)
        genre_id = above
    return genre_id
