"""The music itself: that genres can be told apart, but not perfectly."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from corpus import GENRES, CorpusSpec, build_catalogue
from corpus.composition import PARTS, STEPS_PER_BAR, compose
from corpus.styles import STYLES
from corpus.synthesis import synthesise

RATE_HZ = 22_050


def statistics(path: Path) -> NDArray[np.float64]:
    """Return means and deviations of MFCC, chroma and contrast of a clip."""
    samples, _ = soundfile.read(path, dtype="float32", always_2d=True)
    power = np.abs(librosa.stft(samples.mean(axis=1)[::2])) ** 2
    mel = librosa.feature.melspectrogram(S=power, sr=RATE_HZ)
    features = np.vstack(
        [
            librosa.feature.mfcc(S=librosa.power_to_db(mel)),
            librosa.feature.chroma_stft(S=power, sr=RATE_HZ, tuning=0.0),
            librosa.feature.spectral_contrast(S=np.sqrt(power), sr=RATE_HZ),
        ]
    )
    return np.concatenate([features.mean(axis=1), features.std(axis=1)])


def test_genres_of_new_artists_are_recognized_but_not_always(
    spec: CorpusSpec, corpus_dir: Path
) -> None:
    good = [track for track in build_catalogue(spec) if track.fault is None]
    features = np.array([statistics(corpus_dir / "fma_small" / t.file_name) for t in good])
    genres = np.array([track.genre for track in good])
    training = np.array([track.artist.split == "training" for track in good])
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    model.fit(features[training], genres[training])
    assert 3 / len(GENRES) < model.score(features[~training], genres[~training]) < 1.0


def test_swing_delays_every_other_step_and_nothing_else() -> None:
    straight, swung = (
        compose(replace(STYLES["Pop"], swing=swing, bpm=(60, 60)), 8.0, np.random.default_rng(0))
        for swing in (0.0, 0.5)
    )
    late_s = [b.start_s - a.start_s for a, b in zip(straight, swung, strict=True)]
    # A step is a quarter of a second.
    assert {round(seconds, 6) for seconds in late_s} == {0.0, 0.125}
    assert len(late_s) > 50


@pytest.mark.parametrize("genre", GENRES)
def test_every_pattern_fills_one_bar_with_known_marks(genre: str) -> None:
    for part in PARTS:
        pattern = getattr(STYLES[genre], part).pattern
        assert len(pattern) == STEPS_PER_BAR
        assert set(pattern) <= set("xo.")


@pytest.mark.parametrize("genre", GENRES)
def test_a_genre_sounds_in_every_half_second(genre: str) -> None:
    clip = synthesise(STYLES[genre], 8 * 22_050, 1, np.random.default_rng(0)).astype(float)
    windows = clip[:, 0].reshape(8, 22_050)
    levels = np.sqrt(np.mean(windows**2, axis=1))
    assert levels.min() > 0.05 * levels.max() > 0
