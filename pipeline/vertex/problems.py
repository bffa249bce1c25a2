"""What a check before submission finds."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable

ERROR, WARNING, UNKNOWN = "error", "warning", "not checked"


@dataclasses.dataclass(frozen=True)
class Problem:
    """One finding.

    Attributes:
        what: a sentence without a full stop.
        command: what mends or shows it; empty where there is no such command.
        kind: an error stops the submission; a warning does not, nor does what could not be checked.
    """

    what: str
    command: str = ""
    kind: str = ERROR

    def __str__(self) -> str:
        mend = f": run `{self.command}`" if self.command else ""
        return f"{self.kind}: {self.what}{mend}"


def unless_out_of_reach(subject: str, check: Callable[[], Iterable[Problem]]) -> list[Problem]:
    """Returns what a check finds and, where it could not be ended, why.

    What a user may not look at, a service account may still be able to use.
    """
    from google.api_core.exceptions import GoogleAPIError

    found = []
    try:
        for problem in check():
            found.append(problem)  # kept, should a later request of the same check fail
    except (GoogleAPIError, OSError) as error:
        lines = str(error).strip().splitlines()
        why = lines[0] if lines else type(error).__name__
        found.append(Problem(f"{subject} ({why})", "", UNKNOWN))
    return found
