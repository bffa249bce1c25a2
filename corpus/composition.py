"""What is played when: a style and a random generator become a list of notes, no sound."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from corpus.styles import STEPS_PER_BAR, Drums, Harmony, Style, Tempo

PITCHED_PARTS = ("chords", "lead", "bass")
DRUM_PARTS = ("kick", "snare", "hat", "perc")
PARTS = PITCHED_PARTS + DRUM_PARTS

STEP_CHANCES = {"x": 1.0, "o": 0.5, ".": 0.0}
ARPEGGIO_ORDERS = ((0, 1, 2, 3), (0, 2, 1, 3), (3, 2, 1, 0), (0, 2, 3, 1))
MOTIF_BARS = 2
LEAD_REST_CHANCE = 0.2
DRUM_REST_CHANCE = 0.08


@dataclass(frozen=True)
class Note:
    """One sound of a part; ``midi`` and ``seconds`` mean nothing for drums and are 0."""

    part: str
    start_s: float
    seconds: float
    midi: int
    velocity: float


@dataclass(frozen=True)
class _Clock:
    """Turns steps into seconds; the clip starts somewhere inside the piece, not on a beat."""

    step_s: float
    swing: float
    looseness_s: float
    offset_s: float

    def at(self, bar: int, step: int, rng: np.random.Generator) -> float:
        late = self.swing * self.step_s if step % 2 else 0.0
        loose = self.looseness_s * float(rng.standard_normal())
        return (bar * STEPS_PER_BAR + step) * self.step_s + late + loose - self.offset_s


def compose(style: Style, seconds: float, rng: np.random.Generator) -> list[Note]:
    """Return the notes of a clip, those sounding before its start or end included.

    Args:
        style: The style of the clip.
        seconds: Length of the clip.
        rng: Source of every choice.
    """
    clock = _clock(style.tempo, rng)
    bars = int(np.ceil((seconds + clock.offset_s) / (clock.step_s * STEPS_PER_BAR)))
    notes = list(_pitched_notes(style.harmony, clock, bars, rng))
    notes.extend(_drum_notes(style.drums, clock, bars, rng))
    return [note for note in notes if note.start_s < seconds]


def _clock(tempo: Tempo, rng: np.random.Generator) -> _Clock:
    step_s = 60.0 / rng.uniform(tempo.bpm_low, max(tempo.bpm_low + 1.0, tempo.bpm_high)) / 4
    return _Clock(step_s, tempo.swing, tempo.looseness_s, rng.uniform(0, STEPS_PER_BAR) * step_s)


def _played(pattern: str, rng: np.random.Generator) -> list[int]:
    return [step for step, mark in enumerate(pattern) if rng.random() < STEP_CHANCES[mark]]


def _pitch(scale: tuple[int, ...], degree: int) -> int:
    octave, index = divmod(degree, len(scale))
    return 12 * octave + scale[index]


def _pitched_notes(
    harmony: Harmony, clock: _Clock, bars: int, rng: np.random.Generator
) -> Iterator[Note]:
    root = int(rng.integers(harmony.root_midi_low, harmony.root_midi_high + 1))
    scale = harmony.scales[int(rng.integers(len(harmony.scales)))]
    progression = harmony.progressions[int(rng.integers(len(harmony.progressions)))]
    order = ARPEGGIO_ORDERS[int(rng.integers(len(ARPEGGIO_ORDERS)))]
    motif = [_motif_bar(harmony, rng) for _ in range(MOTIF_BARS)]
    for bar in range(bars):
        degree = progression[bar % len(progression)]
        chord = [root + _pitch(scale, degree + offset) for offset in harmony.chord_degrees]
        yield from _chord_notes(harmony, chord, order, bar, clock, rng)
        yield from _bass_notes(harmony, chord[0], bar, clock, rng)
        if rng.random() >= LEAD_REST_CHANCE:
            top = root + 12 * harmony.lead_octaves
            for step, wander in motif[bar % MOTIF_BARS]:
                length_s = harmony.lead_length_steps * clock.step_s
                midi = top + _pitch(scale, degree + wander)
                yield Note("lead", clock.at(bar, step, rng), length_s, midi, _velocity(rng))


def _motif_bar(harmony: Harmony, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Return (step, degree above the chord's root) pairs of a walk that starts on a chord note."""
    walk = int(rng.choice((0, 2, 4)))
    bar = []
    for step in _played(harmony.lead_steps, rng):
        bar.append((step, walk))
        walk = int(np.clip(walk + rng.integers(-2, 3), -2, 7))
    return bar


def _chord_notes(
    harmony: Harmony,
    chord: list[int],
    order: tuple[int, ...],
    bar: int,
    clock: _Clock,
    rng: np.random.Generator,
) -> Iterator[Note]:
    length_s = harmony.chord_length_steps * clock.step_s
    for count, step in enumerate(_played(harmony.chord_steps, rng)):
        start_s, velocity = clock.at(bar, step, rng), _velocity(rng)
        if harmony.arpeggio:
            midi = chord[order[count % len(order)] % len(chord)]
            yield Note("chords", start_s, length_s, midi, velocity)
        else:
            for midi in chord:
                yield Note("chords", start_s, length_s, midi, velocity)


def _bass_notes(
    harmony: Harmony, chord_root: int, bar: int, clock: _Clock, rng: np.random.Generator
) -> Iterator[Note]:
    # Guitars reach down to the bass already; below E1 (28) little would be heard.
    midi = max(28, chord_root - (12 if chord_root < 50 else 24))
    length_s = harmony.bass_length_steps * clock.step_s
    for step in _played(harmony.bass_steps, rng):
        yield Note("bass", clock.at(bar, step, rng), length_s, midi, _velocity(rng))


def _drum_notes(drums: Drums, clock: _Clock, bars: int, rng: np.random.Generator) -> Iterator[Note]:
    patterns = {
        "kick": drums.kick_steps,
        "snare": drums.snare_steps,
        "hat": drums.hat_steps,
        "perc": drums.perc_steps,
    }
    for bar in range(bars):
        if rng.random() < DRUM_REST_CHANCE:
            continue
        for part, pattern in patterns.items():
            for step in _played(pattern, rng):
                accent = 1.0 if step % 4 == 0 else 0.8
                yield Note(part, clock.at(bar, step, rng), 0.0, 0, accent * _velocity(rng))


def _velocity(rng: np.random.Generator) -> float:
    return float(rng.uniform(0.7, 1.0))
