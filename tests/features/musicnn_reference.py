"""Writes `musicnn_reference.npz`: what the original network makes of a signal that is made here.

Run where the package is, whose requirements are not needed:

    uv pip install --no-deps --target /tmp/musicnn musicnn==0.1.0
    PYTHONPATH=. python tests/features/musicnn_reference.py /tmp/musicnn

The spectrogram is librosa's, as in the package, but in float32: its float16 overflows on loud
music.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FILE = Path(__file__).with_suffix(".npz")
RATE_HZ = 16_000
PATCH_FRAMES = 187


def signal() -> NDArray[np.float32]:
    """Return 10 s at 16 kHz of a rising tone with overtones, and beats of a decaying second one."""
    time = np.arange(10 * RATE_HZ) / RATE_HZ
    phase = 2 * np.pi * (110 * time + 20 * time**2)
    tone = sum(np.sin(n * phase) / n for n in range(1, 9))
    beat = np.sin(2 * np.pi * 1_700 * time) * np.exp(-12 * (time % 0.5))
    return (0.2 * tone + 0.3 * beat).astype(np.float32)


def main(package: str) -> None:
    """Run the original network on consecutive patches and store what it gives."""
    sys.path.insert(0, package)
    os.environ["TF_USE_LEGACY_KERAS"] = "1"  # the package is of TensorFlow 1
    import librosa
    import tensorflow as tf
    from musicnn import models  # type: ignore[import-not-found]

    mel = librosa.feature.melspectrogram(
        y=signal(), sr=RATE_HZ, n_fft=512, hop_length=256, n_mels=96
    )
    spectrogram = np.log10(10_000 * mel.T + 1)
    n_patches = len(spectrogram) // PATCH_FRAMES
    patches = spectrogram[: n_patches * PATCH_FRAMES].reshape(n_patches, PATCH_FRAMES, 96)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        inputs = tf.compat.v1.placeholder(tf.float32, [None, PATCH_FRAMES, 96])
        with tf.name_scope("model"):
            found: Any = models.define_model(inputs, False, "MSD_musicnn", 50)
        tf.compat.v1.train.Saver().restore(session, f"{package}/musicnn/MSD_musicnn/")
        logits, *_, mean, maximum, penultimate = session.run(found, {inputs: patches})
    tags = 1 / (1 + np.exp(-logits))
    np.savez_compressed(FILE, tags=tags, mean=mean, maximum=maximum, penultimate=penultimate)


if __name__ == "__main__":
    main(sys.argv[1])
