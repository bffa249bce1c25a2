"""FMA's `genres.csv`: the tree of genres."""

from __future__ import annotations

from dataset import identity
from dataset.fma.csv_table import read_table

FILE_NAME = "genres.csv"
_NO_PARENT = 0


def load_top_titles(path: str) -> dict[int, str]:
    """Returns for each genre id the title of the genre at the top of its branch.

    Raises:
        InputError: naming the line and the column where it is not as FMA has it: a genre without a
            title, with a parent that there is not, or with a `top_level` that is not the top of its
            branch.
    """
    table = read_table(path, ("genre_id", "parent", "title", "top_level"))
    ids, parents = table.ids("genre_id"), table.whole_numbers("parent")
    titles = table.cells["title"].map(identity.printable)
    table.require("title", titles != "", "a title")
    has_parent = parents != _NO_PARENT
    table.require("parent", parents.isin(ids) | ~has_parent, "a genre of the table, or 0")
    tops = table.whole_numbers("top_level")
    table.require("top_level", tops.isin(ids[~has_parent]), "a genre without a parent")
    top_of = dict(zip(ids, tops, strict=True))
    of_branch = [
        top_of[parent] if parent else own for own, parent in zip(ids, parents, strict=True)
    ]
    table.require("top_level", tops == of_branch, "the top of the genre's branch")
    title_of = dict(zip(ids, titles, strict=True))
    return {genre_id: title_of[top] for genre_id, top in top_of.items()}
