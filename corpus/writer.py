"""A whole corpus on disk: built aside, then moved into place in one step."""

from __future__ import annotations

import json
import multiprocessing
import shutil
import tempfile
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict
from enum import Enum
from functools import partial
from hashlib import sha256
from pathlib import Path

from corpus.catalogue import Track, build_catalogue
from corpus.clips import write_clip
from corpus.metadata import write_genres_csv, write_tracks_csv
from corpus.spec import CorpusSpec

AUDIO_DIR = "fma_small"
METADATA_DIR = "fma_metadata"
STAMP_FILE = "corpus.json"


class CorpusError(Exception):
    """A corpus cannot be written; the message is one sentence for the user."""


class CorpusState(Enum):
    """What is to be found where a corpus should go."""

    ABSENT = "nothing, or an empty folder"
    CURRENT = "the very corpus that is wanted, complete"
    OTHER = "a corpus of another spec or generator, or a damaged one"
    FOREIGN = "something that is not a corpus"


def write_corpus(
    spec: CorpusSpec, output_dir: Path, workers: int = 1, *, force: bool = False
) -> Path:
    """Write a corpus and return its folder; one that is there already is left as it is.

    Args:
        spec: What to write.
        output_dir: Folder of the corpus, made with its parents.
        workers: Processes that synthesise clips; the bytes do not depend on it.
        force: Replace an existing corpus, whatever its spec, but never anything else.

    Raises:
        ValueError: If there is less than one worker.
        CorpusError: If something else is in the way or a worker process dies.
        OSError: If the disk is full or the folder cannot be written.
    """
    if workers < 1:
        raise ValueError(f"At least one worker is needed, but {workers} are asked for.")
    target = Path(output_dir).resolve()
    state = corpus_state(spec, target)
    if state is CorpusState.CURRENT and not force:
        return target
    _require_replaceable(state, target, force)
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{target.name}.partial-", dir=target.parent))
    try:
        _build(spec, aside / "new", workers)
        _move_into_place(aside / "new", target, aside / "old")
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return target


def corpus_state(spec: CorpusSpec, output_dir: Path) -> CorpusState:
    """Return what is in a folder, seen from a spec.

    Raises:
        OSError: If the folder cannot be read.
    """
    if not output_dir.exists():
        return CorpusState.ABSENT
    if not output_dir.is_dir():
        return CorpusState.FOREIGN
    if not any(output_dir.iterdir()):
        return CorpusState.ABSENT
    stamp = output_dir / STAMP_FILE
    if not stamp.is_file():
        return CorpusState.FOREIGN
    try:
        found = json.loads(stamp.read_text(encoding="utf-8"))
    except ValueError:
        return CorpusState.FOREIGN
    if not (isinstance(found, dict) and {"spec", "generator_sha256"} <= found.keys()):
        return CorpusState.FOREIGN
    return CorpusState.CURRENT if found == _stamp(spec, output_dir) else CorpusState.OTHER


def corpus_bytes(output_dir: Path) -> int:
    """Return the size of a corpus in bytes, its stamp left out."""
    return sum(path.stat().st_size for path in _content(output_dir))


def _require_replaceable(state: CorpusState, target: Path, force: bool) -> None:
    if state is CorpusState.FOREIGN:
        raise CorpusError(
            f"{target} holds something that is not a corpus; choose another --output-dir."
        )
    if state is CorpusState.OTHER and not force:
        raise CorpusError(
            f"{target} holds a different or damaged corpus; "
            "use --force to replace it or choose another --output-dir."
        )


def _move_into_place(fresh: Path, target: Path, retired: Path) -> None:
    if target.exists():
        target.rename(retired)
    try:
        fresh.rename(target)
    except OSError:
        # The old corpus is better than none.
        if retired.exists():
            retired.rename(target)
        raise


def _build(spec: CorpusSpec, folder: Path, workers: int) -> None:
    tracks = build_catalogue(spec)
    metadata_dir = folder / METADATA_DIR
    metadata_dir.mkdir(parents=True)
    write_tracks_csv(metadata_dir / "tracks.csv", spec, tracks)
    write_genres_csv(metadata_dir / "genres.csv", tracks)
    _write_clips(spec, tracks, folder / AUDIO_DIR, min(workers, len(tracks)))
    stamp = json.dumps(_stamp(spec, folder), indent=2)
    (folder / STAMP_FILE).write_text(stamp + "\n", encoding="utf-8")


def _write_clips(spec: CorpusSpec, tracks: list[Track], audio_dir: Path, workers: int) -> None:
    write = partial(write_clip, spec, audio_dir=audio_dir)
    if workers == 1:
        for track in tracks:
            write(track)
        return
    spawning = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=spawning)
    try:
        for _ in pool.map(write, tracks):
            pass
    except BrokenProcessPool as error:
        raise CorpusError(
            "A worker process died, perhaps for want of memory; try fewer --workers."
        ) from error
    finally:
        # After a full disk there is no use in synthesising the remaining clips.
        pool.shutdown(wait=True, cancel_futures=True)


def _stamp(spec: CorpusSpec, folder: Path) -> dict[str, object]:
    """Return what tells one corpus from another and a whole one from a damaged one."""
    return {
        "spec": asdict(spec),
        "generator_sha256": _generator_digest(),
        "files": len(_content(folder)),
        "bytes": corpus_bytes(folder),
    }


def _content(folder: Path) -> list[Path]:
    return [
        path
        for part in (AUDIO_DIR, METADATA_DIR)
        for path in sorted((folder / part).rglob("*"))
        if path.is_file()
    ]


def _generator_digest() -> str:
    digest = sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    return digest.hexdigest()
