"""What the executor and the steps of its Beam pipeline tell each other, as files.

An archive is listed and planned once, by the executor: a worker that listed it again might find
other files. The plan is a file since the rows of a large archive do not fit in the job description
that goes to a remote runner. What comes of the clips is concluded once, too, by a worker.
"""

from __future__ import annotations

import base64
import dataclasses
import itertools
import json
from typing import Any

import tensorflow as tf

from common import files
from dataset.bad_files import Fault, FaultKind
from dataset.finalize import Conclusion
from dataset.track import Catalogue, Row, Track

_CATALOGUE = "catalogue.tfrecord.gz"
_CONCLUSION = "conclusion.json"


def write_catalogue(folder: str, catalogue: Catalogue) -> None:
    """Writes a catalogue into a folder: JSON, a record for each track after one for the rest.

    One record at a time is in memory: with FMA's features, 100,000 tracks take 300 MB of JSON.
    """
    rest = dataclasses.asdict(dataclasses.replace(catalogue, tracks=[]))
    with tf.io.TFRecordWriter(files.join(folder, _CATALOGUE), "GZIP") as writer:
        for values in itertools.chain([rest], map(_track_to_json, catalogue.tracks)):
            # In ASCII: as an escape, the name of a file that is not UTF-8 comes back as it was.
            writer.write(json.dumps(values).encode("ascii"))


def read_catalogue(folder: str) -> Catalogue:
    """Returns the catalogue that `write_catalogue` wrote into a folder."""
    path = files.join(folder, _CATALOGUE)
    records = tf.data.TFRecordDataset(path, compression_type="GZIP").as_numpy_iterator()
    rest = json.loads(next(records))
    rest["faults"] = _faults(rest["faults"])
    rest["tracks"] = [_track_from_json(json.loads(record)) for record in records]
    return Catalogue(**rest)


def write_conclusion(folder: str, conclusion: Conclusion) -> None:
    """Writes a conclusion into a folder, as JSON."""
    text = json.dumps(dataclasses.asdict(conclusion))
    files.write_text(files.join(folder, _CONCLUSION), text)


def read_conclusion(folder: str) -> Conclusion:
    """Returns the conclusion that `write_conclusion` wrote into a folder."""
    values = json.loads(files.read_text(files.join(folder, _CONCLUSION)))
    return Conclusion(**{**values, "faults": _faults(values["faults"])})


def _track_to_json(track: Track) -> dict[str, Any]:
    features = base64.b64encode(track.fma_features).decode("ascii")
    return {**dataclasses.asdict(track), "fma_features": features}


def _track_from_json(values: dict[str, Any]) -> Track:
    features = base64.b64decode(values["fma_features"])
    return Track(**{**values, "row": Row(**values["row"]), "fma_features": features})


def _faults(listed: list[dict[str, Any]]) -> list[Fault]:
    return [Fault(**{**values, "kind": FaultKind(values["kind"])}) for values in listed]
