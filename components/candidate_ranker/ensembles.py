"""The ensemble of a contest: which contenders are in it, and what is known of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import tensorflow_transform as tft

from components.candidate_ranker.contender import Contender
from dataset.config import AudioConfig
from models import ensemble, held_out
from models.training import fit_record
from models.training.fit_record import FitRecord


@dataclasses.dataclass(frozen=True)
class Mean:
    """The ensemble of a contest.

    Attributes:
        choice: which contenders are in it.
        members: these.
        transform_graph: Transform's output.
        audio: how a clip is cut.
    """

    choice: ensemble.Choice
    members: Sequence[Contender]
    transform_graph: str
    audio: AudioConfig

    def export(self, directory: str) -> None:
        """Writes its SavedModel, its record and, beside them, its held-out scores."""
        ensemble.export(
            directory,
            [(member.path, str(member.fit.feature)) for member in self.members],
            self.choice.temperature,
            tft.TFTransformOutput(self.transform_graph),
            self.audio,
        )
        fit_record.write(directory, self.fit())
        held_out.write(directory, self.choice.held_out)

    def fit(self) -> FitRecord:
        """Returns what a leaderboard shows of it."""
        fits = [member.fit for member in self.members]
        return FitRecord(
            ensemble.NAME,
            feature=ensemble.feature_of([str(fit.feature) for fit in fits]),
            genres=fits[0].genres,
            parameters=sum(fit.parameters or 0 for fit in fits),
            training_seconds=round(sum(fit.training_seconds or 0.0 for fit in fits), 1),
            hyperparameters={
                "members": list(self.choice.members),
                "temperature": self.choice.temperature,
            },
        )


def best_mean(
    contenders: Mapping[str, Contender], transform_graph: str, audio: AudioConfig
) -> Mean | None:
    """Returns the best ensemble, None where no mean is better than a contender alone.

    Args:
        contenders: by name. Those that are barred, need more than audio or have no held-out scores
            cannot be members.
        transform_graph: Transform's output.
        audio: how a clip is cut.
    """
    able = {
        name: contender
        for name, contender in contenders.items()
        if contender.held_out and contender.fit.servable and not contender.barred
    }
    choice = ensemble.choose({name: c.held_out for name, c in able.items() if c.held_out})
    if not choice:
        return None
    return Mean(choice, [able[name] for name in choice.members], transform_graph, audio)
