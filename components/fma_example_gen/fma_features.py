"""FMA's own features: from `features.csv` to a vector a track."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator
from typing import IO

import numpy as np
from numpy.typing import NDArray

from components import files
from pipeline.errors import InputError

FILE_NAME = "features.csv"

# Number of rows of each descriptor and the statistics over its frames, as FMA's features.py has
# them (Defferrard et al., FMA: A Dataset For Music Analysis, ISMIR 2017).
SIZES = {
    "chroma_cens": 12,
    "chroma_cqt": 12,
    "chroma_stft": 12,
    "mfcc": 20,
    "rmse": 1,
    "spectral_bandwidth": 1,
    "spectral_centroid": 1,
    "spectral_contrast": 7,
    "spectral_rolloff": 1,
    "tonnetz": 6,
    "zcr": 1,
}
STATISTICS = ("kurtosis", "max", "mean", "median", "min", "skew", "std")
# The columns, as (feature, statistics, number).
COLUMNS = tuple(
    (feature, statistic, f"{number:02d}")
    for feature, size in SIZES.items()
    for statistic in STATISTICS
    for number in range(1, size + 1)
)
_HEADER = ("feature", "statistics", "number")


def load(metadata_dir: str, track_ids: Collection[int]) -> dict[int, NDArray[np.float32]]:
    """Returns the rows of `features.csv` in a folder, for some tracks, by track id.

    Raises:
        InputError: where the table is missing or not FMA's.
    """
    path = files.join(metadata_dir, FILE_NAME)
    if not files.exists(path):
        raise InputError(f"there is no {FILE_NAME} in {metadata_dir}")
    try:
        with files.open_binary(path) as handle:
            return read_features(handle, path, track_ids)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error


def read_features(
    handle: IO[bytes], name: str, track_ids: Collection[int]
) -> dict[int, NDArray[np.float32]]:
    """Returns the rows of some tracks, float32 [518] each, by track id.

    The table, 1 GB for all of FMA, is read as a stream. An empty cell, with which FMA marks what
    could not be computed, is nan.

    Args:
        handle: the open file.
        name: what to call it in an error.
        track_ids: the tracks whose rows are wanted; the numbers of others are not looked at.

    Raises:
        InputError: naming the column, or the line and the column, that is not as FMA has it.
    """
    wanted = frozenset(track_ids)
    lines = csv.reader(io.TextIOWrapper(handle, encoding="utf-8", newline=""))
    found: dict[int, NDArray[np.float32]] = {}
    try:
        _check_header(lines, name)
        for cells in lines:
            if not cells:
                continue
            where = f"{name}, line {lines.line_num}"
            track_id = _track_id(cells, where)
            if track_id not in wanted:
                continue
            if track_id in found:
                raise InputError(f"{where}: a second row for track {track_id}")
            found[track_id] = _numbers(cells[1:], where)
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{name} is damaged near line {lines.line_num}: {error}") from error
    return found


def _check_header(lines: Iterator[list[str]], name: str) -> None:
    rows = [next(lines, []) for _ in range(len(_HEADER) + 1)]
    for cells, first in zip(rows, (*_HEADER, "track_id"), strict=True):
        if cells[:1] != [first]:
            raise InputError(
                f"{name} is not FMA's {FILE_NAME}: no row that begins with {first!r} in its place"
            )
    got = list(zip(*(cells[1:] for cells in rows[:-1]), strict=False))
    if len(got) != len(COLUMNS):
        raise InputError(
            f"{name} is not FMA's {FILE_NAME}: it has {len(got)} columns, expected {len(COLUMNS)}"
        )
    for column, expected in zip(got, COLUMNS, strict=True):
        if column != expected:
            raise InputError(
                f"{name} is not FMA's {FILE_NAME}: it has column {'.'.join(column)} where "
                f"{'.'.join(expected)} is expected"
            )


def _track_id(cells: list[str], where: str) -> int:
    if len(cells) != 1 + len(COLUMNS):
        raise InputError(f"{where}: the row has {len(cells)} columns, expected {1 + len(COLUMNS)}")
    if not (cells[0].isascii() and cells[0].isdigit()):
        raise InputError(f"{where}: track_id is {cells[0]!r}, not a whole number")
    return int(cells[0])


def _numbers(cells: list[str], where: str) -> NDArray[np.float32]:
    values = np.empty(len(COLUMNS))
    for place, cell in enumerate(cells):
        try:
            values[place] = float(cell or "nan")
        except ValueError:
            column = ".".join(COLUMNS[place])
            raise InputError(f"{where}: {column} is {cell!r}, not a number") from None
    with np.errstate(over="ignore"):  # beyond float32 is infinite, and the caller sees to that
        return values.astype(np.float32)


def pack(values: NDArray[np.float32]) -> bytes:
    """Returns the values as little-endian float32."""
    return values.astype("<f4").tobytes()
