"""The command line: ``python -m corpus --output-dir DIR``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from common.terminal import complain, replace_unencodable, visible
from corpus.catalogue import build_catalogue
from corpus.spec import CorpusSpec
from corpus.styles import GENRES
from corpus.writer import CorpusError, CorpusState, corpus_bytes, corpus_state, write_corpus

USAGE_ERROR = 2
INTERRUPTED = 130


class _OneLineParser(argparse.ArgumentParser):
    """A parser whose complaint is a single line, without the usage text."""

    def error(self, message: str) -> NoReturn:
        self.exit(USAGE_ERROR, visible(f"corpus: {message}") + "\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Write a corpus as the command line asks and return the exit status.

    Status 2 means that nothing was written, for the reason printed in one line on stderr.
    """
    replace_unencodable()
    options = _parser().parse_args(arguments)
    try:
        print(visible(_run(options)))
    except (CorpusError, ValueError) as error:
        return _complain(str(error))
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        return _complain(f"The corpus could not be written: {error.strerror or error}{where}.")
    except KeyboardInterrupt:
        _complain("Interrupted; nothing was written.")
        return INTERRUPTED
    return 0


def _run(options: argparse.Namespace) -> str:
    spec = CorpusSpec(options.seed, options.clips_per_genre, options.clip_seconds)
    target = options.output_dir.resolve()
    if corpus_state(spec, target) is CorpusState.CURRENT and not options.force:
        return f"{target} already holds this corpus; it is left as it is."
    return _summary(spec, write_corpus(spec, target, options.workers, force=options.force))


def _summary(spec: CorpusSpec, folder: Path) -> str:
    tracks = build_catalogue(spec)
    faults = sum(track.fault is not None for track in tracks)
    artists = len({track.artist.artist_id for track in tracks})
    return (
        f"{len(tracks) - faults} clips of {len(GENRES)} genres by {artists} artists and "
        f"{faults} planted faults, {corpus_bytes(folder) / 1e6:.1f} MB, in {folder}."
    )


def _complain(sentence: str) -> int:
    complain(f"corpus: {sentence}")
    return USAGE_ERROR


def _parser() -> argparse.ArgumentParser:
    parser = _OneLineParser(
        prog="python -m corpus",
        allow_abbrev=False,
        description="Write synthetic music of eight genres in the shape of FMA's fma_small.",
    )
    standard = CorpusSpec()
    parser.add_argument("--output-dir", type=Path, required=True, help="folder of the corpus")
    parser.add_argument("--seed", type=int, default=standard.seed)
    parser.add_argument("--clips-per-genre", type=int, default=standard.clips_per_genre)
    parser.add_argument("--clip-seconds", type=float, default=standard.clip_seconds)
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count() or 1, help="processes (default: all cores)"
    )
    parser.add_argument(
        "--force", action="store_true", help="replace a corpus that is already in the folder"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
