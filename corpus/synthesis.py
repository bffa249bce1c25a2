"""One clip of music: notes are rendered, mixed, put in a room and levelled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from corpus import instruments
from corpus.composition import DRUM_PARTS, PARTS, PITCHED_PARTS, Note, compose
from corpus.instruments import Samples
from corpus.spec import SAMPLE_RATE_HZ
from corpus.styles import Drums, Sound, Space, Style

PUMP_RELEASE_S = 0.13
TILT_EDGE_HZ = 1_200.0
TILT_SPREAD_DB = 2.0
LOUDNESS_DBFS = (-28.0, -18.0)
PEAK_LIMIT = 0.95
MAX_INT16 = 32_767
DRUM_LEVELS = {"kick": 1.0, "snare": 0.7, "perc": 0.6}
PAN_WIDTHS = {"chords": 0.5, "lead": 0.3, "hat": 0.5, "perc": 0.6}


def synthesise(
    style: Style, frames: int, channels: int, rng: np.random.Generator
) -> NDArray[np.int16]:
    """Return a clip of music in a style.

    Args:
        style: What to play and how.
        frames: Length in sample frames at 44.1 kHz.
        channels: 1 or 2.
        rng: Source of every choice; equal generators give equal clips.

    Returns:
        Int16 of shape ``(frames, channels)`` whose loudness is drawn without regard to the style
        and which never clips.

    Raises:
        ValueError: If there are neither one nor two channels, or no frames.
    """
    if channels not in (1, 2) or frames < 1:
        raise ValueError(f"A clip cannot have {channels} channels and {frames} frames.")
    notes = compose(style, frames / SAMPLE_RATE_HZ, rng)
    buses = _rendered(notes, style, frames, rng)
    mix = _panned(_balanced(buses, notes, style), channels, rng)
    for channel in mix:
        channel += _recording_noise(style.space, frames, rng)
        _reverberate(channel, style.space, rng)
    return _levelled(_coloured(mix, style.space, rng), rng)


def _rendered(
    notes: list[Note], style: Style, frames: int, rng: np.random.Generator
) -> dict[str, Samples]:
    buses = {part: np.zeros(frames, dtype=np.float32) for part in PARTS}
    bank = _drum_hits(style.drums, rng)
    for note in notes:
        key = (note.part, note.midi)
        if key not in bank:
            # A part's notes of one pitch are all equally long, so each is rendered only once.
            voice = getattr(style.sound, note.part)
            frequency_hz = 440.0 * 2.0 ** ((note.midi - 69) / 12)
            bank[key] = instruments.tone(voice, frequency_hz, note.seconds, rng)
        _add(buses[note.part], bank[key], note)
    return buses


def _drum_hits(drums: Drums, rng: np.random.Generator) -> dict[tuple[str, int], Samples]:
    return {
        ("kick", 0): instruments.kick(drums),
        ("snare", 0): instruments.snare(drums, rng),
        ("hat", 0): instruments.hat(drums, rng),
        ("perc", 0): instruments.perc(drums, rng),
    }


def _add(bus: Samples, sound: Samples, note: Note) -> None:
    start = round(note.start_s * SAMPLE_RATE_HZ)
    first, end = max(start, 0), min(start + sound.size, bus.size)
    if first < end:
        bus[first:end] += np.float32(note.velocity) * sound[first - start : end - start]


def _balanced(buses: dict[str, Samples], notes: list[Note], style: Style) -> dict[str, Samples]:
    levels = _pitched_levels(style.sound)
    duck = _ducking(notes, style.space, buses["kick"].size)
    balanced = {}
    for part in PITCHED_PARTS:
        bus = _at_unit_rms(buses[part])
        if part == "chords" and style.sound.drive:
            bus = _at_unit_rms(np.tanh(np.float32(style.sound.drive) * bus))
        balanced[part] = bus * np.float32(0.18 * levels[part]) * duck
    drum_levels = {**DRUM_LEVELS, "hat": style.drums.hat_level}
    for part in DRUM_PARTS:
        balanced[part] = buses[part] * np.float32(0.8 * style.drums.level * drum_levels[part])
    return balanced


def _pitched_levels(sound: Sound) -> dict[str, float]:
    return {"chords": sound.chord_level, "lead": sound.lead_level, "bass": sound.bass_level}


def _at_unit_rms(bus: Samples) -> Samples:
    rms = float(np.sqrt(np.mean(np.square(bus))))
    return bus if rms == 0.0 else (bus / np.float32(rms)).astype(np.float32)


def _ducking(notes: list[Note], space: Space, frames: int) -> Samples:
    """Return the gain that makes the pitched parts give way to every kick."""
    ducked = np.zeros(frames, dtype=np.float32)
    if space.pump:
        dip = np.exp(-instruments.seconds_axis(5 * PUMP_RELEASE_S) / PUMP_RELEASE_S)
        for note in notes:
            if note.part == "kick":
                _add(ducked, dip.astype(np.float32), note)
    return np.maximum(1.0 - np.float32(min(space.pump, 0.9)) * ducked, 0.05).astype(np.float32)


def _panned(
    buses: dict[str, Samples], channels: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    mix = np.zeros((channels, buses["kick"].size), dtype=np.float32)
    for part, bus in buses.items():
        angle = np.pi / 4 * (1 + PAN_WIDTHS.get(part, 0.0) * rng.uniform(-1, 1))
        gains = (1.0,) if channels == 1 else (np.cos(angle), np.sin(angle))
        for channel, gain in zip(mix, gains, strict=True):
            channel += np.float32(gain) * bus
    return mix


def _recording_noise(space: Space, frames: int, rng: np.random.Generator) -> Samples:
    noise = np.float32(space.hiss) * rng.standard_normal(frames, dtype=np.float32)
    crackles = rng.poisson(space.crackle_hz * frames / SAMPLE_RATE_HZ)
    where = rng.integers(0, frames, size=crackles)
    noise[where] += rng.uniform(-0.35, 0.35, size=crackles).astype(np.float32)
    return noise


def _reverberate(channel: Samples, space: Space, rng: np.random.Generator) -> None:
    response = instruments.room(space.reverb_s, rng)
    wet = signal.oaconvolve(channel, response)[: channel.size]
    channel += np.float32(space.reverb_mix) * wet


def _coloured(
    mix: NDArray[np.float32], space: Space, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Band-limit the mix and tilt its spectrum, as different recordings would."""
    edge_hz = min(space.lowpass_hz, 0.45 * SAMPLE_RATE_HZ)
    lowpass = signal.butter(2, edge_hz, fs=SAMPLE_RATE_HZ, output="sos").astype(np.float32)
    mix = signal.sosfilt(lowpass, mix, axis=-1)
    low = signal.sosfilt(
        signal.butter(1, TILT_EDGE_HZ, fs=SAMPLE_RATE_HZ, output="sos").astype(np.float32), mix
    )
    gain = np.float32(10 ** (TILT_SPREAD_DB * rng.standard_normal() / 20))
    coloured: NDArray[np.float32] = mix + (gain - 1) * low
    return coloured


def _levelled(mix: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.int16]:
    target = 10 ** (rng.uniform(*LOUDNESS_DBFS) / 20)
    rms = max(float(np.sqrt(np.mean(np.square(mix)))), 1e-9)
    peak = max(float(np.max(np.abs(mix))), 1e-9)
    gain = min(target / rms, PEAK_LIMIT / peak)
    samples: NDArray[np.int16] = np.rint(mix.T * np.float32(gain * MAX_INT16)).astype(np.int16)
    return samples
