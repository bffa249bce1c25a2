"""What is played when: a style and a random generator become a list of notes, no sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from corpus.styles import Drum, Style

PARTS = ("chords", "lead", "bass", "kick", "snare", "hat")
STEPS_PER_BAR = 16
PLAYING_CHANCES = {"x": 1.0, "o": 0.5, ".": 0.0}
# How often the lead or a drum is silent for a bar.
REST_CHANCE = 0.1


@dataclass(frozen=True)
class Note:
    """One sound of a part; `midi` and `seconds` mean nothing for drums and are 0."""

    part: str
    start_s: float
    seconds: float
    midi: int
    velocity: float


def compose(style: Style, seconds: float, rng: np.random.Generator) -> list[Note]:
    """Returns the notes that start before the end of a clip, some of them before its start."""
    step_s = 15 / rng.uniform(*style.bpm)
    offset_s = rng.uniform(0, STEPS_PER_BAR) * step_s  # a clip does not start on a beat
    bars = int(np.ceil((seconds + offset_s) / (STEPS_PER_BAR * step_s)))
    root = int(rng.integers(*style.root_midi))
    scale = style.scales[rng.integers(len(style.scales))]
    progression = style.progressions[rng.integers(len(style.progressions))]
    # Two bars of a walk around the root of the chord, which repeat.
    melody = np.clip(np.cumsum(rng.integers(-2, 3, size=(2, STEPS_PER_BAR)), axis=1), -2, 7)
    notes = []
    for bar in range(bars):
        tonic = progression[bar % len(progression)]
        for name in PARTS:
            part = getattr(style, name)
            is_drum = isinstance(part, Drum)
            if (is_drum or name == "lead") and rng.random() < REST_CHANCE:
                continue
            length_s = 0.0 if is_drum else part.steps * step_s
            played = [s for s, m in enumerate(part.pattern) if rng.random() < PLAYING_CHANCES[m]]
            for count, step in enumerate(played):
                pitches = [0]
                if not is_drum:
                    base = root + 12 * part.octave
                    degrees = _degrees(style, name, count, int(melody[bar % 2, step]))
                    pitches = [base + _semitones(scale, tonic + degree) for degree in degrees]
                late = style.swing if step % 2 else 0.0
                start_s = (bar * STEPS_PER_BAR + step + late) * step_s - offset_s
                for midi in pitches:
                    notes.append(Note(name, start_s, length_s, midi, rng.uniform(0.7, 1.0)))
    return [note for note in notes if note.start_s < seconds]


def _degrees(style: Style, part: str, count: int, lead_degree: int) -> Sequence[int]:
    """Returns what a part plays as its count-th note of a bar, in degrees above the chord."""
    if part == "chords":
        return [style.chord[count % len(style.chord)]] if style.arpeggio else style.chord
    return [lead_degree if part == "lead" else 0]


def _semitones(scale: tuple[int, ...], degree: int) -> int:
    octave, index = divmod(degree, len(scale))
    return 12 * octave + scale[index]
