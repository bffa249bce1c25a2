"""Who recorded what: a spec becomes artists, albums and tracks, with splits and planted faults."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from corpus.spec import SPLITS, CorpusSpec, PlantedFault, Stream
from corpus.styles import GENRES

CLIPS_PER_ARTIST = 2.4
TWO_ALBUMS_FROM = 3
STEREO_CHANCE = 0.4

_SYLLABLES = ("ba", "cor", "del", "fen", "gra", "hol", "jun", "kal", "lor", "mi", "nor", "pel")
_ENDINGS = ("an", "by", "den", "eth", "is", "low", "mond", "ner", "os", "tam", "via", "wick")
_ADJECTIVES = ("Amber", "Broken", "Distant", "Early", "Hidden", "Last", "Paper", "Slow", "Tall")
_NOUNS = ("Bridge", "Field", "Harbour", "Lamp", "Mirror", "Orchard", "Signal", "Tide", "Window")


@dataclass(frozen=True)
class Artist:
    """An artist, who keeps to one genre and one split."""

    artist_id: int
    name: str
    genre: str
    split: str


@dataclass(frozen=True)
class Album:
    """An album; ``released`` is a date as FMA writes it, ``YYYY-MM-DD 00:00:00``."""

    album_id: int
    title: str
    released: str


@dataclass(frozen=True)
class Track:
    """A track with everything that its row and its file need; ``fault`` is None for good clips."""

    track_id: int
    title: str
    artist: Artist
    album: Album
    number: int
    channels: int
    fault: PlantedFault | None

    @property
    def genre(self) -> str | None:
        """The genre that the track's row names, None if it names none."""
        return None if self.fault is PlantedFault.NO_GENRE else self.artist.genre

    @property
    def file_name(self) -> str:
        """Path of the track inside the audio folder, as FMA arranges it."""
        name = f"{self.track_id:06d}"
        return f"{name[:3]}/{name}.wav"

    @property
    def has_row(self) -> bool:
        """Whether ``tracks.csv`` names the track."""
        return self.fault is not PlantedFault.NO_METADATA

    @property
    def has_file(self) -> bool:
        """Whether the audio folder holds a file of the track."""
        return self.fault is not PlantedFault.MISSING_FILE


def build_catalogue(spec: CorpusSpec) -> list[Track]:
    """Returns every track of a corpus, planted faults included, in the order of their ids."""
    rng = spec.generator(Stream.CATALOGUE)
    artists = _artists(spec, rng)
    counts = _clip_counts(spec, artists)
    faults = dict(_fault_places(artists))
    order = rng.permutation(len(artists))
    tracks: list[Track] = []
    for index in order:
        artist = artists[index]
        tracks.extend(_discography(artist, counts[index], faults.get(artist.artist_id), rng))
    return _identified(tracks, rng)


def planted_faults(spec: CorpusSpec) -> dict[int, str]:
    """Returns the kind of fault of each faulty track by its id."""
    return {
        track.track_id: track.fault.value
        for track in build_catalogue(spec)
        if track.fault is not None
    }


def _artists(spec: CorpusSpec, rng: np.random.Generator) -> list[Artist]:
    places = [
        (genre, split)
        for genre in GENRES
        for split in SPLITS
        for _ in range(max(1, round(spec.clips_in_split(split) / CLIPS_PER_ARTIST)))
    ]
    return [
        Artist(number, f"{_name(rng)} {number}", genre, split)
        for number, (genre, split) in enumerate(places, start=1)
    ]


def _name(rng: np.random.Generator) -> str:
    start = _SYLLABLES[int(rng.integers(len(_SYLLABLES)))]
    return (start + _ENDINGS[int(rng.integers(len(_ENDINGS)))]).capitalize()


def _title(rng: np.random.Generator) -> str:
    adjective = _ADJECTIVES[int(rng.integers(len(_ADJECTIVES)))]
    return f"{adjective} {_NOUNS[int(rng.integers(len(_NOUNS)))]}"


def _clip_counts(spec: CorpusSpec, artists: list[Artist]) -> list[int]:
    """Shares the clips of each genre and split as evenly as possible among its artists."""
    counts: list[int] = []
    for (_, split), group in groupby(artists, key=lambda artist: (artist.genre, artist.split)):
        size = len(list(group))
        share, rest = divmod(spec.clips_in_split(split), size)
        counts.extend(share + (place < rest) for place in range(size))
    return counts


def _fault_places(artists: list[Artist]) -> Iterator[tuple[int, PlantedFault]]:
    """Gives each fault to an artist of a genre of its own, the splits in turn."""
    for index, fault in enumerate(PlantedFault):
        genre, split = GENRES[index % len(GENRES)], SPLITS[index % len(SPLITS)]
        host = next(a for a in artists if (a.genre, a.split) == (genre, split))
        yield host.artist_id, fault


def _discography(
    artist: Artist, clips: int, fault: PlantedFault | None, rng: np.random.Generator
) -> Iterator[Track]:
    first_album = _album(artist, 0, rng)
    second_album = _album(artist, 1, rng)
    # The fault comes last, so that the first track of a corpus is always a good one.
    faults: list[PlantedFault | None] = [None] * clips + ([fault] if fault else [])
    on_first = len(faults) if clips < TWO_ALBUMS_FROM else (clips + 1) // 2
    for index, kind in enumerate(faults):
        is_first = index < on_first
        yield Track(
            track_id=0,
            title=_title(rng),
            artist=artist,
            album=first_album if is_first else second_album,
            number=1 + (index if is_first else index - on_first),
            channels=2 if rng.random() < STEREO_CHANCE else 1,
            fault=kind,
        )


def _album(artist: Artist, place: int, rng: np.random.Generator) -> Album:
    year = int(rng.integers(2008, 2018))
    month, day = int(rng.integers(1, 13)), int(rng.integers(1, 29))
    released = f"{year}-{month:02d}-{day:02d} 00:00:00"
    return Album(2 * artist.artist_id - 1 + place, _title(rng), released)


def _identified(tracks: list[Track], rng: np.random.Generator) -> list[Track]:
    """Numbers the tracks with gaps, for FMA's ids are not contiguous either."""
    steps = rng.integers(1, 81, size=len(tracks))
    ids = 2 + np.concatenate(([0], np.cumsum(steps[1:])))
    return [
        replace(track, track_id=int(track_id)) for track, track_id in zip(tracks, ids, strict=True)
    ]
