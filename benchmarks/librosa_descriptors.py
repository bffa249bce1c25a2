"""librosa's versions of the descriptors of `features.clip_statistics`, to compare with."""

from __future__ import annotations

import librosa
import numpy as np
from numpy.typing import NDArray

from dataset.config import AudioConfig


def magnitudes(signal: NDArray[np.float32], config: AudioConfig) -> NDArray[np.float32]:
    """Returns float32 [1 + n_fft // 2, frames], the magnitudes of a clip's spectrum."""
    return np.abs(librosa.stft(signal, n_fft=config.n_fft, hop_length=config.hop_length))


def descriptors(
    signal: NDArray[np.float32], magnitude: NDArray[np.float32], config: AudioConfig
) -> dict[str, NDArray[np.float32]]:
    """Returns librosa's descriptors, [size, frames] each, as FMA's features.py asks for them.

    Args:
        signal: float32 [samples].
        magnitude: its `magnitudes`.
        config: how they were made.
    """
    rate_hz, n_fft, hop = config.sample_rate_hz, config.n_fft, config.hop_length
    feature = librosa.feature
    power = magnitude**2
    mfcc = feature.mfcc(
        S=librosa.power_to_db(feature.melspectrogram(S=power, sr=rate_hz)), n_mfcc=20
    )
    chroma = feature.chroma_stft(S=power, sr=rate_hz, n_fft=n_fft, n_chroma=12, tuning=0.0)
    return {
        "chroma_stft": chroma,
        "mfcc": mfcc,
        "mfcc_delta": feature.delta(mfcc),
        "rmse": feature.rms(S=magnitude, frame_length=n_fft),
        "spectral_bandwidth": feature.spectral_bandwidth(S=magnitude, sr=rate_hz),
        "spectral_centroid": feature.spectral_centroid(S=magnitude, sr=rate_hz),
        "spectral_contrast": feature.spectral_contrast(S=magnitude, sr=rate_hz, n_bands=6),
        "spectral_rolloff": feature.spectral_rolloff(S=magnitude, sr=rate_hz),
        "tonnetz": feature.tonnetz(chroma=chroma),
        "zcr": feature.zero_crossing_rate(signal, frame_length=n_fft, hop_length=hop),
    }
