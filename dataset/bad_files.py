"""What can be wrong with a file or a row, and the list that says so."""

from __future__ import annotations

import csv
import dataclasses
import enum
import io
from collections.abc import Iterable, Mapping

# Files of the Examples artifact, beside its splits.
BAD_FILES_NAME = "bad_files.csv"
SUMMARY_NAME = "ingest.json"

SKIP, PAD, FAIL = "skip", "pad", "fail"


class FaultKind(str, enum.Enum):
    """Kinds of faults, as they stand in `bad_files.csv`."""

    EMPTY_FILE = "empty_file"
    TOO_LARGE = "too_large"
    UNREADABLE = "unreadable"
    UNDECODABLE = "undecodable"
    NOT_AUDIO = "not_audio"
    TOO_SHORT = "too_short"
    SILENT = "silent"
    NEAR_SILENT = "near_silent"
    OUT_OF_PHASE = "out_of_phase"
    PADDED = "padded"
    TIMED_OUT = "timed_out"
    CRASHED = "crashed"
    OUTSIDE_FOLDER = "outside_folder"
    MISSING_FILE = "missing_file"
    DUPLICATE_FILE = "duplicate_file"
    DUPLICATE_AUDIO = "duplicate_audio"
    NO_METADATA = "no_metadata"
    NO_GENRE = "no_genre"
    NO_FEATURES = "no_features"

    @property
    def counts_as_bad(self) -> bool:
        """Whether it counts towards `max_bad_fraction`.

        A track that cannot be used for want of a row, a label or features is left out and listed,
        but is no sign of a damaged archive: half of FMA's large subset has no top genre. Nor are a
        second copy, what never was audio, and a clip that is used all the same.
        """
        return not self.is_used and self not in (
            FaultKind.NOT_AUDIO,
            FaultKind.NO_METADATA,
            FaultKind.NO_GENRE,
            FaultKind.NO_FEATURES,
            FaultKind.DUPLICATE_FILE,
            FaultKind.DUPLICATE_AUDIO,
        )

    @property
    def is_used(self) -> bool:
        """Whether the list only flags the clip, which is used all the same."""
        return self in (FaultKind.NEAR_SILENT, FaultKind.OUT_OF_PHASE, FaultKind.PADDED)


def policies(pairs: Iterable[str]) -> Mapping[FaultKind, str]:
    """Returns what happens to the clips of each kind of fault that has a policy of its own.

    Args:
        pairs: KIND=POLICY; `skip` leaves the clip out, `fail` ends the run, and `pad` puts silence
            after a clip that is too short.

    Raises:
        ValueError: for a pair that there is not.
    """
    found = {}
    for pair in pairs:
        name, _, policy = pair.partition("=")
        if name not in list(FaultKind) or name == FaultKind.PADDED:
            kinds = ", ".join(kind.value for kind in FaultKind if kind is not FaultKind.PADDED)
            raise ValueError(f"on_fault must be KIND=POLICY, KIND one of {kinds}, got {pair!r}")
        kind = FaultKind(name)
        fitting = (SKIP, PAD, FAIL) if kind is FaultKind.TOO_SHORT else (SKIP, FAIL)
        if policy not in fitting:
            raise ValueError(f"on_fault {name} must be {' or '.join(fitting)}, got {policy!r}")
        if kind in found:
            raise ValueError(f"on_fault must name {name} only once")
        found[kind] = policy
    return found


@dataclasses.dataclass(frozen=True, order=True)
class Fault:
    """One line of the bad-file list; `track_id` is -1 where the file's name holds none."""

    path: str
    track_id: int
    kind: FaultKind
    detail: str


class AudioError(Exception):
    """A file's audio cannot be used."""

    def __init__(self, kind: FaultKind, detail: str):
        """Keeps the kind of the fault beside its one-line detail."""
        super().__init__(detail)
        self.kind = kind
        self.detail = detail


def to_csv(faults: Iterable[Fault]) -> str:
    """Returns the text of `bad_files.csv`: path, track_id, kind, detail; sorted by path."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    # A carriage return ends a row, but not every Python quotes it: macOS has files called "Icon\r".
    quoting = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow([field.name for field in dataclasses.fields(Fault)])
    for fault in sorted(faults):
        row = [fault.path, str(fault.track_id), fault.kind.value, fault.detail]
        (quoting if any("\r" in cell for cell in row) else writer).writerow(row)
    return text.getvalue()
