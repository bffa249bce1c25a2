"""From songs to genres: decoded as ingestion does, scored by a SavedModel."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from concurrent import futures
from pathlib import Path

from common.errors import InputError
from dataset.audio.decoding import Clip
from dataset.audio.pool import decode_each
from dataset.audio.sandbox import Decoder
from dataset.bad_files import AudioError, FaultKind
from dataset.config import AudioConfig
from serving import timeline
from serving.model import GenreModel, audio_config
from serving.songs import Song

# For a clip as in ingestion; for a whole song, which may last for hours, as in to-wav.
_CLIP_LIMIT_SECONDS, SONG_LIMIT_SECONDS = 60.0, 600.0
# Of windows, which are 1.3 MB each.
_BATCH_SIZE = 8

Scores = Mapping[str, float]


@dataclasses.dataclass(frozen=True)
class Answer:
    """What is said of a song.

    Attributes:
        path: of the file, `-` for standard input.
        scores: by genre, which sum to 1; none where it failed.
        seconds: length of the whole song, None where it failed.
        used: seconds at which the part starts and ends that was listened to.
        fault: why it failed.
        windows: with a timeline, the second at which each window starts, and its scores.
    """

    path: str
    scores: Scores = dataclasses.field(default_factory=dict)
    seconds: float | None = None
    used: tuple[float, float] = (0.0, 0.0)
    fault: AudioError | None = None
    windows: Sequence[tuple[float, Scores]] = ()

    @property
    def genre(self) -> str | None:
        """The genre of the highest score, None where it failed."""
        return max(self.scores, key=self.scores.__getitem__, default=None)

    def best(self, count: int) -> list[tuple[str, float]]:
        """Returns the `count` highest scores, the highest first."""
        return sorted(self.scores.items(), key=lambda pair: -pair[1])[:count]

    @property
    def is_of_audio(self) -> bool:
        """Whether the file is what it should be, be it damaged; others are in folders of music."""
        return self.fault is None or self.fault.kind is not FaultKind.NOT_AUDIO

    @property
    def error(self) -> str | None:
        """Kind and detail of the fault, None if the song was answered."""
        return f"{self.fault.kind.value}: {self.fault.detail}" if self.fault else None


def predict(
    songs: Sequence[Song], model_folder: Path, workers: int, *, whole: bool = False
) -> Iterator[Answer]:
    """Yields an answer for each song, in their order.

    Songs are decoded while the model is loaded, each in a process of bounded time and memory.

    Args:
        songs: to classify.
        model_folder: of the SavedModel.
        workers: processes that decode.
        whole: scores windows along the whole song, and averages them; else its middle.

    Raises:
        InputError: where the model cannot be used.
    """
    audio = audio_config(model_folder)
    limit_seconds = SONG_LIMIT_SECONDS if whole else _CLIP_LIMIT_SECONDS
    decoders = [Decoder(audio, limit_seconds) for _ in range(min(workers, len(songs)))]
    with _temporary_folder() if whole else contextlib.nullcontext("") as folder:

        def decode(song: Song, decoder: Decoder) -> Clip | Path | AudioError:
            try:
                if whole:
                    return _write_wav(song.read(), decoder, audio, Path(folder))
                return decoder.decode(song.read())
            except AudioError as error:
                return error

        with (
            futures.ThreadPoolExecutor(1) as loader,
            decode_each(decode, songs, decoders, max_ahead=2 * len(decoders)) as decoded,
        ):
            model = loader.submit(GenreModel, model_folder).result()
            for song, found in zip(songs, decoded, strict=True):
                yield _answer(song, found, model, audio)


@contextlib.contextmanager
def _temporary_folder() -> Iterator[str]:
    try:
        folder = tempfile.TemporaryDirectory(prefix="music-genre-", ignore_cleanup_errors=True)
    except OSError as error:
        raise InputError(
            f"cannot write temporary files: {error.strerror}; TMPDIR chooses another place"
        ) from error
    with folder as name:
        yield name


def _write_wav(data: bytes, decoder: Decoder, audio: AudioConfig, folder: Path) -> Path:
    """Returns the path of a whole song as a wav, which holds the disk rather than memory."""
    path = folder / f"{uuid.uuid4()}.wav"
    try:
        decoder.write_wav(data, path, audio.sample_rate_hz, mono=True)
    except OSError as error:
        path.unlink(missing_ok=True)
        detail = f"cannot write to {folder}: {error.strerror}; TMPDIR chooses another place"
        raise AudioError(FaultKind.UNREADABLE, detail) from error
    except AudioError:
        path.unlink(missing_ok=True)
        raise
    return path


def _answer(
    song: Song, found: Clip | Path | AudioError, model: GenreModel, audio: AudioConfig
) -> Answer:
    try:
        if isinstance(found, AudioError):
            raise found
        if isinstance(found, Path):
            return _of_song(song.path, found, model, audio)
        return _of_clip(song.path, found, model, audio)
    except AudioError as error:
        return Answer(song.path, fault=song.reclassified(error))
    finally:
        if isinstance(found, Path):
            found.unlink()


def _of_clip(path: str, clip: Clip, model: GenreModel, audio: AudioConfig) -> Answer:
    (scores,) = model.scores([clip.pcm16])
    used = len(clip.pcm16) / audio.sample_rate_hz
    start = max(0.0, (clip.duration_seconds - used) / 2)
    return Answer(path, scores, clip.duration_seconds, (start, start + used))


def _of_song(path: str, wav: Path, model: GenreModel, audio: AudioConfig) -> Answer:
    found: list[tuple[float, Scores]] = []
    stretches = timeline.windows(wav, audio)
    while batch := list(itertools.islice(stretches, _BATCH_SIZE)):
        scores = model.scores([window.pcm16 for window in batch])
        found += zip((window.start_seconds for window in batch), scores, strict=True)
    mean = {genre: sum(scores[genre] for _, scores in found) / len(found) for genre in found[0][1]}
    seconds = timeline.seconds_of(wav)
    end = min(seconds, found[-1][0] + audio.clip_seconds)
    return Answer(path, mean, seconds, (found[0][0], end), windows=found)
