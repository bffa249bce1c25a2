"""What is played when: a style and a random generator become a list of notes, no sound."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from corpus.styles import Style

PITCHED = ("chords", "lead", "bass")
DRUMS = ("kick", "snare", "hat")
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
    bar_s = STEPS_PER_BAR * step_s
    pitches = _Pitches(style, rng)
    notes = []
    for bar in range(int(np.ceil((seconds + offset_s) / bar_s))):
        for name in (*PITCHED, *DRUMS):
            part = getattr(style, name)
            is_drum = name in DRUMS
            if (is_drum or name == "lead") and rng.random() < REST_CHANCE:
                continue
            length_s = 0.0 if is_drum else part.steps * step_s
            played = [
                s for s, mark in enumerate(part.pattern) if rng.random() < PLAYING_CHANCES[mark]
            ]
            for count, step in enumerate(played):
                late = style.swing if step % 2 else 0.0
                start_s = (step + late) * step_s + bar * bar_s - offset_s
                for midi in (0,) if is_drum else pitches.at(name, bar, step, count):
                    notes.append(Note(name, start_s, length_s, midi, rng.uniform(0.7, 1.0)))
    return [note for note in notes if note.start_s < seconds]


class _Pitches:
    """The harmony and the melody of one piece."""

    def __init__(self, style: Style, rng: np.random.Generator) -> None:
        self._style = style
        self._root = int(rng.integers(*style.root_midi))
        self._scale = style.scales[rng.integers(len(style.scales))]
        self._progression = style.progressions[rng.integers(len(style.progressions))]
        # Two bars of a walk around the root of the chord, which repeat.
        walk = np.cumsum(rng.integers(-2, 3, size=(2, STEPS_PER_BAR)), axis=1)
        self._melody = np.clip(walk, -2, 7)

    def at(self, part: str, bar: int, step: int, count: int) -> list[int]:
        """Returns the MIDI notes of a pitched part at a step, its count-th note of the bar."""
        if part == "lead":
            degrees = [int(self._melody[bar % 2, step])]
        elif part == "bass":
            degrees = [0]
        elif self._style.arpeggio:
            degrees = [self._style.chord[count % len(self._style.chord)]]
        else:
            degrees = list(self._style.chord)
        base = self._root + 12 * getattr(self._style, part).octave
        tonic = self._progression[bar % len(self._progression)]
        return [base + self._semitones(tonic + degree) for degree in degrees]

    def _semitones(self, degree: int) -> int:
        octave, index = divmod(degree, len(self._scale))
        return 12 * octave + self._scale[index]
