"""Who recorded what: a spec becomes artists, albums and tracks, with splits and planted faults."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

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
    """An album; `released` is a date as FMA writes it, ``YYYY-MM-DD 00:00:00``."""

    album_id: int
    title: str
    released: str


@dataclass(frozen=True)
class Track:
    """A track with everything that its row and its file need; `fault` is None for good clips."""

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


def build_catalogue(spec: CorpusSpec) -> list[Track]:
    """Returns every track of a corpus, planted faults included, in the order of their ids."""
    rng = spec.generator(Stream.CATALOGUE)
    places = list(_artist_places(spec))
    artists = [
        Artist(number, f"{_name(rng)} {number}", genre, split)
        for number, (genre, split, _) in enumerate(places, start=1)
    ]
    # Each fault is by an artist of a genre of its own, the splits in turn.
    hosts = {(artist.genre, artist.split): artist for artist in reversed(artists)}
    faults = {
        hosts[GENRES[index], SPLITS[index % len(SPLITS)]]: fault
        for index, fault in enumerate(PlantedFault)
    }
    tracks: list[Track] = []
    for index in rng.permutation(len(artists)):
        artist = artists[index]
        tracks += _discography(artist, places[index][2], faults.get(artist), rng)
    # Ids start at 2 and have gaps, as FMA's do.
    ids = 2 + np.cumsum([0, *rng.integers(1, 81, size=len(tracks))[1:]])
    return [replace(track, track_id=int(i)) for track, i in zip(tracks, ids, strict=True)]


def planted_faults(spec: CorpusSpec) -> dict[int, str]:
    """Returns the kind of fault of each faulty track by its id."""
    return {t.track_id: t.fault.value for t in build_catalogue(spec) if t.fault is not None}


def _artist_places(spec: CorpusSpec) -> Iterator[tuple[str, str, int]]:
    """Yields genre, split and number of good clips of each artist."""
    for genre in GENRES:
        for split in SPLITS:
            clips = spec.clips_in_split(split)
            n_artists = max(1, round(clips / CLIPS_PER_ARTIST))
            share, rest = divmod(clips, n_artists)
            for place in range(n_artists):
                yield genre, split, share + (place < rest)


def _discography(
    artist: Artist, clips: int, fault: PlantedFault | None, rng: np.random.Generator
) -> Iterator[Track]:
    albums = [_album(2 * artist.artist_id - 1, rng), _album(2 * artist.artist_id, rng)]
    # The fault comes last, so that the first track of a corpus is always a good one.
    faults: list[PlantedFault | None] = [None] * clips + ([fault] if fault else [])
    on_first = len(faults) if clips < TWO_ALBUMS_FROM else (clips + 1) // 2
    for index, kind in enumerate(faults):
        is_second = index >= on_first
        yield Track(
            track_id=0,
            title=_title(rng),
            artist=artist,
            album=albums[is_second],
            number=1 + index - on_first * is_second,
            channels=2 if rng.random() < STEREO_CHANCE else 1,
            fault=kind,
        )


def _album(album_id: int, rng: np.random.Generator) -> Album:
    year, month, day = (int(rng.integers(*limits)) for limits in ((2008, 2018), (1, 13), (1, 29)))
    return Album(album_id, _title(rng), f"{year}-{month:02d}-{day:02d} 00:00:00")


def _name(rng: np.random.Generator) -> str:
    return f"{rng.choice(_SYLLABLES)}{rng.choice(_ENDINGS)}".capitalize()


def _title(rng: np.random.Generator) -> str:
    return f"{rng.choice(_ADJECTIVES)} {rng.choice(_NOUNS)}"
