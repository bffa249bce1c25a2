"""One pass over the raw Examples: what is counted of all clips, and what is kept of a few."""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from common import progress
from dataset.config import AudioConfig
from features import example_keys
from report.data import Clip
from report.media import excerpt_uri, spectrogram_uri

EXAMPLE_SPLIT, JUDGED_SPLIT = "train", "test"
EXAMPLE_SECONDS, MISTAKE_SECONDS = 5.0, 10.0
_FEW_GENRES = 8  # up to as many there are two examples of each
_LONGEST_TEXT = 200  # characters of a title, a name or a licence


@dataclasses.dataclass(frozen=True)
class Survey:
    """What the splits hold.

    Attributes:
        clips: for each split, for each genre, the number of clips.
        artists: likewise the ids of the artists; a clip without one counts as an artist's own.
        seconds: for each split the length of all clips.
        examples: clips to look at, by genre.
        mistakes: clips to listen to, in the order in which they were asked for.
    """

    clips: Mapping[str, Mapping[str, int]]
    artists: Mapping[str, Mapping[str, frozenset[int]]]
    seconds: Mapping[str, float]
    examples: Sequence[Clip]
    mistakes: Sequence[Clip]


def survey(
    split_files: Mapping[str, Sequence[str]],
    mistakes: Sequence[Mapping[str, Any]],
    audio: AudioConfig,
    genres: Sequence[str],
) -> Survey:
    """Returns what the Examples hold; memory holds one clip and what is shown.

    Args:
        split_files: TFRecords of each split, GZIP.
        mistakes: `Evaluation.mistakes`.
        audio: how a clip was cut, and what its spectrogram is.
        genres: all there are.
    """
    wanted = {int(mistake["track_id"]): mistake for mistake in mistakes}
    examples_each = 2 if len(genres) <= _FEW_GENRES else 1
    clips: dict[str, Counter[str]] = {split: Counter() for split in split_files}
    artists: dict[str, dict[str, set[int]]] = {split: defaultdict(set) for split in split_files}
    seconds: dict[str, float] = dict.fromkeys(split_files, 0.0)
    examples: dict[str, list[Clip]] = {genre: [] for genre in sorted(genres)}
    heard: dict[int, Clip] = {}
    for split, paths in split_files.items():
        for raw in _records(paths):
            clip, pcm16 = _read(raw, audio)
            clips[split][clip.genre] += 1
            artists[split][clip.genre].add(_artist(clip))
            seconds[split] += clip.seconds
            if split == EXAMPLE_SPLIT and _is_welcome(clip, examples[clip.genre], examples_each):
                examples[clip.genre].append(_shown(clip, pcm16, audio, EXAMPLE_SECONDS))
            if split == JUDGED_SPLIT and clip.track_id in wanted:
                # A mistake's keys are fields of a clip, which knows best what genre it is of.
                clip = dataclasses.replace(clip, **{**wanted[clip.track_id], "genre": clip.genre})
                heard[clip.track_id] = _shown(clip, pcm16, audio, MISTAKE_SECONDS)
            progress.advance()
    return Survey(
        clips={split: dict(sorted(counts.items())) for split, counts in clips.items()},
        artists={
            split: {genre: frozenset(ids) for genre, ids in sorted(by_genre.items())}
            for split, by_genre in artists.items()
        },
        seconds=seconds,
        examples=[clip for kept in examples.values() for clip in kept],
        mistakes=[heard[track_id] for track_id in wanted if track_id in heard],
    )


def _records(paths: Sequence[str]) -> Iterator[bytes]:
    if paths:
        yield from tf.data.TFRecordDataset(list(paths), "GZIP").as_numpy_iterator()


def _read(raw: bytes, audio: AudioConfig) -> tuple[Clip, bytes]:
    """Returns what is said of a clip, and its samples as PCM16 bytes."""
    feature = tf.train.Example.FromString(raw).features.feature
    (pcm16,) = feature[example_keys.AUDIO].bytes_list.value
    clip = Clip(
        track_id=feature[example_keys.TRACK_ID].int64_list.value[0],
        artist_id=feature[example_keys.ARTIST_ID].int64_list.value[0],
        genre=feature[example_keys.GENRE].bytes_list.value[0].decode(),
        title=_text(feature[example_keys.TITLE]),
        artist=_text(feature[example_keys.ARTIST]),
        license=_text(feature[example_keys.LICENSE]),
        year=feature[example_keys.YEAR].int64_list.value[0],
        seconds=len(pcm16) / 2 / audio.sample_rate_hz,
    )
    return clip, pcm16


def _text(feature: tf.train.Feature) -> str:
    text = feature.bytes_list.value[0].decode()
    return text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + "…"


def _artist(clip: Clip) -> int:
    # A clip without an artist is bound to nobody else, as in the artist-grouped split.
    return clip.artist_id if clip.artist_id >= 0 else -1 - clip.track_id


def _is_welcome(clip: Clip, kept: Sequence[Clip], most: int) -> bool:
    """Returns whether a clip is to be an example: the first of its genre, of different artists."""
    return len(kept) < most and all(_artist(clip) != _artist(other) for other in kept)


def _shown(clip: Clip, pcm16: bytes, config: AudioConfig, excerpt_seconds: float) -> Clip:
    """Returns a clip with its spectrogram and an excerpt."""
    # Only here, for it brings librosa.
    from features import log_mel, pcm

    power = log_mel.power_spectrogram(pcm.decode_pcm16(tf.constant(pcm16)), config)
    return dataclasses.replace(
        clip,
        spectrogram=spectrogram_uri(log_mel.log_mel_image(power, config).numpy()),
        audio=excerpt_uri(np.frombuffer(pcm16, "<i2"), config.sample_rate_hz, excerpt_seconds),
    )
