"""A pushed SavedModel: where it is, how its clips are cut, and what it says of them."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.config import from_json
from common.errors import InputError
from dataset.bad_files import AudioError, FaultKind
from dataset.config import AUDIO_CONFIG_NAME, AudioConfig
from features import example_keys

_SAVED_MODEL_NAME = "saved_model.pb"


def find(folder: Path) -> Path:
    """Returns the folder of a SavedModel: `folder`, or else the newest version in it.

    Raises:
        InputError: if neither is a SavedModel.
    """
    if (folder / _SAVED_MODEL_NAME).is_file():
        return folder
    return _newest(
        folder.glob("*"), f"there is no model in {folder}: expected a version or a serving_model/"
    )


def find_pushed(output: Path) -> Path:
    """Returns the newest of the models that runs have pushed below `output`.

    Raises:
        InputError: if no run has pushed one.
    """
    expected = f"no run has pushed a model below {output.absolute()}: use --model DIR"
    return _newest(output.glob("*/serving_model/*"), expected)


def _newest(folders: Iterable[Path], expected: str) -> Path:
    # A version is the Unix time of its push.
    versions = [
        folder
        for folder in folders
        if folder.name.isascii()
        and folder.name.isdecimal()
        and (folder / _SAVED_MODEL_NAME).is_file()
    ]
    if not versions:
        raise InputError(expected)
    return max(versions, key=lambda folder: int(folder.name))


def audio_config(folder: Path) -> AudioConfig:
    """Returns how the clips of a SavedModel are cut.

    Raises:
        InputError: where that is not known.
    """
    path = folder / AUDIO_CONFIG_NAME
    try:
        return from_json(AudioConfig, path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(
            f"{folder} has no {AUDIO_CONFIG_NAME}: an earlier version of this project exported "
            "it; run the pipeline again"
        ) from error
    except (OSError, TypeError, ValueError) as error:
        raise InputError(f"cannot read {path}: {error}") from error


class GenreModel:
    """A loaded SavedModel. To load it takes seconds, most of them for TensorFlow.

    Args:
        folder: of the SavedModel.

    Raises:
        InputError: where it cannot be loaded, or does not take audio.
    """

    def __init__(self, folder: Path):
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # CUDA's absence, a screenful
        # Google's clients, which TensorFlow loads, warn of this Python version.
        warnings.simplefilter("ignore", FutureWarning)
        import tensorflow as tf

        self._tf: Any = tf
        try:
            self._loaded = tf.saved_model.load(str(folder))
        except (OSError, ValueError, RuntimeError, tf.errors.OpError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise InputError(f"cannot load the model in {folder}: {reason}") from error
        # Models of FMA's features.csv have no predict_wav.
        if missing := {"predict_wav", "serving_default"} - set(self._loaded.signatures):
            raise InputError(f"the model in {folder} has no signature {min(missing)}, for audio")
        self._predict = self._loaded.signatures["serving_default"]

    def scores(self, clips: Sequence[NDArray[np.int16]]) -> list[Mapping[str, float]]:
        """Returns the scores of each clip by genre.

        Args:
            clips: int16 [samples] each, mono, at the sample rate of `audio_config`.

        Raises:
            AudioError: where TensorFlow fails.
        """
        examples = self._tf.constant([self._example(pcm) for pcm in clips])
        try:
            answer = self._predict(examples=examples)
        except self._tf.errors.OpError as error:
            detail = f"the model failed: {' '.join(str(error).split())[:200]}"
            raise AudioError(FaultKind.CRASHED, detail) from error
        classes, scores = answer["classes"].numpy(), answer["scores"].numpy()
        return [
            {genre.decode(): float(score) for genre, score in zip(*row, strict=True)}
            for row in zip(classes, scores, strict=True)
        ]

    def _example(self, pcm16: NDArray[np.int16]) -> bytes:
        example = self._tf.train.Example()
        values = example.features.feature[example_keys.AUDIO].bytes_list.value
        values.append(pcm16.astype("<i2", copy=False).tobytes())
        data: bytes = example.SerializeToString()
        return data
