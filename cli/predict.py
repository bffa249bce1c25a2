"""`music-genre predict`: the genre of songs."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from common.errors import InputError
from common.exit_status import SOME_FAILED
from common.terminal import print_error, visible

if TYPE_CHECKING:
    from serving.predict import Answer

# Each may take 2 GiB.
_MAX_WORKERS = 8
_UNFOLDED_WIDTH = 10_000

_EPILOG = """examples:
  music-genre predict song.mp3
  music-genre predict ~/Music/new --model output/small/serving_model
  music-genre predict long_mix.flac --timeline
  music-genre predict ~/Music/new --json > genres.json
  ffmpeg -i film.mkv -f wav - | music-genre predict -
  music-genre predict ~/Music/new --write-tags 0.8

Exit status: 0 all answered, 4 some files failed, which are named on stderr, 2 usage or bad input,
1 a fault of the program, 130 interrupted.
"""


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of the command."""
    parser.description = (
        "Tell the genre of songs with a model that a run has pushed. Any format is read that the\n"
        "pipeline reads. The model listens to the middle of a song, as long as its training clips."
    )
    parser.epilog = _EPILOG
    parser.add_argument(
        "paths", nargs="+", metavar="FILE|FOLDER", help="songs; - for one on standard input"
    )
    parser.add_argument(
        "--model", type=Path, metavar="DIR",
        help="a version of a model, or a serving_model/ folder, of which the newest is used "
        "(default: the newest in output/*/serving_model)",
    )  # fmt: skip
    parser.add_argument(
        "--timeline", action="store_true",
        help="score windows along the whole song, one every 5 s or, if it is very long, fewer, "
        "and average them",
    )  # fmt: skip
    formats = parser.add_mutually_exclusive_group()
    formats.add_argument(
        "--json", action="store_true", help="print a list of path, genre, scores, seconds, error"
    )
    formats.add_argument("--csv", action="store_true", help="print these as a table for programs")
    parser.add_argument(
        "--write-tags", type=_share, metavar="CONFIDENCE",
        help="write the genre into the tags of each file whose highest score is at least this, "
        "from 0 to 1 (default: change no file)",
    )  # fmt: skip


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"must be a number from 0 to 1, got {text!r}")
    return value


def run(flags: argparse.Namespace) -> int:
    """Prints the answers and returns the exit status."""
    if flags.csv and flags.timeline:
        raise InputError("--timeline goes with --json or the table, not with --csv")
    # Only now what takes a second to import.
    from cli import progress_bar
    from serving import model
    from serving.predict import predict
    from serving.songs import find_songs

    folder = model.find(flags.model) if flags.model else model.find_pushed(Path("output"))
    songs = find_songs(flags.paths)
    workers = min(len(os.sched_getaffinity(0)), _MAX_WORKERS)
    found: list[Answer] = []
    untagged: dict[str, str] = {}
    title = f"classifying with {folder}"
    try:
        with progress_bar.of_files(title, len(songs), 0, on_stderr=True) as advance:
            for answer in predict(songs, folder, workers, whole=flags.timeline):
                found.append(answer)
                advance(1)
        if flags.write_tags is not None:
            _write_tags(found, flags.write_tags, untagged)
    finally:  # after Ctrl-C, too, what was found is not lost
        answers = [answer for answer in found if answer.is_of_audio]
        if answers:
            _print(answers, flags)
            _print_errors(found, untagged)
    if not answers:
        raise InputError(f"there is no audio in {', '.join(flags.paths)}")
    return SOME_FAILED if untagged or any(answer.fault for answer in answers) else 0


def _print_errors(found: list[Answer], untagged: dict[str, str]) -> None:
    for answer in found:
        if reason := answer.error or untagged.get(answer.path):
            print_error(f"music-genre predict: {answer.path}: {reason}")


def _print(answers: list[Answer], flags: argparse.Namespace) -> None:
    from cli import answers as formats

    try:
        if flags.json:
            print(formats.to_json(answers, with_windows=flags.timeline))
        elif flags.csv:
            _print_csv(formats.to_csv(answers))
        elif any(answer.scores for answer in answers):
            _print_table(answers)
        sys.stdout.flush()
    except BrokenPipeError:  # who reads has enough, such as head; Python would flush once more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _print_csv(text: str) -> None:
    """Prints it for a program byte for byte, for a terminal without control characters."""
    if sys.stdout.isatty():
        print(visible(text), end="")
    else:
        sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))


def _print_table(answers: list[Answer]) -> None:
    from cli import answers as formats
    from common.console import PlainConsole

    console = PlainConsole()
    if not console.is_terminal:
        console.width = _UNFOLDED_WIDTH
    console.print(formats.to_table(answers, "#" if console.options.ascii_only else "█"))


def _write_tags(answers: list[Answer], confidence: float, untagged: dict[str, str]) -> None:
    """Writes the genres that are sure enough; adds the reason for each file without."""
    from dataset.audio.sandbox import Decoder
    from dataset.config import AudioConfig
    from dataset.splits.wording import plural
    from serving.predict import SONG_LIMIT_SECONDS
    from serving.songs import STDIN
    from serving.tags import TagError, write_genre

    written = 0
    with Decoder(AudioConfig(), SONG_LIMIT_SECONDS) as decoder:
        for answer in answers:
            for genre, score in answer.best(1):
                if score < confidence:
                    continue
                try:
                    if answer.path == STDIN:
                        raise TagError("standard input is no file")
                    write_genre(Path(answer.path), genre, decoder)
                    written += 1
                except TagError as error:
                    untagged[answer.path] = f"its tags are not written: {error}"
    print_error(f"music-genre predict: the genre is in the tags of {plural(written, 'file')}")
