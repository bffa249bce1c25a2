"""FMA's `genres.csv`: the tree of genres."""

from __future__ import annotations

from dataset import identity
from dataset.fma.csv_table import read_table

FILE_NAME = "genres.csv"


def load_top_titles(path: str) -> dict[int, str]:
    """Returns for each genre id the title of the genre at the top of its branch.

    Raises:
        InputError: naming the line and the column where it is not as FMA has it: a genre without a
            title, or with a `top_level` that is no genre.
    """
    table = read_table(path, ("genre_id", "title", "top_level"))
    ids, tops = table.ids("genre_id"), table.whole_numbers("top_level")
    titles = table.cells["title"].map(identity.printable)
    table.require("title", titles != "", "a title")
    table.require("top_level", tops.isin(ids), "a genre of the table")
    title_of = dict(zip(ids, titles, strict=True))
    return {genre_id: title_of[top] for genre_id, top in zip(ids, tops, strict=True)}
