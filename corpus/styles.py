"""How the music of each genre is made: one table of numbers, no sound.

Steps are sixteenths of a bar of four beats.  In a step pattern ``x`` is always played, ``o`` every
other time by chance and ``.`` never.
"""

from __future__ import annotations

from dataclasses import dataclass

STEPS_PER_BAR = 16

MAJOR = (0, 2, 4, 5, 7, 9, 11)
MINOR = (0, 2, 3, 5, 7, 8, 10)
DORIAN = (0, 2, 3, 5, 7, 9, 10)
MIXOLYDIAN = (0, 2, 4, 5, 7, 9, 10)
LYDIAN = (0, 2, 4, 6, 7, 9, 11)
PHRYGIAN_DOMINANT = (0, 1, 4, 5, 7, 8, 10)
HUNGARIAN_MINOR = (0, 2, 3, 6, 7, 8, 11)
WHOLE_TONE_AND_SEMITONE = (0, 1, 4, 6, 8, 10, 11)


@dataclass(frozen=True)
class Tempo:
    """Speed and time feel; ``swing`` delays odd steps by that part of a step."""

    bpm_low: float
    bpm_high: float
    swing: float
    looseness_s: float


@dataclass(frozen=True)
class Drums:
    """Patterns and sound of the percussion; decays are time constants."""

    level: float
    kick_steps: str
    snare_steps: str
    hat_steps: str
    perc_steps: str
    kick_hz: float
    kick_decay_s: float
    snare_hz: float
    snare_decay_s: float
    snare_noise: float
    hat_hz: float
    hat_decay_s: float
    hat_level: float
    perc_hz: float
    perc_decay_s: float


@dataclass(frozen=True)
class Voice:
    """A pitched instrument as a sum of partials.

    ``tilt`` is the fall of the partials (amplitude ``k**-tilt``), ``even`` the weight of the even
    ones, ``inharmonicity`` stretches partial k to ``k**(1 + inharmonicity)`` and ``damping`` makes
    high partials die sooner.
    """

    partials: int
    tilt: float
    even: float
    inharmonicity: float
    attack_s: float
    decay_s: float
    sustain: float
    damping: float
    release_s: float
    detune_cents: float
    vibrato_cents: float
    breath: float
    formants_hz: tuple[float, ...] = ()


@dataclass(frozen=True)
class Sound:
    """The instruments of a band, their levels, and the distortion of its chords."""

    chords: Voice
    lead: Voice
    bass: Voice
    chord_level: float
    lead_level: float
    bass_level: float
    drive: float


@dataclass(frozen=True)
class Harmony:
    """Scales, chords and the rhythm in which pitched parts play.

    Degrees count steps of the scale from its root; ``arpeggio`` plays a chord's notes in turn.
    """

    scales: tuple[tuple[int, ...], ...]
    progressions: tuple[tuple[int, ...], ...]
    chord_degrees: tuple[int, ...]
    arpeggio: bool
    chord_steps: str
    chord_length_steps: float
    bass_steps: str
    bass_length_steps: float
    lead_steps: str
    lead_length_steps: float
    root_midi_low: int
    root_midi_high: int
    lead_octaves: int


@dataclass(frozen=True)
class Space:
    """Room and recording: reverberation, bandwidth, noises and ducking under the kick."""

    reverb_s: float
    reverb_mix: float
    lowpass_hz: float
    hiss: float
    crackle_hz: float
    pump: float


@dataclass(frozen=True)
class Style:
    """All that decides how a piece of music comes out."""

    tempo: Tempo
    drums: Drums
    sound: Sound
    harmony: Harmony
    space: Space


SUB_BASS = Voice(4, 2.2, 1.0, 0.0, 0.006, 0.9, 0.5, 0.5, 0.06, 0.0, 0.0, 0.0)
FINGER_BASS = Voice(10, 1.5, 0.8, 0.0, 0.008, 0.5, 0.25, 0.35, 0.06, 0.0, 0.0, 0.0)
SAW_BASS = Voice(16, 1.0, 1.0, 0.0, 0.004, 0.18, 0.25, 0.3, 0.03, 9.0, 0.0, 0.0)
SAW_STACK = Voice(24, 1.0, 1.0, 0.0, 0.005, 0.25, 0.35, 0.06, 0.08, 14.0, 0.0, 0.0)
SQUARE_LEAD = Voice(20, 1.0, 0.08, 0.0, 0.004, 0.3, 0.4, 0.08, 0.05, 6.0, 8.0, 0.0)
STEEL_STRING = Voice(18, 0.9, 0.9, 0.001, 0.002, 0.7, 0.0, 0.22, 0.25, 0.0, 0.0, 0.02)
WHISTLE = Voice(6, 1.9, 0.6, 0.0, 0.05, 1.0, 0.9, 0.0, 0.09, 0.0, 22.0, 0.35)
ELECTRIC_PIANO = Voice(8, 1.6, 0.5, 0.0, 0.004, 0.9, 0.1, 0.7, 0.18, 4.0, 6.0, 0.0)
SPOKEN = Voice(
    22, 0.7, 1.0, 0.0, 0.015, 0.12, 0.3, 0.02, 0.03, 0.0, 90.0, 0.5, (550.0, 1300.0, 2500.0)
)
SUNG = Voice(
    22, 0.6, 1.0, 0.0, 0.05, 1.0, 0.85, 0.0, 0.08, 5.0, 35.0, 0.15, (700.0, 1150.0, 2900.0)
)
GRAND_PIANO = Voice(14, 1.25, 1.0, 0.002, 0.003, 1.3, 0.0, 0.3, 0.3, 1.5, 0.0, 0.0)
BOWED_PAD = Voice(12, 1.3, 0.9, 0.0, 0.35, 2.0, 0.9, 0.0, 0.5, 8.0, 14.0, 0.06)
LUTE = Voice(20, 0.75, 0.55, 0.003, 0.002, 0.3, 0.0, 0.16, 0.12, 5.0, 18.0, 0.02)
REED = Voice(20, 0.8, 0.22, 0.0, 0.03, 1.0, 0.85, 0.0, 0.06, 3.0, 40.0, 0.1, (950.0, 2100.0))
POWER_GUITAR = Voice(14, 0.9, 1.0, 0.0, 0.004, 1.2, 0.5, 0.05, 0.06, 7.0, 0.0, 0.03)
SOLO_GUITAR = Voice(16, 0.8, 0.8, 0.0, 0.006, 1.2, 0.6, 0.04, 0.08, 3.0, 26.0, 0.0)
CLEAN_KEYS = Voice(14, 1.2, 0.8, 0.0, 0.006, 0.6, 0.3, 0.15, 0.12, 7.0, 0.0, 0.0)
METAL = Voice(12, 0.5, 1.0, 0.27, 0.01, 1.1, 0.1, 0.08, 0.6, 0.0, 10.0, 0.05)
NOISY_DRONE = Voice(10, 0.7, 0.6, 0.09, 0.25, 2.5, 0.8, 0.0, 0.7, 25.0, 30.0, 0.7)

ELECTRONIC = Style(
    tempo=Tempo(118.0, 134.0, 0.0, 0.0),
    drums=Drums(
        1.0, "x...x...x...x...", "....x.......x...", "..x...x...x...xo", "...o......o..o..",
        48.0, 0.16, 220.0, 0.07, 1.4, 8000.0, 0.035, 0.5, 900.0, 0.03,
    ),
    sound=Sound(SAW_STACK, SQUARE_LEAD, SAW_BASS, 0.7, 0.5, 0.9, 0.0),
    harmony=Harmony(
        (MINOR, DORIAN), ((0, 0, 5, 6), (0, 5, 2, 6), (0, 3, 0, 6)), (0, 2, 4),
        True, "xx.xx.xx.xx.xxxx", 1.0, "..xx..xx..xx..xx", 0.9,
        "x..o..x...o.x...", 1.5, 52, 60, 1,
    ),
    space=Space(0.9, 0.15, 15000.0, 0.001, 0.0, 0.6),
)  # fmt: skip

EXPERIMENTAL = Style(
    tempo=Tempo(50.0, 100.0, 0.0, 0.12),
    drums=Drums(
        0.45, "o.........o.....", "...o.......o....", ".o..o..o...oo..o", "..o..o....o..o..",
        70.0, 0.3, 400.0, 0.2, 0.7, 3500.0, 0.09, 0.5, 520.0, 0.16,
    ),
    sound=Sound(NOISY_DRONE, METAL, SUB_BASS, 0.9, 0.7, 0.4, 0.8),
    harmony=Harmony(
        (WHOLE_TONE_AND_SEMITONE, HUNGARIAN_MINOR), ((0, 1, 4, 3), (0, 5, 1, 6)), (0, 1, 3, 6),
        False, "x.......o.......", 12.0, "x...............", 14.0,
        "o..o...o.o..o..o", 3.0, 48, 62, 1,
    ),
    space=Space(2.2, 0.5, 14000.0, 0.012, 1.5, 0.0),
)  # fmt: skip

FOLK = Style(
    tempo=Tempo(84.0, 116.0, 0.04, 0.010),
    drums=Drums(
        0.3, "x.......o.......", "................", "x.o.x.o.x.o.x.o.", "....o.......x...",
        85.0, 0.08, 190.0, 0.06, 0.5, 5500.0, 0.03, 0.3, 260.0, 0.05,
    ),
    sound=Sound(STEEL_STRING, WHISTLE, FINGER_BASS, 1.0, 0.55, 0.3, 0.0),
    harmony=Harmony(
        (MAJOR, MIXOLYDIAN), ((0, 3, 0, 4), (0, 4, 5, 3), (0, 5, 3, 4)), (0, 2, 4, 7),
        True, "x.xxx.xxx.xxx.xx", 4.0, "x.......x.......", 6.0,
        "x...x.o.x...o...", 3.5, 52, 59, 1,
    ),
    space=Space(0.5, 0.18, 11000.0, 0.004, 0.0, 0.0),
)  # fmt: skip

HIP_HOP = Style(
    tempo=Tempo(78.0, 98.0, 0.22, 0.006),
    drums=Drums(
        1.2, "x..o...o.xx.....", "....x.......x..o", "x.x.x.x.x.x.x.xo", "..........o.....",
        52.0, 0.24, 200.0, 0.11, 1.1, 6500.0, 0.03, 0.35, 420.0, 0.05,
    ),
    sound=Sound(ELECTRIC_PIANO, SPOKEN, SUB_BASS, 0.5, 0.65, 1.2, 0.2),
    harmony=Harmony(
        (DORIAN, MINOR), ((0, 0, 3, 3), (0, 5, 0, 4), (0, 3, 0, 6)), (0, 2, 4, 6),
        False, "x.....o.........", 7.0, "x..x...o..x.....", 2.5,
        "x.xxx.x.xxx.xox.", 1.2, 46, 54, 0,
    ),
    space=Space(0.4, 0.1, 8000.0, 0.006, 9.0, 0.15),
)  # fmt: skip

INSTRUMENTAL = Style(
    tempo=Tempo(62.0, 100.0, 0.0, 0.014),
    drums=Drums(
        0.2, "x...............", "........o.......", "o...o...o...o...", "................",
        60.0, 0.2, 180.0, 0.15, 0.6, 6000.0, 0.12, 0.25, 330.0, 0.1,
    ),
    sound=Sound(GRAND_PIANO, BOWED_PAD, BOWED_PAD, 1.0, 0.5, 0.35, 0.0),
    harmony=Harmony(
        (MAJOR, LYDIAN, MINOR), ((0, 5, 3, 4), (0, 2, 5, 3), (5, 3, 0, 4)), (0, 4, 6, 9),
        True, "x.x.x.x.x.x.x.x.", 6.0, "x...............", 15.0,
        "x.......x...o...", 7.0, 48, 57, 1,
    ),
    space=Space(1.8, 0.35, 12000.0, 0.002, 0.0, 0.0),
)  # fmt: skip

INTERNATIONAL = Style(
    tempo=Tempo(92.0, 130.0, 0.06, 0.008),
    drums=Drums(
        0.8, "x.....x...x.....", "................", "x..x..x.x..x.xx.", "xoo.x.xox.xox.x.",
        95.0, 0.14, 240.0, 0.05, 0.5, 5000.0, 0.025, 0.3, 310.0, 0.09,
    ),
    sound=Sound(LUTE, REED, FINGER_BASS, 0.9, 0.75, 0.4, 0.0),
    harmony=Harmony(
        (PHRYGIAN_DOMINANT, HUNGARIAN_MINOR), ((0, 0, 1, 0), (0, 3, 1, 0)), (0, 4, 7),
        True, "x.xxx.x.x.xxx.xx", 2.0, "x.....x...x.....", 4.0,
        "x.xox.x.xxx.o.x.", 1.8, 50, 57, 1,
    ),
    space=Space(0.7, 0.2, 12000.0, 0.004, 0.0, 0.0),
)  # fmt: skip

POP = Style(
    tempo=Tempo(98.0, 124.0, 0.0, 0.003),
    drums=Drums(
        0.85, "x.....x.x.......", "....x.......x...", "x.x.x.x.x.x.x.x.", "......o.......o.",
        58.0, 0.14, 230.0, 0.09, 1.2, 9000.0, 0.04, 0.4, 700.0, 0.04,
    ),
    sound=Sound(CLEAN_KEYS, SUNG, FINGER_BASS, 0.65, 0.9, 0.6, 0.0),
    harmony=Harmony(
        (MAJOR,), ((0, 4, 5, 3), (5, 3, 0, 4), (0, 5, 3, 4)), (0, 2, 4, 7),
        False, "x..x..x.x..x..x.", 2.5, "x..x..x.x..x..x.", 2.5,
        "x.x.x.o.x.x.x...", 2.4, 53, 60, 1,
    ),
    space=Space(0.9, 0.2, 15000.0, 0.001, 0.0, 0.15),
)  # fmt: skip

ROCK = Style(
    tempo=Tempo(112.0, 152.0, 0.0, 0.005),
    drums=Drums(
        1.0, "x..o..x.x.x.....", "....x.......x...", "x.x.x.x.x.x.x.x.", "..............o.",
        66.0, 0.11, 185.0, 0.14, 1.3, 5500.0, 0.16, 0.55, 150.0, 0.15,
    ),
    sound=Sound(POWER_GUITAR, SOLO_GUITAR, FINGER_BASS, 0.9, 0.45, 0.6, 5.0),
    harmony=Harmony(
        (MINOR, MIXOLYDIAN), ((0, 6, 3, 4), (0, 2, 3, 5), (0, 5, 6, 0)), (0, 4, 7),
        False, "x.x.x.x.x.x.x.xo", 2.2, "x.x.x.x.x.x.x.x.", 2.0,
        "x...o.x...x.o...", 3.0, 40, 48, 2,
    ),
    space=Space(0.6, 0.12, 10000.0, 0.006, 0.0, 0.0),
)  # fmt: skip

STYLES: dict[str, Style] = {
    "Electronic": ELECTRONIC,
    "Experimental": EXPERIMENTAL,
    "Folk": FOLK,
    "Hip-Hop": HIP_HOP,
    "Instrumental": INSTRUMENTAL,
    "International": INTERNATIONAL,
    "Pop": POP,
    "Rock": ROCK,
}
GENRES = tuple(STYLES)
