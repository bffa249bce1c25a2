"""A `features.csv` in FMA's layout."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping

# As in FMA's features.py, in its order.
_SIZES = {
    "chroma_stft": 12, "chroma_cqt": 12, "chroma_cens": 12, "tonnetz": 6, "mfcc": 20, "rmse": 1,
    "zcr": 1, "spectral_centroid": 1, "spectral_bandwidth": 1, "spectral_contrast": 7,
    "spectral_rolloff": 1,
}  # fmt: skip
_STATISTICS = ("mean", "std", "skew", "kurtosis", "median", "min", "max")
# pandas sorts them before it writes.
COLUMNS = sorted(
    (feature, statistic, f"{number + 1:02d}")
    for feature, size in _SIZES.items()
    for statistic in _STATISTICS
    for number in range(size)
)


def to_csv(
    rows: Mapping[int, Iterable[float | str]], columns: Iterable[tuple[str, ...]] = COLUMNS
) -> bytes:
    """Return the table of rows by track id; numbers as FMA writes them, text as it is."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    for name, *values in zip(("feature", "statistics", "number"), *columns, strict=True):
        table.writerow([name, *values])
    table.writerow(["track_id", *("" for _ in columns)])
    for track_id, cells in rows.items():
        written = (cell if isinstance(cell, str) else f"{cell:.10e}" for cell in cells)
        table.writerow([track_id, *written])
    return text.getvalue().encode()
