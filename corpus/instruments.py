"""Single sounds: pitched tones, drum hits and rooms, each a float32 array at 44.1 kHz."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from corpus.spec import SAMPLE_RATE_HZ
from corpus.styles import Drums, Voice

Samples = NDArray[np.float32]

HIGHEST_PARTIAL_HZ = 15_000.0
VIBRATO_HZ = 5.2
FORMANT_WIDTH = 0.22
KICK_SWEEP = 3.5
KICK_SWEEP_S = 0.025


def seconds_axis(seconds: float) -> NDArray[np.float64]:
    """Return the times, in seconds, of the samples of a sound of that length (at least one)."""
    return np.arange(max(1, round(seconds * SAMPLE_RATE_HZ))) / SAMPLE_RATE_HZ


def tone(voice: Voice, frequency_hz: float, seconds: float, rng: np.random.Generator) -> Samples:
    """Return one note of a voice.

    Returns:
        Float32 of shape ``(frames,)``, ``seconds`` plus the release long, peaking at 1.
    """
    times = seconds_axis(seconds + voice.release_s)
    gate = _gate(voice, times, seconds)
    bend = _vibrato_seconds(voice, times, rng)
    detunes = (-0.5, 0.5) if voice.detune_cents else (0.0,)
    sound = np.zeros(times.size, dtype=np.float32)
    for side in detunes:
        pitch_hz = frequency_hz * 2.0 ** (side * voice.detune_cents / 1200.0)
        sound += _partials(voice, pitch_hz, times + bend, rng)
    sound *= gate
    if voice.breath:
        sound += _breath(voice, frequency_hz, gate, rng) * np.max(np.abs(sound))
    return normalised(sound)


def normalised(sound: Samples) -> Samples:
    """Return the sound scaled to a peak of 1; silence stays silence."""
    peak = float(np.max(np.abs(sound)))
    return sound if peak == 0.0 else (sound / peak).astype(np.float32)


def kick(drums: Drums) -> Samples:
    """Return a kick: a sine that falls quickly to its pitch; float32 ``(frames,)``, peak 1."""
    times = seconds_axis(5 * drums.kick_decay_s)
    swept = times + KICK_SWEEP * KICK_SWEEP_S * (1 - np.exp(-times / KICK_SWEEP_S))
    body = np.sin(2 * np.pi * drums.kick_hz * swept) * np.exp(-times / drums.kick_decay_s)
    return normalised(body.astype(np.float32))


def snare(drums: Drums, rng: np.random.Generator) -> Samples:
    """Return a snare: a short tone under noise; float32 ``(frames,)``, peak 1."""
    times = seconds_axis(6 * drums.snare_decay_s)
    noise = _filtered_noise(times.size, 1200.0, "highpass", rng) * drums.snare_noise
    body = np.sin(2 * np.pi * drums.snare_hz * times) * np.exp(-times / 0.04)
    rattle = noise * np.exp(-times / drums.snare_decay_s)
    return normalised((body + rattle).astype(np.float32))


def hat(drums: Drums, rng: np.random.Generator) -> Samples:
    """Return a cymbal: bright decaying noise; float32 ``(frames,)``, peak 1."""
    times = seconds_axis(6 * drums.hat_decay_s)
    noise = _filtered_noise(times.size, drums.hat_hz, "highpass", rng)
    return normalised((noise * np.exp(-times / drums.hat_decay_s)).astype(np.float32))


def perc(drums: Drums, rng: np.random.Generator) -> Samples:
    """Return a hand drum: two membrane modes and a slap; float32 ``(frames,)``, peak 1."""
    times = seconds_axis(6 * drums.perc_decay_s)
    angle = 2 * np.pi * drums.perc_hz * (times + 0.006 * (1 - np.exp(-times / 0.02)))
    skin = (np.sin(angle) + 0.5 * np.sin(1.59 * angle)) * np.exp(-times / drums.perc_decay_s)
    slap = _filtered_noise(times.size, 2000.0, "highpass", rng) * np.exp(-times / 0.006)
    return normalised((skin + 0.5 * slap).astype(np.float32))


def room(seconds: float, rng: np.random.Generator) -> Samples:
    """Return the impulse response of a room that falls by 60 dB in that many seconds.

    Returns:
        Float32 of shape ``(frames,)`` with unit energy.
    """
    times = seconds_axis(seconds)
    noise = _filtered_noise(times.size, 6000.0, "lowpass", rng)
    response = noise * np.exp(-6.9 * times / seconds)
    unit_energy: Samples = (response / np.sqrt(np.sum(response**2))).astype(np.float32)
    return unit_energy


def _gate(voice: Voice, times: NDArray[np.float64], seconds: float) -> Samples:
    rise = np.minimum(times / max(voice.attack_s, 0.001), 1.0)
    fall = np.clip(1.0 - (times - seconds) / voice.release_s, 0.0, 1.0)
    gate: Samples = (rise * fall**2).astype(np.float32)
    return gate


def _vibrato_seconds(
    voice: Voice, times: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    depth = 2.0 ** (voice.vibrato_cents / 1200.0) - 1.0
    rate = 2 * np.pi * VIBRATO_HZ
    start = rng.uniform(0, 2 * np.pi)
    lead_s: NDArray[np.float64] = depth / rate * (np.cos(start) - np.cos(rate * times + start))
    return lead_s


def _partials(
    voice: Voice, pitch_hz: float, warped: NDArray[np.float64], rng: np.random.Generator
) -> Samples:
    sound = np.zeros(warped.size, dtype=np.float32)
    sustain = min(voice.sustain, 1.0)
    decays = (-warped / voice.decay_s).astype(np.float32)
    for index in range(1, voice.partials + 1):
        partial_hz = pitch_hz * index ** (1.0 + voice.inharmonicity)
        if partial_hz > HIGHEST_PARTIAL_HZ:
            break
        amplitude = index**-voice.tilt * (voice.even if index % 2 == 0 else 1.0)
        amplitude *= _formant_gain(voice, partial_hz)
        # Whole turns are dropped in double precision; float32 then has the accuracy to spare.
        turns = partial_hz * warped + rng.random()
        wave = np.sin(2 * np.pi * (turns - np.floor(turns)).astype(np.float32))
        fading = np.exp(decays * np.float32(1 + voice.damping * (index - 1)))
        envelope = np.float32(sustain) + np.float32(1 - sustain) * fading
        sound += np.float32(amplitude) * wave * envelope
    return sound


def _formant_gain(voice: Voice, partial_hz: float) -> float:
    if not voice.formants_hz:
        return 1.0
    distances = np.log2(partial_hz / np.array(voice.formants_hz)) / FORMANT_WIDTH
    return 0.06 + float(np.sum(np.exp(-0.5 * distances**2)))


def _breath(voice: Voice, frequency_hz: float, gate: Samples, rng: np.random.Generator) -> Samples:
    noise = _filtered_noise(gate.size, min(2 * frequency_hz, 5000.0), "highpass", rng)
    return (0.25 * voice.breath * gate * noise).astype(np.float32)


def _filtered_noise(
    frames: int, edge_hz: float, kind: str, rng: np.random.Generator
) -> NDArray[np.float64]:
    edge_hz = min(edge_hz, 0.45 * SAMPLE_RATE_HZ)
    sections = signal.butter(2, edge_hz, kind, fs=SAMPLE_RATE_HZ, output="sos")
    noise: NDArray[np.float64] = signal.sosfilt(sections, rng.standard_normal(frames))
    return noise
