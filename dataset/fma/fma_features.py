"""FMA's own features: from `features.csv` to a vector a track."""

from __future__ import annotations

from collections.abc import Collection
from typing import IO

import numpy as np
from numpy.typing import NDArray

from common import files
from common.errors import InputError
from dataset.fma.csv_table import Layout, Record, Table, opened

FILE_NAME = "features.csv"
LAYOUT = Layout(f"FMA's {FILE_NAME}", ("feature", "statistics", "number", "track_id"))

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


def load(metadata_dir: str, track_ids: Collection[int]) -> dict[int, NDArray[np.float32]]:
    """Returns the rows of `features.csv` in a folder, for some tracks, by track id.

    Raises:
        InputError: where the table is missing or not FMA's.
    """
    path = files.join(metadata_dir, FILE_NAME)
    if not files.exists(path):
        raise InputError(f"there is no {FILE_NAME} in {metadata_dir}")
    with opened(path) as handle:
        return read_features(handle, path, track_ids)


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
        InputError: naming the column, or the row and the column, that is not as FMA has it.
    """
    wanted = frozenset(track_ids)
    table = Table(handle, name, LAYOUT)
    table.require_columns(COLUMNS)
    return {record.id: _values(record) for record in table if record.id in wanted}


def _values(record: Record) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):  # beyond float32 is infinite, and the caller sees to that
        return np.array(record.numbers()).astype(np.float32)


def pack(values: NDArray[np.float32]) -> bytes:
    """Returns the values as little-endian float32."""
    return values.astype("<f4").tobytes()
