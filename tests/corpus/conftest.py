"""One small corpus, written once for all tests that only read it."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpus import CorpusSpec, write_corpus


@pytest.fixture(scope="session")
def spec() -> CorpusSpec:
    """Return the smallest spec in which every genre still has every split."""
    return CorpusSpec(seed=3, clips_per_genre=6, clip_seconds=2.0)


@pytest.fixture(scope="session")
def corpus_dir(spec: CorpusSpec, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the small corpus; tests must not change it."""
    return write_corpus(spec, tmp_path_factory.mktemp("corpus") / "small")
