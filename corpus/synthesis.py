"""One clip of music: notes are rendered, mixed, put in a room and levelled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from corpus.composition import PARTS, Note, compose
from corpus.spec import SAMPLE_RATE_HZ
from corpus.styles import Drum, Part, Sound, Style

Samples = NDArray[np.float32]

RELEASE_S = 0.12
VIBRATO_HZ = 5.2
# Each further partial falls faster by this.
DAMPING = 0.12
HIGHEST_PARTIAL_HZ = 15_000.0
FORMANT_OCTAVES = 0.22
PAN_WIDTH = 0.5
PITCHED_RMS, DRUM_PEAK = 0.18, 0.8
REVERB_LEVEL_PER_S = 0.2
# What says nothing about the genre: bandwidth, noise, tilt and loudness of the recording.
LOWPASS_HZ = (7_000.0, 15_000.0)
HISS = (0.001, 0.01)
TILT_EDGE_HZ, TILT_SPREAD_DB = 1_200.0, 4.0
LOUDNESS_DBFS = (-28.0, -18.0)
PEAK_LIMIT = 0.95


def synthesise(
    style: Style, frames: int, channels: int, rng: np.random.Generator
) -> NDArray[np.int16]:
    """Returns a clip: int16 [frames, channels] at 44.1 kHz.

    Its loudness does not depend on the style, and it never clips.
    """
    notes = compose(style, frames / SAMPLE_RATE_HZ, rng)
    mix = np.zeros((channels, frames), np.float32)
    for name in PARTS:
        played = [note for note in notes if note.part == name]
        bus = _played(getattr(style, name), played, frames, rng)
        angle = np.pi / 4 * (1 + PAN_WIDTH * rng.uniform(-1, 1))
        gains = np.array([np.cos(angle), np.sin(angle)], np.float32)[:channels]
        mix += gains[:, np.newaxis] * bus
    room = _room(style.reverb_s, channels, rng)
    mix += signal.oaconvolve(mix, room, axes=1)[:, :frames]
    return _levelled(_recorded(mix, rng), rng)


def _played(part: Part | Drum, notes: list[Note], frames: int, rng: np.random.Generator) -> Samples:
    # Notes of one pitch are equally long, so each pitch is rendered only once.
    sounds: dict[int, Samples] = {}
    bus = np.zeros(frames, np.float32)
    for note in notes:
        if note.midi not in sounds:
            sounds[note.midi] = (
                _drum(part, rng) if isinstance(part, Drum) else _tone(part.sound, note, rng)
            )
        sound = sounds[note.midi]
        start = round(note.start_s * SAMPLE_RATE_HZ)
        first, end = max(start, 0), min(start + sound.size, frames)
        if first < end:
            bus[first:end] += np.float32(note.velocity) * sound[first - start : end - start]
    if isinstance(part, Drum):
        return bus * np.float32(DRUM_PEAK * part.level)
    bus = _at_unit_rms(bus)
    if part.sound.drive:
        bus = _at_unit_rms(np.tanh(np.float32(part.sound.drive) * bus))
    return bus * np.float32(PITCHED_RMS * part.level)


def _tone(sound: Sound, note: Note, rng: np.random.Generator) -> Samples:
    """Returns one note of an instrument, with its release, at a peak of 1."""
    times = _times(note.seconds + RELEASE_S)
    depth_s = (2 ** (sound.vibrato_cents / 1200) - 1) / (2 * np.pi * VIBRATO_HZ)
    bent = times + depth_s * np.sin(2 * np.pi * VIBRATO_HZ * times)
    pitch_hz = 440 * 2 ** ((note.midi - 69) / 12)
    tone = sound.noise * 0.1 * _noise(times.size, min(2 * pitch_hz, 5_000.0), rng)
    for k in range(1, sound.partials + 1):
        partial_hz = pitch_hz * k ** (1 + sound.stretch)
        if partial_hz > HIGHEST_PARTIAL_HZ:
            break
        fall = np.exp(-times / sound.decay_s * (1 + DAMPING * (k - 1)))
        envelope = sound.sustain + (1 - sound.sustain) * fall
        wave = np.sin(2 * np.pi * (partial_hz * bent + rng.random()))
        tone += k**-sound.tilt * _resonance(sound, partial_hz) * envelope * wave
    rise = np.minimum(times / sound.attack_s, 1)
    release = np.minimum((times[-1] - times) / RELEASE_S, 1)
    return _at_unit_peak(tone * rise * release**2)


def _resonance(sound: Sound, hz: float) -> float:
    if not sound.formants_hz:
        return 1.0
    octaves = np.log2(hz / np.array(sound.formants_hz))
    return 0.06 + float(np.sum(np.exp(-0.5 * (octaves / FORMANT_OCTAVES) ** 2)))


def _drum(drum: Drum, rng: np.random.Generator) -> Samples:
    """Returns one beat: a tone that falls quickly to its pitch, and noise above it."""
    times = _times(6 * drum.decay_s)
    swept = times + 0.05 * (1 - np.exp(-times / 0.02))
    share = min(drum.noise, 1.0)
    noise = _noise(times.size, max(drum.hz, 1_200.0), rng)
    beat = (1 - share) * np.sin(2 * np.pi * drum.hz * swept) + share * noise
    return _at_unit_peak(beat * np.exp(-times / drum.decay_s))


def _room(seconds: float, channels: int, rng: np.random.Generator) -> Samples:
    """Returns the impulse response of a room that falls by 60 dB in that many seconds."""
    times = _times(seconds)
    response = rng.standard_normal((channels, times.size)) * np.exp(-6.9 * times / seconds)
    response *= REVERB_LEVEL_PER_S * seconds / np.linalg.norm(response, axis=1, keepdims=True)
    return response.astype(np.float32)


def _recorded(mix: Samples, rng: np.random.Generator) -> Samples:
    """Adds hiss, limits the bandwidth and tilts the spectrum, as different recordings would."""
    noisy = mix + rng.uniform(*HISS) * rng.standard_normal(mix.shape)
    heard = signal.sosfilt(_filter(2, rng.uniform(*LOWPASS_HZ), "lowpass"), noisy)
    gain = 10 ** (TILT_SPREAD_DB * rng.standard_normal() / 20)
    lows = signal.sosfilt(_filter(1, TILT_EDGE_HZ, "lowpass"), heard)
    tilted: Samples = heard + (gain - 1) * lows
    return tilted


def _levelled(mix: Samples, rng: np.random.Generator) -> NDArray[np.int16]:
    loudness = 10 ** (rng.uniform(*LOUDNESS_DBFS) / 20)
    gain = min(loudness / np.sqrt(np.mean(mix**2)), PEAK_LIMIT / np.max(np.abs(mix)))
    samples: NDArray[np.int16] = np.rint(mix.T * (gain * 32_767)).astype(np.int16)
    return samples


def _times(seconds: float) -> NDArray[np.float64]:
    return np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ


def _noise(frames: int, lowest_hz: float, rng: np.random.Generator) -> NDArray[np.float64]:
    noise: NDArray[np.float64] = signal.sosfilt(
        _filter(2, lowest_hz, "highpass"), rng.standard_normal(frames)
    )
    return noise


def _filter(order: int, edge_hz: float, kind: str) -> NDArray[np.float64]:
    return signal.butter(order, edge_hz, kind, fs=SAMPLE_RATE_HZ, output="sos")


def _at_unit_peak(sound: NDArray[np.float64]) -> Samples:
    return (sound / np.max(np.abs(sound))).astype(np.float32)


def _at_unit_rms(bus: Samples) -> Samples:
    rms = np.sqrt(np.mean(bus**2))
    return bus / rms if rms else bus
