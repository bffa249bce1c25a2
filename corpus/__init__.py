"""A small archive of synthetic music in the shape of the Free Music Archive's data set.

``python -m corpus --output-dir DIR`` writes it; the same is open to code as ``write_corpus``.
"""

from __future__ import annotations

from corpus.catalogue import Track, build_catalogue, planted_faults
from corpus.spec import PLANTED_FAULTS, CorpusSpec, PlantedFault
from corpus.styles import GENRES
from corpus.writer import CorpusError, CorpusState, corpus_state, write_corpus

__all__ = [
    "GENRES",
    "PLANTED_FAULTS",
    "CorpusError",
    "CorpusSpec",
    "CorpusState",
    "PlantedFault",
    "Track",
    "build_catalogue",
    "corpus_state",
    "planted_faults",
    "write_corpus",
]
