"""WAV files in the serving graph: from bytes to the clip that ingestion would make of them.

Stock TensorFlow operations alone, so that a SavedModel reads WAV files without this project.
`tf.audio.decode_wav` is not enough: it reads 16-bit PCM in the plainest of files only. The layout
is Microsoft's RIFF (Multimedia Programming Interface and Data Specifications 1.0, 1991) with
WAVE_FORMAT_EXTENSIBLE (mmreg.h).
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from dataset.config import (
    CANCELLED_SHARE,
    MAX_CHANNELS,
    MAX_PEAK,
    SILENCE_PEAK,
    SOURCE_RATES_HZ,
    AudioConfig,
)
from features.resampling import resample

_PCM, _FLOAT, _EXTENSIBLE = 0x0001, 0x0003, 0xFFFE
_UNKNOWN_SIZES = (0, 0xFFFFFFFF)  # what programs write that cannot seek back to the header
_RIFF_BYTES, _CHUNK_BYTES = 12, 8
_FORMAT_BYTES, _EXTENSIBLE_BYTES = 16, 40
_MOST_CHUNKS = 1_000  # before the samples; a hostile file could have millions


class _Format(NamedTuple):
    """What a `fmt ` chunk says, scalar int32 each; `is_float` is a scalar bool."""

    is_float: tf.Tensor
    n_channels: tf.Tensor
    rate_hz: tf.Tensor
    sample_bytes: tf.Tensor


def read_wav(data: tf.Tensor, config: AudioConfig) -> tf.Tensor:
    """Returns the clip in scalar WAV bytes, by the rules of ingestion.

    PCM of 8, 16, 24 and 32 bits and 32-bit float are read, at any usual rate and channel count. The
    clip is the middle `clip_seconds`, mixed to mono and resampled within its band. Where the
    channels cancel each other the loudest one is taken, and what overshoots full scale is scaled.

    Returns:
        float32 [samples] at `sample_rate_hz`, in [-1, 1].

    Raises:
        tf.errors.InvalidArgumentError: for other bytes, and for a clip that is too short, silent,
            not finite or far too loud.
    """
    form, start, n_bytes = _parse(data)
    frame_bytes = tf.cast(form.n_channels * form.sample_bytes, tf.int64)
    n_frames = n_bytes // frame_bytes
    rate_hz = tf.cast(form.rate_hz, tf.float32)
    seconds = tf.cast(n_frames, tf.float32) / rate_hz
    n_frames = _require(
        seconds >= config.min_clip_seconds,
        tf.strings.join(
            [
                "the sound lasts ",
                tf.strings.as_string(seconds, precision=2),
                f" s, at least {config.min_clip_seconds:g} s are needed",
            ]
        ),
        n_frames,
    )
    length = tf.minimum(n_frames, tf.cast(tf.round(config.clip_seconds * rate_hz), tf.int64))
    first = (n_frames - length) // 2
    middle = tf.strings.substr(data, start + first * frame_bytes, length * frame_bytes)
    channels = tf.reshape(_decode(middle, form), [-1, form.n_channels])
    mono = _check_level(_mix(channels))
    resampled = resample(mono, form.rate_hz, config.sample_rate_hz)
    return resampled / tf.maximum(tf.reduce_max(tf.abs(resampled)), 1.0)


def _require(condition: tf.Tensor, message: str | tf.Tensor, value: tf.Tensor) -> tf.Tensor:
    """Returns `value`, or raises InvalidArgumentError with `message`."""
    with tf.control_dependencies([tf.debugging.Assert(condition, [message])]):
        return tf.identity(value)


def _number(data: tf.Tensor, at: tf.Tensor | int, n_bytes: int) -> tf.Tensor:
    """Returns the little-endian unsigned number at a byte, scalar int64."""
    digits = tf.cast(tf.io.decode_raw(tf.strings.substr(data, at, n_bytes), tf.uint8), tf.int64)
    return tf.reduce_sum(digits * tf.constant([256**place for place in range(n_bytes)], tf.int64))


def _parse(data: tf.Tensor) -> tuple[_Format, tf.Tensor, tf.Tensor]:
    """Returns the format, and the first byte and the number of bytes of the samples, int64."""
    length = tf.cast(tf.strings.length(data), tf.int64)
    head = tf.strings.join([tf.strings.substr(data, 0, _RIFF_BYTES), b"\0" * _RIFF_BYTES])
    is_wav = (tf.strings.substr(head, 0, 4) == b"RIFF") & (tf.strings.substr(head, 8, 4) == b"WAVE")
    length = _require(is_wav, "not a WAV file", length)
    nowhere = tf.constant(-1, tf.int64)

    def is_missing(
        at: tf.Tensor, n_chunks: tf.Tensor, _: tf.Tensor, samples: tf.Tensor
    ) -> tf.Tensor:
        return (samples < 0) & (at + _CHUNK_BYTES <= length) & (n_chunks < _MOST_CHUNKS)

    def look_at_chunk(
        at: tf.Tensor, n_chunks: tf.Tensor, form: tf.Tensor, samples: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        name, size = tf.strings.substr(data, at, 4), _number(data, at + 4, 4)
        form = tf.where((name == b"fmt ") & (form < 0), at, form)
        samples = tf.where(name == b"data", at, samples)
        return at + _CHUNK_BYTES + size + size % 2, n_chunks + 1, form, samples

    start = (tf.constant(_RIFF_BYTES, tf.int64), tf.constant(0), nowhere, nowhere)
    _, n_chunks, form, samples = tf.while_loop(is_missing, look_at_chunk, start)
    too_many = f"a WAV file with {_MOST_CHUNKS} chunks before its samples"
    form = _require((n_chunks < _MOST_CHUNKS) | (samples >= 0), too_many, form)
    form = _require(samples >= 0, "a WAV file without a chunk of samples", form)
    form = _require(form >= 0, "a WAV file without a format before its samples", form)
    size = _number(data, samples + 4, 4)
    to_the_end = length - samples - _CHUNK_BYTES
    is_unknown = tf.reduce_any(tf.equal(size, tf.constant(_UNKNOWN_SIZES, tf.int64)))
    n_bytes = tf.where(is_unknown, to_the_end, tf.minimum(size, to_the_end))
    return _parse_format(data, form, length), samples + _CHUNK_BYTES, n_bytes


def _parse_format(data: tf.Tensor, chunk: tf.Tensor, length: tf.Tensor) -> _Format:
    size = tf.minimum(_number(data, chunk + 4, 4), length - chunk - _CHUNK_BYTES)
    at = _require(size >= _FORMAT_BYTES, "a WAV file whose format is cut off", chunk + _CHUNK_BYTES)
    tag, n_channels, rate_hz, frame_bytes, bits = (
        _number(data, at + place, n_bytes)
        for place, n_bytes in ((0, 2), (2, 2), (4, 4), (12, 2), (14, 2))
    )
    # The first two bytes of the identifier that follows are the format.
    is_extensible = (tag == _EXTENSIBLE) & (size >= _EXTENSIBLE_BYTES)
    tag = tf.cond(is_extensible, lambda: _number(data, at + 24, 2), lambda: tag)
    sample_bytes = (bits + 7) // 8
    is_read = ((tag == _PCM) & (sample_bytes >= 1) & (sample_bytes <= 4)) | (
        (tag == _FLOAT) & (bits == 32)
    )
    tag = _require(
        is_read,
        tf.strings.format(
            "samples of WAV format {} with {} bits; PCM of 8, 16, 24 or 32 bits (format 1) and "
            "32-bit float (format 3) are read",
            (tag, bits),
        ),
        tag,
    )
    n_channels = _require(
        (n_channels >= 1) & (n_channels <= MAX_CHANNELS),
        tf.strings.format("{} channels", (n_channels,)),
        n_channels,
    )
    rate_hz = _require(
        (rate_hz >= SOURCE_RATES_HZ[0]) & (rate_hz <= SOURCE_RATES_HZ[-1]),
        tf.strings.format("a sample rate of {} Hz", (rate_hz,)),
        rate_hz,
    )
    n_channels = _require(
        frame_bytes == n_channels * sample_bytes,
        tf.strings.format("{} bytes a frame do not fit {} bits a sample", (frame_bytes, bits)),
        n_channels,
    )
    return _Format(
        tag == _FLOAT,
        *(tf.cast(number, tf.int32) for number in (n_channels, rate_hz, sample_bytes)),
    )


def _decode(samples: tf.Tensor, form: _Format) -> tf.Tensor:
    """Returns float32 [frames * channels], full scale 1, of scalar bytes."""

    def whole_numbers(dtype: tf.DType) -> tf.Tensor:
        return tf.cast(tf.io.decode_raw(samples, dtype), tf.float32)

    def three_bytes() -> tf.Tensor:
        digits = tf.cast(tf.reshape(tf.io.decode_raw(samples, tf.uint8), [-1, 3]), tf.int32)
        # Shifted to the top of 32 bits, so that the sign bit is in its place.
        shifted = tf.bitwise.left_shift(digits, [8, 16, 24])
        return tf.cast(tf.reduce_sum(shifted, axis=1), tf.float32) / 2.0**31

    return tf.switch_case(
        tf.where(form.is_float, 4, form.sample_bytes - 1),
        [
            lambda: (whole_numbers(tf.uint8) - 128.0) / 128.0,
            lambda: whole_numbers(tf.int16) / 2.0**15,
            three_bytes,
            lambda: whole_numbers(tf.int32) / 2.0**31,
            lambda: tf.io.decode_raw(samples, tf.float32),
        ],
    )


def _mix(channels: tf.Tensor) -> tf.Tensor:
    """Returns the mean of [frames, channels], or the loudest channel where they cancel."""
    mean = tf.reduce_mean(channels, axis=1)
    energies = tf.reduce_sum(tf.square(channels), axis=0)
    loudest = tf.argmax(energies)
    alone = energies[loudest] / tf.square(tf.cast(tf.shape(channels)[1], tf.float32))
    is_cancelled = tf.reduce_sum(tf.square(mean)) < CANCELLED_SHARE * alone
    return tf.cond(is_cancelled, lambda: channels[:, loudest], lambda: mean)


def _check_level(mono: tf.Tensor) -> tf.Tensor:
    """Returns the signal, float32 [frames], where it is one that can be judged."""
    peak = tf.reduce_max(tf.abs(mono))
    is_finite = tf.reduce_all(tf.math.is_finite(mono))
    mono = _require(is_finite, "the sound holds samples that are not finite numbers", mono)
    too_loud = tf.strings.join(
        [
            "samples reach ",
            tf.strings.as_string(peak, precision=1),
            f" times full scale, more than the {MAX_PEAK:g} that are accepted",
        ]
    )
    mono = _require(peak <= MAX_PEAK, too_loud, mono)
    return _require(peak >= SILENCE_PEAK, "the sound is silent: no sample above -80 dBFS", mono)
