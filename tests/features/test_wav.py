"""WAV files in the serving graph against the decoder of ingestion."""

import struct

import numpy as np
import pytest
import tensorflow as tf

from dataset.audio.decoding import decode_clip
from dataset.config import AudioConfig
from features import log_mel, pcm
from features.wav import read_wav
from tests.features.test_log_mel import music
from tests.stand_ins import wav_of_samples

CONFIG = AudioConfig()


@tf.function(input_signature=[tf.TensorSpec([], tf.string)])
def read(data: tf.Tensor) -> tf.Tensor:
    return read_wav(data, CONFIG)


def assert_read_alike(data: bytes) -> None:
    """Compares the PCM16 that goes on to the features, where nothing was resampled."""
    got = np.frombuffer(pcm.encode_pcm16(read(data)).numpy(), "<i2").astype(int)
    expected = decode_clip(data, CONFIG).pcm16
    assert got.shape == expected.shape
    assert np.abs(got - expected).max() <= 1


def chunk(name: bytes, body: bytes, size: int | None = None) -> bytes:
    """Returns a RIFF chunk with its padding; `size` is what its header says where that is wrong."""
    return (
        name
        + struct.pack("<I", len(body) if size is None else size)
        + body
        + b"\0" * (len(body) % 2)
    )


def pcm_format(n_channels: int = 1, bits: int = 16, tag: int = 1, rate_hz: int = 22_050) -> bytes:
    frame_bytes = n_channels * bits // 8
    return chunk(
        b"fmt ",
        struct.pack("<HHIIHH", tag, n_channels, rate_hz, rate_hz * frame_bytes, frame_bytes, bits),
    )


def riff(*chunks: bytes, size: int | None = None) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body) if size is None else size) + body


SAMPLES = music(3.0)
PCM16 = np.rint(SAMPLES * 32_768).astype("<i2").tobytes()
JUNK = chunk(b"JUNK", b"odd")
STEREO = np.stack([music(3.0, seed=1), music(3.0, seed=2)], axis=1)


def at_peak(peak: float) -> bytes:
    return wav_of_samples(SAMPLES * np.float32(peak / np.abs(SAMPLES).max()), subtype="FLOAT")


@pytest.mark.parametrize(("rate_hz", "n_channels"), [(22_050, 1), (44_100, 2), (48_000, 6)])
def test_a_file_is_read_as_ingestion_reads_it(rate_hz: int, n_channels: int) -> None:
    # Longer than a clip, so that both must take the same middle.
    signal = np.outer(music(32.0, rate_hz), np.linspace(1, 0.3, n_channels)).astype("f4")
    data = wav_of_samples(signal, rate_hz)
    clip = decode_clip(data, CONFIG).pcm16
    got = read(data).numpy()
    assert len(got) == len(clip) == 30 * 22_050
    assert np.abs(got * 32_768 - clip)[100:-100].max() <= 33  # 0.1 % of full scale
    of_ingestion, of_graph = (
        log_mel.log_mel_image(log_mel.power_spectrogram(signal, CONFIG), CONFIG).numpy().astype(int)
        for signal in (pcm.decode_pcm16(clip.tobytes()), tf.constant(got))
    )
    assert np.abs(of_ingestion - of_graph).mean() < 0.2  # of 255 levels, 0.06 dB


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT"])
@pytest.mark.parametrize("form", ["WAV", "WAVEX"])  # WAVEX: WAVE_FORMAT_EXTENSIBLE
@pytest.mark.parametrize("samples", [SAMPLES, STEREO], ids=["mono", "stereo"])
def test_every_sample_format_is_read(subtype: str, form: str, samples: np.ndarray) -> None:
    assert_read_alike(wav_of_samples(samples, subtype=subtype, form=form))


@pytest.mark.parametrize(
    "data",
    [
        riff(pcm_format(), chunk(b"data", PCM16, size=0), size=0),
        riff(pcm_format(), chunk(b"data", PCM16, size=0xFFFFFFFF), size=0xFFFFFFFF),
        riff(pcm_format(), chunk(b"data", PCM16[:-1_000], size=len(PCM16))),
        riff(JUNK, chunk(b"bext", b"x" * 602), pcm_format(), chunk(b"data", PCM16)),
        riff(pcm_format(), chunk(b"LIST", b"INFOIART\x01\0\0\0x"), chunk(b"data", PCM16)),
        riff(pcm_format(), chunk(b"data", PCM16), chunk(b"id3 ", b"loud" * 9_000)),
        riff(pcm_format(2), chunk(b"data", PCM16 + b"abc")),
        riff(pcm_format(), chunk(b"data", PCM16[:44_100])),
        at_peak(1.1e-4),
    ],
    ids=[
        "sizes 0", "sizes unknown", "cut off", "chunks before the format",
        "a chunk before the samples", "a chunk behind the samples", "a part of a frame at the end",
        "1 s", "just above silence",
    ],
)  # fmt: skip
def test_a_file_that_is_not_the_plainest_is_read(data: bytes) -> None:
    assert_read_alike(data)


def test_channels_that_cancel_give_the_louder_one() -> None:
    for channels in ([SAMPLES, -SAMPLES], [0.5 * SAMPLES, -0.502 * SAMPLES]):
        data = wav_of_samples(np.stack(channels, axis=1), subtype="FLOAT")
        loudest = channels[np.argmax(np.std(channels, axis=1))]
        np.testing.assert_allclose(read(data).numpy(), loudest, atol=1e-6)
        assert_read_alike(data)


def test_one_channel_of_six_is_no_cancellation() -> None:
    channels = np.zeros([len(SAMPLES), 6], np.float32)
    channels[:, 4] = SAMPLES
    data = wav_of_samples(channels, subtype="FLOAT")
    np.testing.assert_allclose(read(data).numpy(), SAMPLES / 6, atol=1e-6)
    assert_read_alike(data)


def test_overshoot_is_scaled_by_its_peak() -> None:
    data = at_peak(9.9)
    np.testing.assert_allclose(read(data).numpy(), SAMPLES / np.abs(SAMPLES).max(), atol=1e-6)
    assert_read_alike(data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a WAV file"),
        (b"no wav at all", "not a WAV file"),
        (b"RIFF", "not a WAV file"),
        (riff(), "without a chunk of samples"),
        (riff(pcm_format()), "without a chunk of samples"),
        (riff(chunk(b"data", PCM16)), "without a format"),
        (riff(chunk(b"fmt ", b"\1\0"), chunk(b"data", PCM16)), "format is cut off"),
        (riff(*[JUNK] * 999, pcm_format(), chunk(b"data", PCM16)), "1000 chunks before"),
        (riff(pcm_format(tag=6, bits=8), chunk(b"data", PCM16)), "format 6 with 8 bits"),
        (riff(pcm_format(tag=3, bits=64), chunk(b"data", PCM16)), "format 3 with 64 bits"),
        (riff(pcm_format(tag=0xFFFE), chunk(b"data", PCM16)), "format 65534 with 16 bits"),
        (riff(pcm_format(bits=0), chunk(b"data", PCM16)), "format 1 with 0 bits"),
        (riff(pcm_format(bits=40), chunk(b"data", PCM16)), "format 1 with 40 bits"),
        (riff(pcm_format(bits=12), chunk(b"data", PCM16)), "1 bytes a frame do not fit 12 bits"),
        (riff(pcm_format(0), chunk(b"data", PCM16)), "0 channels"),
        (riff(pcm_format(65), chunk(b"data", PCM16)), "65 channels"),
        (riff(pcm_format(rate_hz=999), chunk(b"data", PCM16)), "sample rate of 999 Hz"),
        (riff(pcm_format(rate_hz=768_001), chunk(b"data", PCM16)), "sample rate of 768001 Hz"),
        (riff(pcm_format(), chunk(b"data", PCM16[:44_098])), "at least 1 s are needed"),
        (wav_of_samples(np.zeros(44_100, "<i2")), "silent"),
        (at_peak(0.9e-4), "silent"),
        (wav_of_samples(np.full(44_100, np.nan, "f4"), subtype="FLOAT"), "not finite"),
        (at_peak(10.1), "10.1 times full scale"),
    ],
)  # fmt: skip
def test_what_cannot_be_judged_is_refused_in_words(data: bytes, message: str) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        read(data)
