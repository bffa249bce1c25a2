"""The bad-file list."""

from __future__ import annotations

import csv
import io

import pytest

from dataset.bad_files import Fault, FaultKind, to_csv


def test_the_list_is_sorted_by_path_and_has_four_columns() -> None:
    faults = [
        Fault("b/2.wav", 2, FaultKind.SILENT, "no sample above -80 dBFS"),
        Fault("a/10.wav", 10, FaultKind.EMPTY_FILE, "the file has no bytes"),
        Fault("a/10.wav", -1, FaultKind.NO_METADATA, "no row in tracks.csv"),
    ]
    expected = (
        "path,track_id,kind,detail\n"
        "a/10.wav,-1,no_metadata,no row in tracks.csv\n"
        "a/10.wav,10,empty_file,the file has no bytes\n"
        "b/2.wav,2,silent,no sample above -80 dBFS\n"
    )
    assert to_csv(faults) == to_csv(reversed(faults)) == expected


@pytest.mark.parametrize("name", ["Icon\r", "a\r\n,b.wav", 'a,"b".wav'])
def test_every_name_survives(name: str) -> None:
    faults = [
        Fault(name, -1, FaultKind.NO_METADATA, "first line\nsecond, line"),
        Fault("z.wav", 3, FaultKind.SILENT, "a\rb"),
    ]
    rows = list(csv.DictReader(io.StringIO(to_csv(faults), newline="")))
    assert [(row["path"], row["detail"]) for row in rows] == [
        (fault.path, fault.detail) for fault in faults
    ]


@pytest.mark.parametrize("kind", FaultKind)
def test_only_what_could_not_be_read_counts_as_bad(kind: FaultKind) -> None:
    bad = {
        "empty_file", "too_large", "unreadable", "undecodable", "too_short", "silent",
        "outside_folder", "missing_file", "timed_out", "crashed",
    }  # fmt: skip
    harmless = {
        "duplicate_file", "duplicate_audio", "no_metadata", "no_genre", "no_features", "padded",
        "near_silent", "out_of_phase", "not_audio",
    }  # fmt: skip
    assert {k.value for k in FaultKind} == bad | harmless
    assert kind.counts_as_bad == (kind.value in bad)
