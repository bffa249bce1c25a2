"""FMA's own features: from `features.csv` to a vector a track."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from dataset.fma.csv_table import WHOLE_NUMBER, cell_error, stream_rows

FILE_NAME = "features.csv"

# Number of rows of each descriptor and the statistics over its frames, as FMA's features.py has
# them (Defferrard et al., FMA: A Dataset For Music Analysis, ISMIR 2017).
SIZES = {
    "chroma_cens": 12, "chroma_cqt": 12, "chroma_stft": 12, "mfcc": 20, "rmse": 1,
    "spectral_bandwidth": 1, "spectral_centroid": 1, "spectral_contrast": 7, "spectral_rolloff": 1,
    "tonnetz": 6, "zcr": 1,
}  # fmt: skip
STATISTICS = ("kurtosis", "max", "mean", "median", "min", "skew", "std")
COLUMNS = tuple(
    f"{feature}.{statistic}.{number:02d}"
    for feature, size in SIZES.items()
    for statistic in STATISTICS
    for number in range(1, size + 1)
)


def load(path: str, track_ids: Collection[int]) -> dict[int, NDArray[np.float32]]:
    """Returns the rows of some tracks, float32 [518] each, by track id.

    The table, 1 GB for all of FMA, is read as a stream; the numbers of other tracks are not looked
    at. An empty cell, with which FMA marks what could not be computed, is nan.

    Raises:
        InputError: naming the line and the column where it is not as FMA has it.
    """
    wanted = frozenset(track_ids)
    seen: set[int] = set()
    found = {}
    for line, (text, *cells) in stream_rows(path, ("track_id", *COLUMNS), header_rows=4):
        track_id = int(text) if re.fullmatch(WHOLE_NUMBER, text) else -1
        if track_id < 0 or track_id in seen:
            raise cell_error(path, line, "track_id", text, "an id that no other row has")
        seen.add(track_id)
        if track_id in wanted:
            found[track_id] = _values(path, line, cells)
    return found


def _values(path: str, line: int, cells: Sequence[str]) -> NDArray[np.float32]:
    numbers = []
    for column, cell in zip(COLUMNS, cells, strict=True):
        try:
            numbers.append(float(cell or "nan"))
        except ValueError:
            raise cell_error(path, line, column, cell, "a number") from None
    with np.errstate(over="ignore"):  # beyond float32 is infinite, and the caller sees to that
        return np.array(numbers).astype(np.float32)
