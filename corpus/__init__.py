"""A small archive of synthetic music in the shape of the Free Music Archive's data set.

``python -m corpus --output-dir DIR`` writes it; the same is open to code as ``write_corpus``.
"""

from __future__ import annotations

from corpus.catalogue import build_catalogue, planted_faults
from corpus.spec import CorpusSpec
from corpus.styles import GENRES
from corpus.writer import CorpusError, write_corpus

__all__ = [
    "GENRES",
    "CorpusError",
    "CorpusSpec",
    "build_catalogue",
    "planted_faults",
    "write_corpus",
]
