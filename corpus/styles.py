"""How the music of each genre is made: a table of numbers, no sound.

Steps are sixteenths of a bar of four beats.  In a pattern ``x`` is always played, ``o`` with a
probability of one half, and ``.`` never.
"""

from __future__ import annotations

from dataclasses import dataclass

MAJOR = (0, 2, 4, 5, 7, 9, 11)
MINOR = (0, 2, 3, 5, 7, 8, 10)
DORIAN = (0, 2, 3, 5, 7, 9, 10)
MIXOLYDIAN = (0, 2, 4, 5, 7, 9, 10)
PHRYGIAN_DOMINANT = (0, 1, 4, 5, 7, 8, 10)
HUNGARIAN_MINOR = (0, 2, 3, 6, 7, 8, 11)
ALTERED = (0, 1, 3, 4, 6, 8, 10)


@dataclass(frozen=True)
class Sound:
    """A pitched instrument as a sum of partials, with noise, under one envelope.

    Attributes:
        partials: how many.
        tilt: partial k has the amplitude ``k**-tilt``.
        decay_s: time constant of the fall to `sustain`.
        sustain: level of a held note.
        attack_s: length of the rise.
        stretch: partial k is at ``k**(1 + stretch)`` times the pitch.
        vibrato_cents: depth of the vibrato.
        noise: level of breath or scratch.
        formants_hz: resonances of a voice or a body, if any.
        drive: distortion of the whole part, 0 for none.
    """

    partials: int
    tilt: float
    decay_s: float
    sustain: float = 0.0
    attack_s: float = 0.004
    stretch: float = 0.0
    vibrato_cents: float = 0.0
    noise: float = 0.0
    formants_hz: tuple[float, ...] = ()
    drive: float = 0.0


@dataclass(frozen=True)
class Part:
    """What an instrument plays: when, for how many steps, how loud and in which octave."""

    sound: Sound
    pattern: str
    steps: float
    level: float
    octave: int = 0


@dataclass(frozen=True)
class Drum:
    """A drum and its pattern: a tone, and above it a share of noise from 0 to 1."""

    pattern: str
    level: float
    hz: float
    decay_s: float
    noise: float


@dataclass(frozen=True)
class Style:
    """All that decides how a piece of music comes out.

    Attributes:
        bpm: lowest and highest tempo.
        swing: delay of odd steps, in steps.
        scales: semitones above the root; a piece keeps to one of them.
        progressions: the degree of the scale on which the chord of each bar is built.
        chord: degrees of the scale above that.
        arpeggio: whether the notes of a chord come in turn.
        root_midi: lowest and highest root.
        reverb_s: time in which the room falls by 60 dB.
    """

    bpm: tuple[int, int]
    swing: float
    scales: tuple[tuple[int, ...], ...]
    progressions: tuple[tuple[int, ...], ...]
    chord: tuple[int, ...]
    arpeggio: bool
    root_midi: tuple[int, int]
    chords: Part
    lead: Part
    bass: Part
    kick: Drum
    snare: Drum
    hat: Drum
    reverb_s: float


SUB_BASS = Sound(4, 2.2, 0.9, sustain=0.5)
FINGER_BASS = Sound(10, 1.5, 0.5, sustain=0.25)
SYNTH = Sound(20, 1.0, 0.25, sustain=0.35)
DRONE = Sound(10, 0.7, 2.5, sustain=0.8, attack_s=0.25, stretch=0.09, vibrato_cents=30.0, noise=0.7)
METAL = Sound(12, 0.5, 1.1, sustain=0.1, stretch=0.27)
STEEL_STRING = Sound(18, 0.9, 0.5)
WHISTLE = Sound(6, 1.9, 1.0, sustain=0.9, attack_s=0.05, vibrato_cents=22.0, noise=0.35)
KEYS = Sound(8, 1.6, 0.7, sustain=0.1)
PIANO = Sound(14, 1.25, 1.0, stretch=0.002)
BOWED_PAD = Sound(12, 1.3, 2.0, sustain=0.9, attack_s=0.35, vibrato_cents=14.0)
LUTE = Sound(20, 0.75, 0.25, stretch=0.003, vibrato_cents=18.0)
GUITAR = Sound(14, 0.9, 1.2, sustain=0.5, drive=5.0)
SPEECH = Sound(22, 0.7, 0.12, 0.3, vibrato_cents=90.0, noise=0.5, formants_hz=(550, 1300, 2500))
SINGER = Sound(
    22, 0.6, 1.0, 0.85, 0.05, vibrato_cents=35.0, noise=0.15, formants_hz=(700, 1150, 2900)
)
REED = Sound(20, 0.8, 1.0, 0.85, 0.03, vibrato_cents=40.0, formants_hz=(950, 2100))

STYLES = {
    "Electronic": Style(
        bpm=(118, 134), swing=0.0, root_midi=(52, 60), arpeggio=True, reverb_s=0.9,
        scales=(MINOR, DORIAN), chord=(0, 2, 4), progressions=((0, 0, 5, 6), (0, 5, 2, 6)),
        chords=Part(SYNTH, "xx.xx.xx.xx.xxxx", 1.0, 0.7),
        lead=Part(SYNTH, "x..o..x...o.x...", 1.5, 0.5, 1),
        bass=Part(SYNTH, "..xx..xx..xx..xx", 0.9, 0.9, -2),
        kick=Drum("x...x...x...x...", 1.0, 48.0, 0.16, 0.0),
        snare=Drum("....x.......x...", 0.7, 220.0, 0.07, 0.6),
        hat=Drum("..x...x...x...xo", 0.5, 8000.0, 0.035, 1.0),
    ),
    "Experimental": Style(
        bpm=(50, 100), swing=0.0, root_midi=(48, 62), arpeggio=False, reverb_s=2.2,
        scales=(ALTERED, HUNGARIAN_MINOR), chord=(0, 1, 3, 6),
        progressions=((0, 1, 4, 3), (0, 5, 1, 6)),
        chords=Part(DRONE, "x.......o.......", 12.0, 0.9),
        lead=Part(METAL, "o..o...o.o..o..o", 3.0, 0.7, 1),
        bass=Part(SUB_BASS, "x...............", 14.0, 0.4, -1),
        kick=Drum("o.........o.....", 0.45, 70.0, 0.3, 0.0),
        snare=Drum("...o.o.....o..o.", 0.3, 450.0, 0.2, 0.4),
        hat=Drum(".o..o..o...oo..o", 0.2, 3500.0, 0.09, 1.0),
    ),
    "Folk": Style(
        bpm=(84, 116), swing=0.04, root_midi=(52, 59), arpeggio=True, reverb_s=0.5,
        scales=(MAJOR, MIXOLYDIAN), chord=(0, 2, 4, 7), progressions=((0, 3, 0, 4), (0, 4, 5, 3)),
        chords=Part(STEEL_STRING, "x.xxx.xxx.xxx.xx", 4.0, 1.0),
        lead=Part(WHISTLE, "x...x.o.x...o...", 3.5, 0.55, 1),
        bass=Part(FINGER_BASS, "x.......x.......", 6.0, 0.3, -1),
        kick=Drum("x.......o.......", 0.3, 85.0, 0.08, 0.0),
        snare=Drum("....o.......x...", 0.18, 260.0, 0.05, 0.3),
        hat=Drum("x.o.x.o.x.o.x.o.", 0.1, 5500.0, 0.03, 1.0),
    ),
    "Hip-Hop": Style(
        bpm=(78, 98), swing=0.22, root_midi=(46, 54), arpeggio=False, reverb_s=0.4,
        scales=(DORIAN, MINOR), chord=(0, 2, 4, 6), progressions=((0, 0, 3, 3), (0, 5, 0, 4)),
        chords=Part(KEYS, "x.....o.........", 7.0, 0.5),
        lead=Part(SPEECH, "x.xxx.x.xxx.xox.", 1.2, 0.65),
        bass=Part(SUB_BASS, "x..x...o..x.....", 2.5, 1.2, -1),
        kick=Drum("x..o...o.xx.....", 1.2, 52.0, 0.24, 0.0),
        snare=Drum("....x.......x..o", 0.85, 200.0, 0.11, 0.5),
        hat=Drum("x.x.x.x.x.x.x.xo", 0.4, 6500.0, 0.03, 1.0),
    ),
    "Instrumental": Style(
        bpm=(62, 100), swing=0.0, root_midi=(48, 57), arpeggio=True, reverb_s=1.8,
        scales=(MAJOR, MINOR), chord=(0, 4, 6, 9), progressions=((0, 5, 3, 4), (5, 3, 0, 4)),
        chords=Part(PIANO, "x.x.x.x.x.x.x.x.", 6.0, 1.0),
        lead=Part(BOWED_PAD, "x.......x...o...", 7.0, 0.5, 1),
        bass=Part(BOWED_PAD, "x...............", 15.0, 0.35, -1),
        kick=Drum("x...............", 0.2, 60.0, 0.2, 0.0),
        snare=Drum("........o.......", 0.14, 180.0, 0.15, 0.4),
        hat=Drum("o...o...o...o...", 0.05, 6000.0, 0.12, 1.0),
    ),
    "International": Style(
        bpm=(92, 130), swing=0.06, root_midi=(50, 57), arpeggio=True, reverb_s=0.7,
        scales=(PHRYGIAN_DOMINANT,), chord=(0, 4, 7), progressions=((0, 0, 1, 0), (0, 3, 1, 0)),
        chords=Part(LUTE, "x.xxx.x.x.xxx.xx", 2.0, 0.9),
        lead=Part(REED, "x.xox.x.xxx.o.x.", 1.8, 0.75, 1),
        bass=Part(FINGER_BASS, "x.....x...x.....", 4.0, 0.4, -1),
        kick=Drum("x.....x...x.....", 0.8, 95.0, 0.14, 0.0),
        snare=Drum("xoo.x.xox.xox.x.", 0.5, 310.0, 0.09, 0.2),
        hat=Drum("x..x..x.x..x.xx.", 0.25, 5000.0, 0.025, 1.0),
    ),
    "Pop": Style(
        bpm=(98, 124), swing=0.0, root_midi=(53, 60), arpeggio=False, reverb_s=0.9,
        scales=(MAJOR,), chord=(0, 2, 4, 7), progressions=((0, 4, 5, 3), (5, 3, 0, 4)),
        chords=Part(KEYS, "x..x..x.x..x..x.", 2.5, 0.65),
        lead=Part(SINGER, "x.x.x.o.x.x.x...", 2.4, 0.9, 1),
        bass=Part(FINGER_BASS, "x..x..x.x..x..x.", 2.5, 0.6, -2),
        kick=Drum("x.....x.x.......", 0.85, 58.0, 0.14, 0.0),
        snare=Drum("....x.......x...", 0.6, 230.0, 0.09, 0.55),
        hat=Drum("x.x.x.x.x.x.x.x.", 0.35, 9000.0, 0.04, 1.0),
    ),
    "Rock": Style(
        bpm=(112, 152), swing=0.0, root_midi=(40, 48), arpeggio=False, reverb_s=0.6,
        scales=(MINOR, MIXOLYDIAN), chord=(0, 4, 7), progressions=((0, 6, 3, 4), (0, 2, 3, 5)),
        chords=Part(GUITAR, "x.x.x.x.x.x.x.xo", 2.2, 0.9),
        lead=Part(GUITAR, "x...o.x...x.o...", 3.0, 0.45, 2),
        bass=Part(FINGER_BASS, "x.x.x.x.x.x.x.x.", 2.0, 0.6, -1),
        kick=Drum("x..o..x.x.x.....", 1.0, 66.0, 0.11, 0.0),
        snare=Drum("....x.......x...", 0.7, 185.0, 0.14, 0.55),
        hat=Drum("x.x.x.x.x.x.x.x.", 0.5, 5500.0, 0.16, 1.0),
    ),
}  # fmt: skip
GENRES = tuple(STYLES)
