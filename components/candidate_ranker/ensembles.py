"""The ensemble of a contest: which contenders are in it, and what is known of it."""

from __future__ import annotations

from collections.abc import Mapping

import tensorflow as tf
import tensorflow_transform as tft

from common.errors import InputError
from components.candidate_ranker.contender import Contender
from dataset.config import AudioConfig
from models import ensemble, held_out, saved_model
from models.training.fit_record import FitRecord


class EnsembleOf:
    """The best ensemble of some contenders.

    Args:
        contenders: by name; those that need more than audio cannot be members.
        transform_graph: Transform's output.
        audio: how a clip is cut.
    """

    def __init__(
        self, contenders: Mapping[str, Contender], transform_graph: str, audio: AudioConfig
    ):
        scores = {
            name: held_out.read(contender.path)
            for name, contender in contenders.items()
            if contender.fit.servable
        }
        chosen, self._temperature = ensemble.choose(
            {name: known for name, known in scores.items() if known}
        )
        self.members = {name: contenders[name] for name in chosen}
        self._transform_graph = transform_graph
        self._audio = audio

    def export(self, directory: str, *, refitted: bool = False) -> None:
        """Writes its SavedModel, of members that were fitted on `train`, or on `eval`, too."""
        members = [
            (refitted_or_same(member.path) if refitted else member.path, str(member.fit.feature))
            for member in self.members.values()
        ]
        transform_output = tft.TFTransformOutput(self._transform_graph)
        ensemble.export(directory, members, self._temperature, transform_output, self._audio)

    def fit(self) -> FitRecord:
        """Returns what a leaderboard shows of it."""
        fits = [member.fit for member in self.members.values()]
        if len({tuple(fit.genres) for fit in fits}) > 1:
            raise InputError("the candidates do not know the same genres")
        return FitRecord(
            ensemble.NAME,
            feature="+".join(sorted({key for f in fits for key in str(f.feature).split("+")})),
            genres=fits[0].genres,
            parameters=sum(fit.parameters or 0 for fit in fits),
            training_seconds=round(sum(fit.training_seconds or 0.0 for fit in fits), 1),
            hyperparameters={
                "members": list(self.members),
                "temperature": self._temperature,
            },
        )


def refitted_or_same(path: str) -> str:
    """Returns the path of a model that was fitted on `train` and `eval`; of `path`, if none was."""
    refitted = saved_model.refitted_dir(path)
    return refitted if tf.io.gfile.exists(refitted) else path
