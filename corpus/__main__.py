"""The command line: ``python -m corpus --output-dir DIR``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from common.terminal import replace_unencodable, visible
from corpus.catalogue import build_catalogue
from corpus.spec import CorpusSpec
from corpus.styles import GENRES
from corpus.writer import CorpusError, is_current, write_corpus


class _OneLineParser(argparse.ArgumentParser):
    """A parser that refuses with a single line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, visible(f"corpus: {message}") + "\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes a corpus and returns the exit status; exits with 2 if it cannot."""
    replace_unencodable()
    parser = _parser()
    flags = parser.parse_args(arguments)
    if flags.workers < 1:
        parser.error(f"workers must be positive, got {flags.workers}")
    try:
        spec = CorpusSpec(flags.seed, flags.clips_per_genre, flags.clip_seconds)
        target = flags.output_dir.resolve()
        if is_current(spec, target) and not flags.force:
            print(visible(f"{target} already holds this corpus; it is left as it is."))
        else:
            write_corpus(spec, target, flags.workers, force=flags.force)
            print(visible(_summary(spec, target)))
    except (CorpusError, ValueError) as error:
        parser.error(str(error))
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        parser.error(f"it could not be written: {error.strerror or error}{where}")
    except KeyboardInterrupt:
        print("corpus: interrupted; nothing was written", file=sys.stderr)
        return 130
    return 0


def _summary(spec: CorpusSpec, folder: Path) -> str:
    tracks = build_catalogue(spec)
    faults = sum(track.fault is not None for track in tracks)
    artists = len({track.artist.artist_id for track in tracks})
    return (
        f"{len(tracks) - faults} clips of {len(GENRES)} genres by {artists} artists and "
        f"{faults} planted faults in {folder}."
    )


def _parser() -> argparse.ArgumentParser:
    parser = _OneLineParser(
        prog="python -m corpus",
        allow_abbrev=False,
        description="Write synthetic music of eight genres in the shape of FMA's fma_small.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    spec = CorpusSpec()
    add = parser.add_argument
    add("--output-dir", type=Path, required=True, help="folder of the corpus")
    add("--seed", type=int, default=spec.seed, help="random seed")
    add("--clips-per-genre", type=int, default=spec.clips_per_genre, help="from 6 to 1000")
    add("--clip-seconds", type=float, default=spec.clip_seconds, help="from 2 to 120")
    add("--workers", type=int, default=os.cpu_count() or 1, help="processes")
    add("--force", action="store_true", help="replace a corpus that is there")
    return parser


if __name__ == "__main__":
    sys.exit(main())
