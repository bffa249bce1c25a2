"""A `features.csv` in FMA's layout: by hand, or computed from an archive's audio."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import scipy.stats
from numpy.typing import NDArray

from dataset.audio.decoding import decode_clip
from dataset.bad_files import AudioError
from dataset.catalogue.listing import track_id_of
from dataset.config import AudioConfig

# As in FMA's features.py, in its order.
_SIZES = {
    "chroma_stft": 12, "chroma_cqt": 12, "chroma_cens": 12, "tonnetz": 6, "mfcc": 20, "rmse": 1,
    "zcr": 1, "spectral_centroid": 1, "spectral_bandwidth": 1, "spectral_contrast": 7,
    "spectral_rolloff": 1,
}  # fmt: skip
_STATISTICS = {
    "mean": np.mean, "std": np.std, "skew": scipy.stats.skew, "kurtosis": scipy.stats.kurtosis,
    "median": np.median, "min": np.min, "max": np.max,
}  # fmt: skip
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


def write_features_csv(archive: Path, audio: AudioConfig) -> None:
    """Write the table of an archive, `fma_small/` and `fma_metadata/`, for all that can be decoded.

    The numbers are not FMA's, but tell as much: each of the 74 rows is the level of a band of
    frequencies, over frames of 0.1 s.
    """
    rows = {}
    for path in sorted((archive / "fma_small").glob("*/*")):
        try:
            clip = decode_clip(path.read_bytes(), audio)
        except AudioError:
            continue
        rows[track_id_of(str(path))] = _statistics(clip.pcm16, audio.sample_rate_hz)
    (archive / "fma_metadata" / "features.csv").write_bytes(to_csv(rows))


def _statistics(pcm16: NDArray[np.int16], rate_hz: int) -> list[float]:
    length = rate_hz // 10
    frames = pcm16[: len(pcm16) // length * length].reshape(-1, length) / 32_768
    power = np.abs(np.fft.rfft(frames * np.hanning(length))) ** 2
    edges = np.geomspace(2, power.shape[1] - 1, sum(_SIZES.values()) + 1)
    bands = np.stack([power[:, int(low) : int(high) + 1].sum(axis=1)
                      for low, high in zip(edges, edges[1:], strict=False)])  # fmt: skip
    levels_db = 10 * np.log10(bands + 1e-10)
    place = iter(range(len(levels_db)))
    row_of = {(name, n): next(place) for name, size in sorted(_SIZES.items()) for n in range(size)}
    summary = {name: np.nan_to_num(function(levels_db, axis=1))
               for name, function in _STATISTICS.items()}  # fmt: skip
    return [summary[stat][row_of[name, int(number) - 1]] for name, stat, number in COLUMNS]
