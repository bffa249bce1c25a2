"""What can be wrong with a file or a row, and the list that says so."""

from __future__ import annotations

import csv
import dataclasses
import enum
import io
from collections.abc import Iterable

# Files of the Examples artifact, beside its splits.
BAD_FILES_NAME = "bad_files.csv"
SUMMARY_NAME = "ingest.json"


class FaultKind(str, enum.Enum):
    """Kinds of faults, as they stand in `bad_files.csv`."""

    EMPTY_FILE = "empty_file"
    TOO_LARGE = "too_large"
    UNREADABLE = "unreadable"
    UNDECODABLE = "undecodable"
    TOO_SHORT = "too_short"
    SILENT = "silent"
    OUTSIDE_FOLDER = "outside_folder"
    MISSING_FILE = "missing_file"
    DUPLICATE_FILE = "duplicate_file"
    NO_METADATA = "no_metadata"
    NO_GENRE = "no_genre"
    NO_FEATURES = "no_features"

    @property
    def counts_as_bad(self) -> bool:
        """Whether it counts towards `max_bad_fraction`.

        A track that cannot be used for want of a row, a label or features is left out and listed,
        but is no sign of a damaged archive: half of FMA's large subset has no top genre.
        """
        return self not in (
            FaultKind.NO_METADATA,
            FaultKind.NO_GENRE,
            FaultKind.NO_FEATURES,
            FaultKind.DUPLICATE_FILE,
        )


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
