"""16-bit samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def to_pcm16(signal: NDArray[np.float32]) -> NDArray[np.int16]:
    """Returns samples of full scale 1 as little-endian int16 of the same shape."""
    # Clipped first: a decoded mp3 overshoots full scale, and a float file may hold samples whose
    # product overflows.
    scaled = np.rint(np.clip(signal, -1.0, 1.0) * 32_768.0)
    return np.minimum(scaled, 32_767).astype("<i2")
