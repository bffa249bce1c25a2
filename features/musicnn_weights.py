"""The weights of musicnn, in a file beside Python; `python -m features.musicnn_weights` writes it.

They come from the package `musicnn` (ISC licence), of which only the checkpoint `MSD_musicnn` is
kept: 3 MB of 29. Without them all but the model `musicnn` works.
"""

from __future__ import annotations

import functools
import hashlib
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from common.errors import InputError

FILE = Path(sys.prefix) / "share" / "music-genre" / "musicnn.npz"


MISSING = f"its weights are not in {FILE}: `make weights` gets them"


def digest() -> str:
    """Returns the SHA-256 hex digest of the file; an empty text if it is missing."""
    return hashlib.sha256(FILE.read_bytes()).hexdigest() if FILE.is_file() else ""


@functools.cache
def load() -> dict[str, NDArray[np.float32]]:
    """Returns the arrays by the names that TensorFlow gave them, such as `conv2d_1/kernel`.

    Raises:
        InputError: where the file is missing, with the command that gets it.
    """
    if not FILE.is_file():
        raise InputError(f"musicnn is not available: {MISSING}")
    with np.load(FILE) as arrays:
        return dict(arrays)


def convert(checkpoint: Path, file: Path = FILE) -> None:
    """Writes the file from a checkpoint of the package.

    Args:
        checkpoint: the folder `musicnn/MSD_musicnn`.
        file: to write, at once or not at all.
    """
    import tensorflow as tf

    reader = tf.compat.v1.train.NewCheckpointReader(f"{checkpoint}/")
    layers = ("conv2d", "batch_normalization", "dense")
    # Adam's moments, two of each weight, are of no use.
    names = sorted(
        name
        for name in reader.get_variable_to_shape_map()
        if name.startswith(layers) and "Adam" not in name
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    aside = file.with_name(f"{file.stem}-new.npz")
    np.savez(aside, **{name: reader.get_tensor(name) for name in names})
    aside.replace(file)


if __name__ == "__main__":
    convert(Path(sys.argv[1]))
