"""The music itself: that genres can be told apart, but not perfectly."""

from __future__ import annotations

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
from corpus.styles import STEPS_PER_BAR, STYLES
from corpus.synthesis import synthesise

RATE_HZ = 22_050
CHANCE = 1 / len(GENRES)


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


@pytest.fixture(scope="module")
def held_out_accuracy(spec: CorpusSpec, corpus_dir: Path) -> float:
    """Return the accuracy on new artists after learning from the training clips."""
    good = [track for track in build_catalogue(spec) if track.fault is None]
    features = np.array([statistics(corpus_dir / "fma_small" / t.file_name) for t in good])
    genres = np.array([track.genre for track in good])
    training = np.array([track.artist.split == "training" for track in good])
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    model.fit(features[training], genres[training])
    return float(model.score(features[~training], genres[~training]))


def test_genres_are_learnable_from_short_clips(held_out_accuracy: float) -> None:
    assert held_out_accuracy > 3 * CHANCE


def test_genres_are_not_trivial(held_out_accuracy: float) -> None:
    assert held_out_accuracy < 1.0


@pytest.mark.parametrize("genre", GENRES)
def test_every_pattern_fills_one_bar_with_known_marks(genre: str) -> None:
    drums, harmony = STYLES[genre].drums, STYLES[genre].harmony
    patterns = [drums.kick_steps, drums.snare_steps, drums.hat_steps, drums.perc_steps]
    patterns += [harmony.chord_steps, harmony.bass_steps, harmony.lead_steps]
    for pattern in patterns:
        assert len(pattern) == STEPS_PER_BAR
        assert set(pattern) <= set("xo.")


@pytest.mark.parametrize("genre", GENRES)
def test_a_genre_sounds_in_every_half_second(genre: str) -> None:
    clip = synthesise(STYLES[genre], 8 * 22_050, 1, np.random.default_rng(0)).astype(float)
    windows = clip[:, 0].reshape(8, 22_050)
    levels = np.sqrt(np.mean(windows**2, axis=1))
    assert levels.min() > 0.05 * levels.max() > 0


@pytest.mark.parametrize(("frames", "channels"), [(0, 1), (100, 0), (100, 3)])
def test_impossible_clips_are_refused(frames: int, channels: int) -> None:
    with pytest.raises(ValueError, match="channels"):
        synthesise(STYLES["Folk"], frames, channels, np.random.default_rng(0))


def test_one_style_gives_different_clips() -> None:
    first, second = (
        synthesise(STYLES["Rock"], 22_050, 2, np.random.default_rng(seed)) for seed in (0, 1)
    )
    assert first.shape == second.shape == (22_050, 2)
    assert first.dtype == np.int16
    assert (first != second).any()
