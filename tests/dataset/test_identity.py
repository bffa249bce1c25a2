"""Ids that stay: the same for one name everywhere, and another for another."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from dataset import identity


def test_ids_are_those_of_every_run_and_machine() -> None:
    # Splits are drawn by them: another id is another split.
    assert identity.track_id("Rock/song.mp3") == 264_241_310_515_108
    assert identity.artist_id("The Band") == 6_893_104_867_625_772
    assert identity.album_id("Live", "The Band") == 7_822_543_520_367_813


@pytest.mark.parametrize(
    "name",
    ["THE BAND", " The  Band ", "The\tBand", "the\N{NO-BREAK SPACE}band", "The\n\u200bBand\ufeff"],
)
def test_an_artist_is_one_however_it_is_spelt(name: str) -> None:
    assert identity.artist_id(name) == identity.artist_id("The Band")


def test_accents_may_be_composed_or_not() -> None:
    assert identity.artist_id("Bjo\u0308rk") == identity.artist_id("BJ\u00d6RK")
    assert identity.artist_id("Bjork") != identity.artist_id("Bj\u00f6rk")


@pytest.mark.parametrize("name", ["", " ", "\t"])
def test_no_name_is_nobody(name: str) -> None:
    assert identity.artist_id(name) == -1
    assert identity.album_id(name, "The Band") == -1


def test_albums_of_one_title_are_of_their_artists() -> None:
    assert identity.album_id("Hits", "A") != identity.album_id("Hits", "B")
    assert identity.album_id("Hits", "A") == identity.album_id("HITS ", "a")
    assert identity.album_id("B", "A") != identity.album_id("A", "B")


def test_paths_are_taken_to_the_letter() -> None:
    names = ["a/b.mp3", "A/b.mp3", "a/ b.mp3", "a/b.mp3 ", "a/b\udce9.mp3", "a/b\u00e9.mp3"]
    assert len({identity.track_id(name) for name in names}) == len(names)


def test_ids_survive_json_in_a_browser() -> None:
    ids = [identity.track_id(str(number)) for number in range(100)]
    assert 2**52 < max(ids) < 2**53


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("New \t\N{NO-BREAK SPACE}\x00\x1f Age\x85", "New Age"),
        ("\ufeffRo\u00adck\u200b\u200e", "Rock"),
        ("e\u200b\u0301", "\u00e9"),
        (" \u200b\n", ""),
        ("Rock\ufe0f\u2800", "Rock"),
        ("Rock & Roll", "Rock & Roll"),
    ],
)
def test_what_is_printable_is_one_line_without_what_cannot_be_seen(
    text: str, expected: str
) -> None:
    assert identity.printable(text) == expected


def test_no_control_separator_or_format_character_is_printable() -> None:
    characters = map(chr, range(sys.maxunicode + 1))
    unseen = [c for c in characters if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp", "Zs")]
    assert len(unseen) > 200
    for character in unseen:
        got = identity.printable(f"a{character}b")
        assert got in ("a b", "ab")
        assert got.isprintable()
