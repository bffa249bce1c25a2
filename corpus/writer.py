"""A whole corpus on disk: built aside, then moved into place."""

from __future__ import annotations

import json
import multiprocessing
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from hashlib import sha256
from pathlib import Path

from corpus.catalogue import build_catalogue
from corpus.clips import write_clip
from corpus.metadata import write_tables
from corpus.spec import CorpusSpec, PlantedFault

AUDIO_DIR = "fma_small"
METADATA_DIR = "fma_metadata"
_STAMP = "corpus.json"


class CorpusError(Exception):
    """A corpus cannot be written; the message is one sentence for the user."""


def write_corpus(
    spec: CorpusSpec, output_dir: Path, workers: int = 1, *, force: bool = False
) -> Path:
    """Writes a corpus and returns its folder; the same one that is there already is left as it is.

    Args:
        spec: what to write.
        output_dir: folder of the corpus, made with its parents.
        workers: processes that synthesise clips; the bytes do not depend on it.
        force: replaces any corpus, but never anything else.

    Raises:
        CorpusError: where something else is in the way.
        OSError: where the disk is full or the folder cannot be written.
    """
    target = output_dir.resolve()
    if is_current(spec, target) and not force:
        return target
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        if not (target / _STAMP).is_file():
            raise CorpusError(f"{target} is not a corpus; choose another --output-dir")
        if not force:
            raise CorpusError(f"{target} is another or a damaged corpus; --force replaces it")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as aside:
        new = Path(aside, "new")
        _build(spec, new, workers)
        if target.exists():
            target.rename(Path(aside, "old"))
        new.rename(target)
    return target


def is_current(spec: CorpusSpec, folder: Path) -> bool:
    """Returns whether a folder holds all audio of a spec's corpus, by the present generator."""
    try:
        found = json.loads((folder / _STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    tracks = [t for t in build_catalogue(spec) if t.fault is not PlantedFault.MISSING_FILE]
    audio_dir = folder / AUDIO_DIR
    return found == _stamp(spec) and all((audio_dir / t.file_name).is_file() for t in tracks)


def _build(spec: CorpusSpec, folder: Path, workers: int) -> None:
    tracks = build_catalogue(spec)
    (folder / METADATA_DIR).mkdir(parents=True)
    write_tables(folder / METADATA_DIR, spec, tracks)
    write = partial(write_clip, spec, audio_dir=folder / AUDIO_DIR)
    if workers == 1:
        for track in tracks:
            write(track)
    else:
        with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
            try:
                list(pool.map(write, tracks))
            finally:  # on a full disk there is no use in the remaining clips
                pool.shutdown(cancel_futures=True)
    stamp = json.dumps(_stamp(spec), indent=2)
    (folder / _STAMP).write_text(f"{stamp}\n", encoding="utf-8")


def _stamp(spec: CorpusSpec) -> dict[str, object]:
    """Returns what tells one corpus from another."""
    digest = sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    return {"spec": asdict(spec), "generator_sha256": digest.hexdigest()}
