"""What makes a run's figures suspect: too good, something in two splits, or a genre untested."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_SHOWN = 5


def alarms(
    board: Mapping[str, Any],
    overlaps: Mapping[str, Sequence[Any]],
    max_credible_accuracy: float,
    clips: Mapping[str, Mapping[str, int]],
) -> list[str]:
    """Returns a sentence for each thing that is wrong; none of them refuses a model by itself.

    Args:
        board: what `leaderboard.json` holds: `models`, `best` and `test`.
        overlaps: artists and recordings in two of the archive's own splits, as in `ingest.json`.
        max_credible_accuracy: an accuracy above it is an alarm.
        clips: how many each split holds of each genre.
    """
    found = []
    if artists := overlaps["artists"]:
        found.append(
            f"{_count(artists, 'artist')} in more than one split ({_some(artists)}): all figures "
            "are too high; --split artist-grouped avoids it"
        )
    if audio := overlaps["audio"]:
        groups = [" = ".join(map(str, group)) for group in audio]
        found.append(
            f"{_count(audio, 'recording')} in more than one of the archive's own splits, under "
            f"different ids ({_some(groups)}): each is used once, in the first of test, eval, train"
        )
    on_eval = {
        entry["name"]: entry["eval"]["accuracy"] for entry in board["models"] if entry["eval"]
    }
    on_test = {board["best"]: board["test"]["accuracy"]}
    for split, accuracies in (("eval", on_eval), ("test", on_test)):
        above = [
            f"{name} {accuracy:.3f}"
            for name, accuracy in accuracies.items()
            if accuracy > max_credible_accuracy
        ]
        if above:
            found.append(
                f"accuracy on {split} is above the {max_credible_accuracy:g} that is credible "
                f"({_some(above)}): a leak between the splits is likely, since published "
                "accuracies on fma_small end at 0.64"
            )
    found.extend(
        f"no clip of {genre} is in test: its recall is unknown"
        for genre in sorted(clips["train"])
        if clips["train"][genre] and not clips["test"].get(genre)
    )
    return found


def _count(things: Sequence[Any], name: str) -> str:
    return f"{len(things)} {name} is" if len(things) == 1 else f"{len(things)} {name}s are"


def _some(things: Sequence[Any]) -> str:
    shown = ", ".join(map(str, things[:_SHOWN]))
    return shown + (", …" if len(things) > _SHOWN else "")
