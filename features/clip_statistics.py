"""From a clip to a vector: descriptors of its frames, each summed up by seven statistics.

Descriptors, statistics, their names and their order are those of FMA's `features.csv` (Defferrard
et al., FMA: A Dataset For Music Analysis, ISMIR 2017), but `mfcc_delta` is added, and FMA's
constant-Q chroma features are left out: `tonnetz` comes from `chroma_stft`. Each descriptor is
librosa's of the same name, the tuning fixed at 0. All functions take one clip and use stock
TensorFlow operations.
"""

from __future__ import annotations

import librosa
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from dataset.config import AudioConfig
from features.log_mel import decibel

_N_MFCC = 20
_N_MELS = 128
_N_CHROMA = 12
_TOP_DB = 80.0  # librosa.power_to_db's dynamic range
_ROLL_OFF = 0.85  # part of the magnitude that lies below the roll-off
_DELTA_REACH = 4  # frames on either side; librosa's width of 9
_SMALLEST_SAMPLE = 1e-10  # librosa.zero_crossings takes less for zero
# Octave bands of the spectral contrast (Jiang et al., ICME 2002) and the part of a band's bins that
# make its peak and its valley.
_CONTRAST_FMIN_HZ = 200.0
_CONTRAST_OCTAVES = 6
_CONTRAST_QUANTILE = 0.02
# Circles of fifths, minor and major thirds: the turn of a semitone in units of pi, and the radius.
_TONNETZ_TURNS = np.array([7 / 6, 3 / 2, 2 / 3])
_TONNETZ_RADII = np.array([1.0, 1.0, 0.5])

# Number of rows of each descriptor, in FMA's order, which is the alphabet's.
SIZES = {
    "chroma_stft": _N_CHROMA,
    "mfcc": _N_MFCC,
    "mfcc_delta": _N_MFCC,
    "rmse": 1,
    "spectral_bandwidth": 1,
    "spectral_centroid": 1,
    "spectral_contrast": 1 + _CONTRAST_OCTAVES,
    "spectral_rolloff": 1,
    "tonnetz": 6,
    "zcr": 1,
}
STATISTICS = ("kurtosis", "max", "mean", "median", "min", "skew", "std")
NAMES = tuple(
    f"{descriptor}.{statistic}.{number:02d}"
    for descriptor, size in SIZES.items()
    for statistic in STATISTICS
    for number in range(1, size + 1)
)
N_STATISTICS = len(NAMES)


def clip_statistics(signal: tf.Tensor, power: tf.Tensor, config: AudioConfig) -> tf.Tensor:
    """Returns the statistics of a clip's descriptors, float32 [N_STATISTICS], named by `NAMES`.

    They are finite for every clip, silence and a single sample included.

    Args:
        signal: float32 [samples].
        power: float32 [frames, 1 + n_fft // 2], its `audio.power_spectrogram`.
        config: how the spectrogram was made.
    """
    frames = describe_frames(signal, power, config)
    summary = summarize(tf.concat([frames[name] for name in SIZES], axis=1))
    blocks = tf.split(summary, list(SIZES.values()), axis=1)
    values = tf.concat([tf.reshape(block, [-1]) for block in blocks], axis=0)
    return tf.ensure_shape(values, [N_STATISTICS])


def describe_frames(
    signal: tf.Tensor, power: tf.Tensor, config: AudioConfig
) -> dict[str, tf.Tensor]:
    """Returns the descriptors of every frame, float32 [frames, size] by the names in `SIZES`.

    Args:
        signal: float32 [samples].
        power: float32 [frames, 1 + n_fft // 2], its `audio.power_spectrogram`.
        config: how the spectrogram was made.
    """
    magnitude = tf.sqrt(power)
    coefficients = mfcc(power, config)
    chroma = chroma_stft(power, config)
    centroid_hz, bandwidth_hz = centroid_and_bandwidth(magnitude, config)
    return {
        "chroma_stft": chroma,
        "mfcc": coefficients,
        "mfcc_delta": delta(coefficients),
        "rmse": rms(power, config),
        "spectral_bandwidth": bandwidth_hz,
        "spectral_centroid": centroid_hz,
        "spectral_contrast": spectral_contrast(magnitude, config),
        "spectral_rolloff": roll_off(magnitude, config),
        "tonnetz": tonnetz(chroma),
        "zcr": zero_crossing_rate(signal, tf.shape(power)[0], config),
    }


def summarize(frames: tf.Tensor) -> tf.Tensor:
    """Returns the `STATISTICS` over frames, float32 [7, rows], of float32 [frames, rows].

    The standard deviation is that of a population; skew and kurtosis are biased, the kurtosis is
    Fisher's (0 for a normal distribution), as scipy's defaults are. Where a row is constant these
    two are undefined, and 0 here, whereas scipy gives nan.
    """
    values = tf.cast(frames, tf.float64)
    n_frames = tf.shape(values)[0]
    # Sorted along the last axis: float32 is enough, and half the time.
    ranked = tf.cast(tf.sort(tf.transpose(frames), axis=1), tf.float64)
    mean = tf.reduce_mean(values, axis=0)
    deviation = values - mean
    squared = tf.square(deviation)
    variance = tf.reduce_mean(squared, axis=0)
    third = tf.reduce_mean(squared * deviation, axis=0)
    fourth = tf.reduce_mean(tf.square(squared), axis=0)
    # scipy's test, for values of float32's resolution.
    is_constant = variance <= tf.square(1e-6 * mean)
    spread = tf.where(is_constant, tf.ones_like(variance), variance)
    nothing = tf.zeros_like(variance)
    by_name = {
        "kurtosis": tf.where(is_constant, nothing, fourth / tf.square(spread) - 3.0),
        "max": ranked[:, -1],
        "mean": mean,
        "median": (ranked[:, (n_frames - 1) // 2] + ranked[:, n_frames // 2]) / 2.0,
        "min": ranked[:, 0],
        "skew": tf.where(is_constant, nothing, third / tf.pow(spread, 1.5)),
        "std": tf.sqrt(variance),
    }
    return tf.cast(tf.stack([by_name[name] for name in STATISTICS]), tf.float32)


def mfcc(power: tf.Tensor, config: AudioConfig) -> tf.Tensor:
    """Returns mel-frequency cepstral coefficients, float32 [frames, 20], of a power spectrogram.

    The orthonormal DCT-II of 128 mel bands up to the Nyquist frequency, in dB re 1, no more than
    80 dB below the loudest band of the clip.
    """
    bank = librosa.filters.mel(sr=config.sample_rate_hz, n_fft=config.n_fft, n_mels=_N_MELS)
    mel_db = _below_top(decibel(tf.matmul(power, tf.constant(bank.T, tf.float32))))
    return tf.signal.dct(mel_db, type=2, norm="ortho")[:, :_N_MFCC]


def _below_top(level_db: tf.Tensor) -> tf.Tensor:
    return tf.maximum(level_db, tf.reduce_max(level_db) - _TOP_DB)


def delta(values: tf.Tensor) -> tf.Tensor:
    """Returns the slope a frame of [frames, rows], float32, by a line through nine frames each.

    At both ends the line through the outermost nine frames serves for all that have no nine round
    them (`librosa.feature.delta`, mode "interp"). A clip of fewer than nine frames is first
    continued by its first and its last one (mode "nearest").
    """
    n_frames = tf.shape(values)[0]
    reach = _DELTA_REACH
    padding = tf.where(n_frames <= 2 * reach, reach, 0)
    place = tf.clip_by_value(tf.range(-padding, n_frames + padding), 0, n_frames - 1)
    padded = tf.gather(values, place)
    n_slopes = n_frames + 2 * padding - 2 * reach
    rise = tf.add_n(
        [
            step * (padded[reach + step :][:n_slopes] - padded[reach - step :][:n_slopes])
            for step in range(1, reach + 1)
        ]
    )
    slope = rise / (2.0 * sum(step**2 for step in range(1, reach + 1)))
    nearest = tf.clip_by_value(tf.range(n_frames) + padding - reach, 0, n_slopes - 1)
    return tf.gather(slope, nearest)


def chroma_stft(power: tf.Tensor, config: AudioConfig) -> tf.Tensor:
    """Returns the energy by pitch class, C first, float32 [frames, 12], of a power spectrogram.

    The strongest class of a frame is 1. The tuning is that of A = 440 Hz, where librosa would
    estimate one: a clip's own tuning would need a pass over its pitches.
    """
    bank = tf.constant(chroma_bank(config), tf.float32)
    energy = tf.matmul(power, bank)
    return tf.math.divide_no_nan(energy, tf.reduce_max(energy, axis=1, keepdims=True))


def chroma_bank(config: AudioConfig) -> NDArray[np.float64]:
    """Returns the part of each bin's energy in each pitch class, [1 + n_fft // 2, 12].

    As `librosa.filters.chroma` has it, after Ellis (Chroma Feature Analysis and Synthesis, 2007):
    Gaussians about the pitch of a bin, of length 1, times one over octaves. librosa's own function
    has numba compile for ten seconds in each process that finds nothing in numba's cache.
    """
    hz = np.arange(1, config.n_fft + 1) * config.sample_rate_hz / config.n_fft
    octaves = librosa.hz_to_octs(hz)
    # What is below the first bin lies one and a half octaves lower.
    octaves = np.concatenate([octaves[:1] - 1.5, octaves])[: 2 + config.n_fft // 2]
    widths = np.maximum(_N_CHROMA * np.diff(octaves), 1.0)[:, np.newaxis]
    octaves = octaves[:-1, np.newaxis]
    # hz_to_octs counts from A, and the classes start at C.
    from_class = _N_CHROMA * octaves - (np.arange(_N_CHROMA) + 3)
    nearest = (from_class + _N_CHROMA / 2) % _N_CHROMA - _N_CHROMA / 2
    bank = np.exp(-0.5 * (2 * nearest / widths) ** 2)
    bank /= np.linalg.norm(bank, axis=1, keepdims=True)
    return bank * np.exp(-0.5 * ((octaves - 5.0) / 2.0) ** 2)


def tonnetz(chroma: tf.Tensor) -> tf.Tensor:
    """Returns tonal centroids, float32 [frames, 6], of a chromagram [frames, 12].

    Fifths, minor and major thirds, x and y each (Harte et al., Detecting Harmonic Change in Musical
    Audio, 2006).
    """
    angles = np.pi * np.outer(np.arange(_N_CHROMA), _TONNETZ_TURNS)
    points = np.stack([np.sin(angles), np.cos(angles)], axis=-1) * _TONNETZ_RADII[:, np.newaxis]
    basis = tf.constant(points.reshape(_N_CHROMA, 6), tf.float32)
    total = tf.reduce_sum(chroma, axis=1, keepdims=True)
    return tf.matmul(tf.math.divide_no_nan(chroma, total), basis)


def spectral_contrast(magnitude: tf.Tensor, config: AudioConfig) -> tf.Tensor:
    """Returns peaks above valleys in dB, float32 [frames, 7], of a magnitude spectrogram.

    A band's peak and valley are the means of its largest and its smallest magnitudes. Bands are the
    octaves from 200 Hz on and what lies below.
    """
    peaks, valleys = [], []
    for first, last, count in contrast_bands(config):
        band = magnitude[:, first : last + 1]
        peaks.append(tf.reduce_mean(tf.math.top_k(band, count, sorted=False).values, axis=1))
        valleys.append(-tf.reduce_mean(tf.math.top_k(-band, count, sorted=False).values, axis=1))
    # librosa takes dB of magnitudes as if they were powers, and FMA's figures are such.
    return _below_top(decibel(tf.stack(peaks, axis=1))) - _below_top(
        decibel(tf.stack(valleys, axis=1))
    )


def contrast_bands(config: AudioConfig) -> list[tuple[int, int, int]]:
    """Returns the bands of the spectral contrast: first bin, last bin, bins in peak and valley.

    As librosa has them: each but the lowest starts a bin early, each but the highest ends a bin
    early, the highest takes all that is left.

    Raises:
        ValueError: where a band would lie beyond the Nyquist frequency or hold no bin.
    """
    hz = librosa.fft_frequencies(sr=config.sample_rate_hz, n_fft=config.n_fft)
    edges_hz = [0.0, *(_CONTRAST_FMIN_HZ * 2**octave for octave in range(_CONTRAST_OCTAVES + 1))]
    bands = []
    for order, (low, high) in enumerate(zip(edges_hz, edges_hz[1:], strict=False)):
        (inside,) = np.nonzero((hz >= low) & (hz <= high))
        first = int(inside.min(initial=len(hz))) - (order > 0)
        end = len(hz) if order == _CONTRAST_OCTAVES else int(inside.max(initial=0)) + 1
        count = max(round(_CONTRAST_QUANTILE * (end - first)), 1)
        last = end - 1 if order == _CONTRAST_OCTAVES else end - 2
        if low >= config.sample_rate_hz / 2 or not len(inside) or last < first:
            raise ValueError(
                f"the spectral contrast needs bins from {low:g} to {high:g} Hz, which "
                f"{config.sample_rate_hz} Hz and n_fft {config.n_fft} do not give"
            )
        bands.append((first, last, count))
    return bands


def centroid_and_bandwidth(
    magnitude: tf.Tensor, config: AudioConfig
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the mean frequency and its standard deviation, Hz, float32 [frames, 1] each.

    Frequencies weigh by their magnitude [frames, bins]; both are 0 in a silent frame.
    """
    hz = tf.constant(_bin_hz(config))
    weight = tf.math.divide_no_nan(magnitude, tf.reduce_sum(magnitude, axis=1, keepdims=True))
    centroid = tf.reduce_sum(weight * hz, axis=1, keepdims=True)
    variance = tf.reduce_sum(weight * tf.square(hz - centroid), axis=1, keepdims=True)
    return centroid, tf.sqrt(variance)


def roll_off(magnitude: tf.Tensor, config: AudioConfig) -> tf.Tensor:
    """Returns the frequency, Hz, below which 85 % of the magnitude lie, float32 [frames, 1]."""
    total = tf.cumsum(magnitude, axis=1)
    is_below = total < _ROLL_OFF * total[:, -1:]
    n_below = tf.reduce_sum(tf.cast(is_below, tf.int32), axis=1, keepdims=True)
    return tf.gather(tf.constant(_bin_hz(config)), n_below)


def _bin_hz(config: AudioConfig) -> NDArray[np.float32]:
    hz = librosa.fft_frequencies(sr=config.sample_rate_hz, n_fft=config.n_fft)
    return hz.astype(np.float32)


def rms(power: tf.Tensor, config: AudioConfig) -> tf.Tensor:
    """Returns the root of the windowed mean square, float32 [frames, 1], of a power spectrogram."""
    # A bin stands for itself and its mirror image, which the lowest and the highest do not have.
    weight = np.full([config.n_fft // 2 + 1, 1], 2.0)
    weight[0] = 1.0
    if config.n_fft % 2 == 0:
        weight[-1] = 1.0
    return tf.sqrt(tf.matmul(power, tf.constant(weight / config.n_fft**2, tf.float32)))


def zero_crossing_rate(signal: tf.Tensor, n_frames: tf.Tensor, config: AudioConfig) -> tf.Tensor:
    """Returns sign changes a sample, float32 [frames, 1], of a signal [samples].

    Its frames are centred as those of the spectrogram are; beyond the ends nothing changes.
    """
    is_negative = tf.cast(signal < -_SMALLEST_SAMPLE, tf.int32)
    changes = tf.abs(is_negative[1:] - is_negative[:-1])
    so_far = tf.pad(tf.cumsum(changes), [[1, 0]])
    first = tf.range(n_frames) * config.hop_length - config.n_fft // 2
    ends = tf.clip_by_value(tf.stack([first, first + config.n_fft - 1]), 0, tf.size(so_far) - 1)
    before, after = tf.unstack(tf.gather(so_far, ends))
    return tf.cast(after - before, tf.float32)[:, tf.newaxis] / config.n_fft
