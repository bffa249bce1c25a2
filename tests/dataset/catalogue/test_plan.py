"""What is to be read, of an archive of any kind, on a disk and in a bucket."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from common.errors import InputError
from dataset.catalogue.plan import plan_ingest
from dataset.config import DataConfig
from dataset.finalize import decide_splits
from dataset.validation import to_clip
from tests.conftest import Archive, TracksCsv

Fill = Callable[[Mapping[str, bytes]], str]
Make = Callable[..., DataConfig]

# Genre and name, which is FMA's for a track id.
SONGS = ("Rock/000004.mp3", "Rock/000003.mp3", "Folk/000002.mp3")


@pytest.fixture(params=["fma", "table", "folders"])
def make(request: pytest.FixtureRequest, place: Fill, tracks_csv: TracksCsv) -> Make:
    """Return a maker of one archive of three songs, of each kind."""

    def make(**settings: object) -> DataConfig:
        is_fma = request.param == "fma"
        base = place({f"a/{f'000/{song[5:]}' if is_fma else song}": b"x" for song in SONGS})
        place({
            "m/tracks.csv": tracks_csv({
                int(song[5:11]): {"track.genre_top": song[:4]} for song in SONGS
            }),
            "t.csv": "\n".join(
                ["path,genre,split", *(f"{song},{song[:4]},train" for song in SONGS)]
            ).encode(),
        })  # fmt: skip
        tables = {
            "fma": {"metadata_dir": f"{base}/m"}, "table": {"tracks_csv": f"{base}/t.csv"},
        }.get(request.param, {})  # fmt: skip
        return DataConfig(f"{base}/a", **tables, **settings)  # type: ignore[arg-type]

    return make


def test_archives_of_all_kinds_have_tracks(make: Make) -> None:
    data = make()
    catalogue = plan_ingest(data)
    found = {f"{track.row.genre}/{track.path.rpartition('/')[2]}" for track in catalogue.tracks}
    assert found == set(SONGS)
    ids = [track.row.track_id for track in catalogue.tracks]
    assert ids == sorted(set(ids))
    assert catalogue.faults == []
    assert catalogue.where == data.audio_dir
    assert catalogue.has_splits == bool(data.metadata_dir or data.tracks_csv)


def test_nothing_left_says_what_left_it_out(make: Make) -> None:
    with pytest.raises(InputError, match=r"no track of .*/a is left to read: 3 fewer than 5"):
        plan_ingest(make(min_clips_per_genre=5))


def test_no_usable_audio_says_what_is_wrong(place: Fill) -> None:
    base = place({"a/x.mp3": b"", "t.csv": b"path,genre\ny.mp3,Rock\nz.mp3,Rock\nx.mp3,\n"})
    with pytest.raises(InputError) as caught:
        plan_ingest(DataConfig(f"{base}/a", tracks_csv=f"{base}/t.csv"))
    expected = f"there is no usable audio in {base}/a: 2 missing_file, 1 no_genre"
    assert str(caught.value) == expected


def test_an_archive_that_splits_a_part_of_its_tracks_has_splits(archive: Archive) -> None:
    audio = {f"000/00000{track_id}.mp3": b"x" for track_id in (2, 3, 4)}
    data = archive({2: {}, 3: {"set.split": ""}, 4: {"set.split": ""}}, audio)
    catalogue = plan_ingest(data)
    assert catalogue.has_splits
    # None of them goes anywhere else without a word.
    with pytest.raises(InputError, match="the split of track 3 is ''"):
        decide_splits([to_clip(track) for track in catalogue.tracks], catalogue, data)


def test_a_track_that_is_not_wanted_needs_no_split(archive: Archive) -> None:
    audio = {f"000/00000{track_id}.mp3": b"x" for track_id in (2, 3)}
    rows = {2: {}, 3: {"set.split": "", "track.genre_top": "Folk"}}
    data = archive(rows, audio, genres=("Rock",))
    assert plan_ingest(data).has_splits
