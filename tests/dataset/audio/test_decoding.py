"""Decoding, against soundfile and librosa in double precision and the formula of a tone."""

from __future__ import annotations

import io
import struct

import librosa
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from dataset.audio import middle, reading
from dataset.audio.decoding import Clip, decode_clip
from dataset.bad_files import AudioError, FaultKind
from dataset.config import AudioConfig
from tests.dataset.audio.sounds import encode, music, wav_size

AUDIO = AudioConfig(clip_seconds=2.0, min_clip_seconds=1.0)
RATE_HZ = AUDIO.sample_rate_hz


def reference(data: bytes) -> NDArray[np.float64]:
    """Return what the samples should be, in [-1, 1], computed in double precision."""
    samples, rate_hz = soundfile.read(io.BytesIO(data), dtype="float64", always_2d=True)
    return librosa.resample(
        samples.mean(axis=1), orig_sr=rate_hz, target_sr=RATE_HZ, res_type="soxr_hq"
    )


def assert_same(clip: Clip, expected: NDArray[np.float64]) -> None:
    """Check that a clip is the expected signal, rounded; the last bit may fall either way."""
    assert clip.pcm16.dtype == np.int16
    assert clip.pcm16.shape == expected.shape
    error = clip.pcm16 - np.clip(np.rint(expected * 32_768), -32_768, 32_767)
    assert np.abs(error).max() <= 1


def fault_of(data: bytes) -> AudioError:
    """Return the error with which a file is refused."""
    with pytest.raises(AudioError) as caught:
        decode_clip(data, AUDIO)
    return caught.value


@pytest.mark.parametrize(
    ("container", "subtype", "rate_hz", "channels"),
    [
        ("WAV", "PCM_U8", 44_100, 1), ("WAV", "PCM_16", 22_050, 1), ("WAV", "PCM_16", 44_100, 6),
        ("WAV", "PCM_24", 96_000, 2), ("WAV", "PCM_32", 48_000, 2), ("WAV", "DOUBLE", 8_000, 2),
        ("FLAC", "PCM_16", 44_100, 2), ("FLAC", "PCM_24", 96_000, 2), ("OGG", "VORBIS", 44_100, 2),
        ("MP3", "MPEG_LAYER_III", 44_100, 2), ("AIFF", "PCM_16", 44_100, 2),
    ],
)  # fmt: skip
def test_files_of_any_format_depth_rate_and_channel_count(
    container: str, subtype: str, rate_hz: int, channels: int
) -> None:
    data = encode(music(rate_hz, channels), rate_hz, subtype, container)
    clip = decode_clip(data, AUDIO)
    assert_same(clip, reference(data))
    assert (clip.source_rate_hz, clip.source_channels) == (rate_hz, channels)
    assert clip.duration_seconds == pytest.approx(1.5, abs=1e-4)


@pytest.mark.parametrize("rate_hz", [8_000, 44_100])
def test_a_tone_is_the_same_tone_after_decoding(rate_hz: int) -> None:
    seconds = np.arange(round(1.5 * rate_hz)) / rate_hz
    left, right = 0.6 * np.sin(2 * np.pi * 440 * seconds), 0.2 * np.sin(2 * np.pi * 440 * seconds)
    clip = decode_clip(encode(np.stack([left, right], axis=1), rate_hz, "FLOAT"), AUDIO)
    expected = 0.4 * np.sin(2 * np.pi * 440 * np.arange(len(clip.pcm16)) / RATE_HZ)
    # Away from the ends, where the resampler's filter reaches into nothing.
    inner = slice(2_000, -2_000)
    assert np.abs(clip.pcm16[inner] / 32_768 - expected[inner]).max() < 1e-4


@pytest.mark.parametrize("container", ["WAV", "FLAC"])
def test_of_a_longer_file_the_middle_is_taken(container: str) -> None:
    level = np.repeat([0.1, 0.3, 0.5, 0.7, 0.9], RATE_HZ)
    clip = decode_clip(encode(level, RATE_HZ, "PCM_16", container), AUDIO)
    assert clip.duration_seconds == 5.0
    assert len(clip.pcm16) == AUDIO.clip_samples == 2 * RATE_HZ
    changes = np.flatnonzero(np.diff(clip.pcm16))
    # Seconds 1.5 to 3.5: half a second of .3, one of .5, half of .7.
    assert list(changes + 1) == [RATE_HZ // 2, 3 * RATE_HZ // 2]
    assert np.unique(clip.pcm16 / 32_768) == pytest.approx([0.3, 0.5, 0.7], abs=1e-4)


def test_a_longer_file_of_another_rate_gives_no_more_than_the_clip() -> None:
    data = encode(music(48_000, 1, seconds=3.0), 48_000)
    clip = decode_clip(data, AUDIO)
    assert len(clip.pcm16) == 2 * RATE_HZ
    assert clip.duration_seconds == 3.0


@pytest.mark.parametrize(("frames", "accepted"), [(22_050, True), (22_049, False)])
def test_the_shortest_clip_is_exactly_min_clip_seconds(frames: int, accepted: bool) -> None:
    data = encode(music(RATE_HZ, 1)[:frames], RATE_HZ)
    if accepted:
        assert len(decode_clip(data, AUDIO).pcm16) == 22_050
    else:
        assert fault_of(data).kind is FaultKind.TOO_SHORT


def test_what_overshoots_when_it_is_resampled_is_scaled_by_its_peak() -> None:
    # A square wave overshoots when it is band-limited: by 9 % of its step.
    square = np.where(np.arange(66_150) % 100 < 50, 1.0, -1.0)
    data = encode(square, 44_100, "FLOAT")
    expected = reference(data)
    assert expected.max() > 1.05
    assert_same(decode_clip(data, AUDIO), expected / np.abs(expected).max())


@pytest.mark.parametrize("peak", [1.0, 1.01, 10.0])
def test_samples_beyond_full_scale_are_scaled_by_their_peak(peak: float) -> None:
    samples = music(RATE_HZ, 1)
    data = encode(peak * samples / np.abs(samples).max(), RATE_HZ, "FLOAT")
    assert_same(decode_clip(data, AUDIO), reference(data) / peak)


def test_an_empty_file() -> None:
    assert fault_of(b"").kind is FaultKind.EMPTY_FILE


@pytest.mark.parametrize(
    "data",
    [
        encode(music(8_000, 1), 8_000)[:20],
        np.random.default_rng(0).bytes(20_000),
        b"<html>404 Not Found</html>",
        b"#!/bin/sh\necho\n" * 1000,
        b"#EXTM3U\n#EXTINF:10,\nfile:///etc/hostname\n",
        b"ffconcat version 1.0\nfile '/etc/hostname'\n",
    ],
    ids=["truncated header", "random bytes", "web page", "text", "playlist", "list of files"],
)
def test_what_is_no_whole_audio_file(data: bytes) -> None:
    error = fault_of(data)
    assert error.kind is FaultKind.UNDECODABLE
    assert error.detail
    assert "0x" not in error.detail  # an object's address would differ between runs


# What libsndfile asks for in vain must not be printed by cffi.
@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_damaged_files_are_faults_and_never_crashes() -> None:
    rng = np.random.default_rng(0)
    outcomes = set()
    for container in ("WAV", "FLAC", "OGG", "AIFF"):
        whole = encode(music(16_000, 2), 16_000, container=container)
        for _ in range(40):
            damaged = bytearray(whole)
            for place in rng.integers(min(len(whole), 120), size=4):
                damaged[place] = rng.integers(256)
            try:
                decode_clip(bytes(damaged), AUDIO)
                outcomes.add("decoded")
            except AudioError as error:
                outcomes.add(error.kind.value)
    assert {"decoded", "undecodable"} <= outcomes


@pytest.mark.parametrize("level", [0.0, 0.9e-4])
@pytest.mark.parametrize("gains", [[1], [1, -1]], ids=str)
def test_silence(level: float, gains: list[int]) -> None:
    samples = level * np.sin(np.arange(16_000))[:, np.newaxis] * gains
    assert fault_of(encode(samples, 8_000, "FLOAT")).kind is FaultKind.SILENT


@pytest.mark.parametrize(
    "gains", [[1, -1], [-0.5, 0.49], [0.2, -0.5, 0.3], [0.5, 0, 0, 0, 0, -0.5]], ids=str
)
def test_of_channels_that_cancel_each_other_the_loudest_is_used(gains: list[float]) -> None:
    tone = music(RATE_HZ, 1, seconds=5.0) * gains
    clip = decode_clip(encode(tone, RATE_HZ, "FLOAT"), AUDIO)
    loudest = tone[:, np.abs(gains).argmax()]
    assert clip.out_of_phase
    assert_same(clip, loudest[3 * RATE_HZ // 2 : 7 * RATE_HZ // 2])


def test_ffmpeg_decodes_the_loudest_of_channels_that_cancel_each_other_too() -> None:
    tone = music(44_100, 1)
    wav = encode(tone * [0.49, -0.5], 44_100)
    clip = decode_clip(wav_size(wav, 0), AUDIO)  # without a size libsndfile finds nothing
    assert clip.out_of_phase
    assert_same(clip, reference(encode(-0.5 * tone, 44_100)))


# The mean has (1 - r)**2 of what the louder channel alone would leave in it: -20 dB at r = 0.9.
@pytest.mark.parametrize(("other", "out_of_phase"), [(-0.89, False), (-0.91, True), (1.0, False)])
def test_channels_cancel_where_their_mean_is_20_db_below_the_loudest(
    other: float, out_of_phase: bool
) -> None:
    data = encode(music(RATE_HZ, 1) * [1, other], RATE_HZ, "FLOAT")
    clip = decode_clip(data, AUDIO)
    assert clip.out_of_phase == out_of_phase
    if not out_of_phase:
        expected = reference(data)
        assert_same(clip, expected / max(1.0, np.abs(expected).max()))


def test_only_the_part_that_is_kept_decides_whether_channels_cancel() -> None:
    left = music(RATE_HZ, 1, seconds=6.0)
    gain = np.where(np.abs(np.arange(len(left)) - len(left) / 2) < 1.01 * RATE_HZ, -1, 1)
    for right, out_of_phase in ((gain, True), (-gain, False)):
        data = encode(np.hstack([left, left * right[:, np.newaxis]]), RATE_HZ)
        assert decode_clip(data, AUDIO).out_of_phase == out_of_phase


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_sample_that_is_no_number(value: float, channels: int) -> None:
    samples = music(8_000, channels)
    samples[5_000, 0] = value
    error = fault_of(encode(samples, 8_000, "FLOAT"))
    assert error.kind is FaultKind.UNDECODABLE
    assert "not finite" in error.detail


@pytest.mark.parametrize(("peak", "shown"), [(10.1, "10.1"), (np.finfo("f4").max, "3.40282e+38")])
@pytest.mark.parametrize("gains", [[1], [1, 1], [1, -1]], ids=str)
def test_samples_far_above_full_scale_are_a_fault(
    peak: float, shown: str, gains: list[int]
) -> None:
    square = np.sign(np.sin(2 * np.pi * 440 * (np.arange(88_200) + 0.5) / 44_100))
    error = fault_of(encode(peak * square[:, np.newaxis] * gains, 44_100, subtype="FLOAT"))
    assert error.kind is FaultKind.UNDECODABLE
    assert f"±{shown}, more than 10 times" in error.detail


@pytest.mark.parametrize(("level", "near_silent"), [(2e-4, True), (0.9e-3, True), (1.1e-3, False)])
def test_near_silence_is_kept_and_told(level: float, near_silent: bool) -> None:
    tone = level * np.sqrt(2) * np.sin(2 * np.pi * 440 * np.arange(88_200) / 44_100)
    clip = decode_clip(encode(tone, 44_100, "FLOAT"), AUDIO)
    assert clip.near_silent == near_silent
    assert np.abs(clip.pcm16).max() > 3


def test_a_file_of_more_bytes_than_any_clip(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encode(music(8_000, 1), 8_000)
    monkeypatch.setattr(reading, "MAX_FILE_BYTES", len(data))
    assert decode_clip(data, AUDIO).duration_seconds == 1.5
    monkeypatch.setattr(reading, "MAX_FILE_BYTES", len(data) - 1)
    assert fault_of(data).kind is FaultKind.TOO_LARGE


def test_more_frames_than_memory_should_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(middle, "_MAX_FRAMES", 10_000)
    error = fault_of(encode(music(8_000, 1), 8_000))
    assert (error.kind, "10000 frames" in error.detail) == (FaultKind.TOO_LARGE, True)
    assert decode_clip(encode(music(8_000, 1, 1.2), 8_000), AUDIO).duration_seconds == 1.2


def test_a_wav_that_pads_its_samples_is_refused_instead_of_read_as_noise() -> None:
    padded = np.zeros((44_100, 4), np.uint8)
    padded[:, :3] = np.random.default_rng(0).integers(0, 256, (44_100, 3))
    form = struct.pack("<HHIIHH", 1, 1, 22_050, 4 * 22_050, 4, 24)
    body = b"WAVEfmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", padded.size)
    data = b"RIFF" + struct.pack("<I", len(body) + padded.size) + body + padded.tobytes()
    error = fault_of(data)
    assert error.kind is FaultKind.UNDECODABLE
    assert "4 bytes a frame do not fit 24 bits" in error.detail
