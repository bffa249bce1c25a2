"""Files that are not what they say: what is decoded counts, and what it costs has a bound."""

from __future__ import annotations

import io
import tracemalloc

import numpy as np
import pytest
import soundfile

from dataset.audio.decoding import decode_clip
from dataset.bad_files import AudioError, FaultKind
from dataset.config import AudioConfig
from tests.dataset.audio.sounds import (
    encode,
    encode_with_ffmpeg,
    flac_frames,
    id3,
    music,
    wav_size,
    xing,
)

AUDIO = AudioConfig(clip_seconds=2.0)
RATE_HZ = 44_100
# 8 s, of which the half from 3 s to 5 s is another tone: the middle shows where it was taken.
SECONDS = 8.0


def marked(rate_hz: int = RATE_HZ) -> np.ndarray:
    """Return [frames, 2] of 8 s, 440 Hz but for 880 Hz in the middle 2 s."""
    time = np.arange(round(SECONDS * rate_hz)) / rate_hz
    tone = 0.4 * np.sin(2 * np.pi * np.where(abs(time - 4.0) < 1.0, 880, 440) * time)
    noise = np.random.default_rng(0).normal(0, 0.01, (len(time), 2))
    return tone[:, np.newaxis] + noise


def share_of_880_hz(pcm16: np.ndarray) -> float:
    """Return how much of the energy of 440 and 880 Hz is at 880 Hz."""
    spectrum = np.abs(np.fft.rfft(pcm16 / 32_768)) ** 2
    hz = np.fft.rfftfreq(len(pcm16), 1 / AUDIO.sample_rate_hz)
    low, high = (spectrum[abs(hz - centre) < 20].sum() for centre in (440, 880))
    return float(high / (low + high))


def fault_of(data: bytes) -> AudioError:
    with pytest.raises(AudioError) as caught:
        decode_clip(data, AUDIO)
    return caught.value


MP3 = encode(marked(), RATE_HZ, "MPEG_LAYER_III", "MP3")
FLAC = encode(marked(), RATE_HZ, "PCM_16", "FLAC")
WAV = encode(marked(), RATE_HZ)
NOISE = np.random.default_rng(1).bytes(3_000)
# Half silence: a decoder that goes by the first frame's bit rate takes it for something else.
UNEVEN = encode(
    np.concatenate([np.zeros((RATE_HZ * 4, 2)), np.tile(music(RATE_HZ, 2, 1.0), (4, 1))]),
    RATE_HZ,
    "MPEG_LAYER_III",
    "MP3",
)


LYING = {
    "mp3": MP3,
    "mp3 without Xing": xing(MP3, None),
    "Xing 0": xing(MP3, 0),
    "Xing 100": xing(MP3, 100),
    "Xing 2**32 - 1": xing(MP3, 0xFFFFFFFF),
    "mp3 after three ID3": id3(1_000) * 3 + MP3,
    "mp3 after noise": NOISE + MP3,
    "mp3 after zeros": bytes(100_000) + MP3,
    "mp3 before ID3v1": MP3 + b"TAG" + bytes(125),
    "mp3 before zeros": MP3 + bytes(40_000),
    "flac after ID3": id3(2_000) + FLAC,
    "flac of unknown length": flac_frames(FLAC, 0),
    "flac, fewer frames": flac_frames(FLAC, 1_000),
    "flac, more frames": flac_frames(FLAC, 10 * RATE_HZ),
    "flac, 2**36 frames": flac_frames(FLAC, 2**36 - 1),
    "wav, 0 bytes": wav_size(WAV, 0),
    "wav, 2**32 bytes": wav_size(WAV, 0xFFFFFFFF),
    "extensible": encode(marked(), RATE_HZ, "PCM_16", "WAVEX"),
    "aiff": encode(marked(), RATE_HZ, "PCM_24", "AIFF"),
    "opus": encode(marked(48_000), 48_000, "OPUS", "OGG"),
    "vorbis": encode(marked(), RATE_HZ, "VORBIS", "OGG"),
    "m4a": encode_with_ffmpeg(marked(), RATE_HZ, "aac", "mp4"),
    "aac": encode_with_ffmpeg(marked(), RATE_HZ, "aac", "adts"),
    "alac": encode_with_ffmpeg(marked(), RATE_HZ, "alac", "ipod"),
    "wma": encode_with_ffmpeg(marked(), RATE_HZ, "wmav2", "asf"),
    "webm": encode_with_ffmpeg(marked(48_000), 48_000, "libopus", "webm"),
}


@pytest.mark.parametrize("data", LYING.values(), ids=LYING)
def test_the_middle_is_that_of_what_can_be_decoded(data: bytes) -> None:
    clip = decode_clip(data, AUDIO)
    assert clip.duration_seconds == pytest.approx(SECONDS, abs=0.1)
    assert len(clip.pcm16) == AUDIO.clip_samples
    assert clip.source_channels == 2
    assert share_of_880_hz(clip.pcm16) > 0.9


@pytest.mark.parametrize("header", ["kept", "taken away"])
def test_an_mp3_of_a_changing_bit_rate_has_its_true_length(header: str) -> None:
    data = UNEVEN if header == "kept" else xing(UNEVEN, None)
    assert decode_clip(data, AUDIO).duration_seconds == pytest.approx(8.0, abs=0.1)


@pytest.mark.parametrize("mp3", [MP3, encode(music(22_050, 1, 4.0), 22_050, container="MP3")])
def test_two_mp3s_in_one_file_are_one_after_the_other(mp3: bytes) -> None:
    one, two = (decode_clip(data, AUDIO).duration_seconds for data in (mp3, mp3 + mp3))
    assert two == pytest.approx(2 * one, abs=0.2)


@pytest.mark.parametrize("share", [0.3, 0.9])
@pytest.mark.parametrize("kind", ["mp3", "flac", "wav", "vorbis", "aiff", "aac"])
def test_a_truncated_file_is_as_long_as_what_is_left(kind: str, share: float) -> None:
    whole = {**LYING, "flac": FLAC, "wav": WAV}[kind]
    clip = decode_clip(whole[: round(share * len(whole))], AUDIO)
    assert clip.duration_seconds == pytest.approx(share * SECONDS, abs=0.5)
    assert len(clip.pcm16) == AUDIO.clip_samples


@pytest.mark.parametrize("n_bytes", [1, 12, 44, 1_000])
@pytest.mark.parametrize("whole", [MP3, FLAC, WAV], ids=["mp3", "flac", "wav"])
def test_next_to_nothing_is_a_fault(whole: bytes, n_bytes: int) -> None:
    assert fault_of(whole[:n_bytes]).kind in (FaultKind.UNDECODABLE, FaultKind.TOO_SHORT)


def test_an_m4a_without_its_index_is_undecodable() -> None:
    data = LYING["m4a"]
    assert fault_of(data[: len(data) // 2]).kind is FaultKind.UNDECODABLE


@pytest.mark.parametrize(("rate_hz", "channels"), [(8_000, 1), (44_100, 2), (96_000, 6)])
def test_rates_and_channels_of_an_m4a(rate_hz: int, channels: int) -> None:
    clip = decode_clip(encode_with_ffmpeg(music(rate_hz, channels), rate_hz, "aac", "mp4"), AUDIO)
    assert (clip.source_rate_hz, clip.source_channels) == (rate_hz, channels)
    assert clip.duration_seconds == pytest.approx(1.5, abs=0.2)  # whole frames of 1,024


@pytest.mark.parametrize(
    "codec", ["pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_f64le"]
)
def test_the_two_decoders_agree_on_samples_of_every_kind(codec: str) -> None:
    wav = encode_with_ffmpeg(music(RATE_HZ, 2), RATE_HZ, codec, "wav")
    place = wav.index(b"data") + 4
    # Without a size libsndfile finds nothing, and FFmpeg reads to the end.
    sizeless = wav[:place] + bytes(4) + wav[place + 4 :]
    one, other = decode_clip(wav, AUDIO), decode_clip(sizeless, AUDIO)
    assert one.duration_seconds == other.duration_seconds == 1.5
    assert np.abs(one.pcm16.astype(int) - other.pcm16).max() <= 1


@pytest.mark.parametrize("rate_hz", [0, 999, 2**31 - 1])
def test_rates_of_no_audio(rate_hz: int) -> None:
    data = WAV[:24] + rate_hz.to_bytes(4, "little") + WAV[28:]
    assert fault_of(data).kind is FaultKind.UNDECODABLE


@pytest.mark.parametrize("claim", ["wav", "flac", "mp3"])
def test_a_header_that_claims_hours_costs_no_memory(claim: str) -> None:
    data = {
        "wav": wav_size(encode(music(RATE_HZ, 2), RATE_HZ), 0xFFFFFFFF),
        "flac": flac_frames(encode(music(RATE_HZ, 2), RATE_HZ, container="FLAC"), 2**36 - 1),
        "mp3": xing(encode(music(RATE_HZ, 2), RATE_HZ, container="MP3"), 2**32 - 1),
    }[claim]
    config = AudioConfig(clip_seconds=3_600.0)
    decode_clip(data, config)
    tracemalloc.start()
    try:
        clip = decode_clip(data, config)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert clip.duration_seconds == pytest.approx(1.5, abs=0.1)
    assert peak < 8 * 2**20


def test_of_a_long_recording_only_the_middle_is_held() -> None:
    # Its length has to be counted, and it is 32 MiB as floats.
    data = flac_frames(
        encode(np.tile(music(8_000, 1, 1.0), (1_000, 1)), 8_000, container="FLAC"), 0
    )
    tracemalloc.start()
    try:
        clip = decode_clip(data, AUDIO)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert clip.duration_seconds == 1_000.0
    assert peak < 4 * 2**20


def test_the_reasons_of_both_decoders_are_given() -> None:
    data = encode_with_ffmpeg(music(RATE_HZ, 1), RATE_HZ, "alac", "ipod")
    error = fault_of(data.replace(b"alac", b"abcd"))  # a codec that nobody knows
    assert error.kind is FaultKind.UNDECODABLE
    assert "libsndfile: Format not recognised" in error.detail
    assert "FFmpeg: holds no audio that can be decoded" in error.detail


@pytest.mark.parametrize("container", ["mpegts", "nut", "avi"])
def test_a_container_that_is_not_allowed_is_not_opened(container: str) -> None:
    data = encode_with_ffmpeg(music(RATE_HZ, 2), RATE_HZ, "mp2", container)
    error = fault_of(data)
    assert error.kind is FaultKind.UNDECODABLE
    assert "FFmpeg: Invalid argument" in error.detail  # not: what it found within


def test_damage_in_the_middle_of_an_m4a_is_left_out() -> None:
    data = LYING["m4a"]
    place = len(data) // 3
    damaged = data[:place] + b"\xff" * 2_000 + data[place + 2_000 :]
    clip = decode_clip(damaged, AUDIO)
    assert 7.0 < clip.duration_seconds < 8.1
    assert share_of_880_hz(clip.pcm16) > 0.8


def test_the_middle_of_an_mp3_is_what_decoding_all_of_it_gives() -> None:
    rng = np.random.default_rng(1)
    # Between silence and noise frames lend each other bits; without them the noise begins wrongly.
    loud = np.repeat(rng.random(60) < 0.3, RATE_HZ // 10)
    mp3 = encode(loud * rng.normal(0, 0.3, len(loud)), RATE_HZ, container="MP3")
    whole = soundfile.read(io.BytesIO(mp3), dtype="float64")[0]
    for clip_seconds in np.linspace(1.0, 4.0, 10):
        config = AudioConfig(sample_rate_hz=RATE_HZ, clip_seconds=float(clip_seconds))
        length = config.clip_samples
        expected = whole[(len(whole) - length) // 2 :][:length]
        expected = expected / max(1.0, np.abs(expected).max())
        assert np.abs(decode_clip(mp3, config).pcm16 - 32_768 * expected).max() <= 1
