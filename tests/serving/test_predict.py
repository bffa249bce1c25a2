"""From real files to scores, with a real SavedModel."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from common.errors import InputError
from dataset.audio import sandbox
from dataset.audio.decoding import decode_clip
from dataset.bad_files import FaultKind
from dataset.config import AudioConfig
from serving import model, predict, timeline
from serving.predict import Answer
from serving.songs import Song
from tests.dataset.audio.sounds import encode, encode_with_ffmpeg
from tests.dataset.test_to_wav import child_with
from tests.serving.conftest import RATE_HZ, tone


def answers(
    serving_model: Path, folder: Path, files: dict[str, bytes], *, whole: bool = False
) -> dict[str, Answer]:
    """Write the files and return what is said of them, by name."""
    songs = []
    for name, data in files.items():
        (folder / name).write_bytes(data)
        songs.append(Song(str(folder / name)))
    found = list(predict.predict(songs, model.find(serving_model), 2, whole=whole))
    assert [answer.path for answer in found] == [song.path for song in songs]
    return dict(zip(files, found, strict=True))


def test_the_scores_are_those_of_the_signatures_called_by_hand(
    serving_model: Path, tmp_path: Path
) -> None:
    low, high = tone(200, 3), tone(3_000, 3)
    files = {
        "a.mp3": encode(low, RATE_HZ, container="MP3"),
        "b.flac": encode(high, RATE_HZ, container="FLAC"),
        "c.m4a": encode_with_ffmpeg(high, RATE_HZ, "aac", "mp4"),
        "d.wav": encode(low[:, :1], 22_050),
    }
    loaded = tf.saved_model.load(str(serving_model / "100"))
    found = answers(serving_model, tmp_path, files)
    for name, data in files.items():
        example = tf.train.Example()
        pcm16 = decode_clip(data, AudioConfig()).pcm16
        example.features.feature["audio"].bytes_list.value.append(pcm16.tobytes())
        serialized = tf.constant([example.SerializeToString()])
        expected = loaded.signatures["serving_default"](examples=serialized)
        genres = [genre.decode() for genre in expected["classes"][0].numpy()]
        assert list(found[name].scores) == genres
        np.testing.assert_allclose(
            list(found[name].scores.values()), expected["scores"][0], atol=1e-6
        )
    by_wav = loaded.signatures["predict_wav"](wav=tf.constant([files["d.wav"]]))
    np.testing.assert_allclose(list(found["d.wav"].scores.values()), by_wav["scores"][0], atol=1e-4)
    assert [found[name].genre for name in ("a.mp3", "b.flac", "c.m4a")] == ["low", "high", "high"]


def test_the_middle_of_a_song_is_listened_to(serving_model: Path, tmp_path: Path) -> None:
    song = np.concatenate([tone(200, 10), tone(3_000, 30), tone(200, 10)])
    answer = answers(serving_model, tmp_path, {"a.flac": encode(song, RATE_HZ, container="FLAC")})
    assert answer["a.flac"].genre == "high"
    assert answer["a.flac"].seconds == pytest.approx(50)
    assert answer["a.flac"].used == pytest.approx((10, 40))


@pytest.mark.parametrize("whole", [False, True])
def test_what_ingestion_refuses_is_refused_for_the_same_reason(
    serving_model: Path, tmp_path: Path, whole: bool
) -> None:
    files = {
        "short.wav": encode(tone(200, 0.5), RATE_HZ),
        "text.mp3": b"this is no music\n" * 99,
        "good.wav": encode(tone(200, 2), RATE_HZ),
        "silent.flac": encode(tone(200, 3) * 0, RATE_HZ, container="FLAC"),
        "empty.ogg": b"",
    }
    found = answers(serving_model, tmp_path, files, whole=whole)
    kinds = {name: answer.fault and answer.fault.kind for name, answer in found.items()}
    assert kinds == {
        "short.wav": FaultKind.TOO_SHORT,
        "text.mp3": FaultKind.UNDECODABLE,
        "good.wav": None,
        "silent.flac": FaultKind.SILENT,
        "empty.ogg": FaultKind.EMPTY_FILE,
    }
    assert found["short.wav"].error == "too_short: 0.50 s, at least 1 s are needed"
    assert (found["good.wav"].genre, found["short.wav"].genre) == ("low", None)


@pytest.mark.parametrize(
    ("does", "expected"),
    [("os.abort()", FaultKind.CRASHED), ("time.sleep(600)", FaultKind.TIMED_OUT)],
)
def test_a_hostile_file_costs_no_other_its_answer(
    serving_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    does: str,
    expected: FaultKind,
) -> None:
    command = child_with(f"""
real = child.decode_clip
def decode_or_not(data, audio):
    if data.startswith(b"hostile"):
        {does}
    return real(data, audio)
child.decode_clip = decode_or_not
""")
    monkeypatch.setattr(sandbox, "_COMMAND", command)
    monkeypatch.setattr(predict, "_CLIP_LIMIT_SECONDS", 5.0)
    good = encode(tone(200, 2), RATE_HZ)
    files = {"a.wav": good, "b.wav": b"hostile", "c.wav": good}
    found = answers(serving_model, tmp_path, files)
    assert [answer.genre for answer in found.values()] == ["low", None, "low"]
    assert found["b.wav"].fault and found["b.wav"].fault.kind is expected


def test_a_whole_song_is_the_mean_of_its_windows(serving_model: Path, tmp_path: Path) -> None:
    song = np.concatenate([tone(200, 40), tone(3_000, 32)])
    files = {"a.flac": encode(song, RATE_HZ, container="FLAC")}
    answer = answers(serving_model, tmp_path, files, whole=True)["a.flac"]
    assert [start for start, _ in answer.windows] == [5.0 * place for place in range(9)]
    assert max(answer.windows[0][1], key=answer.windows[0][1].__getitem__) == "low"
    assert max(answer.windows[-1][1], key=answer.windows[-1][1].__getitem__) == "high"
    for genre, score in answer.scores.items():
        assert score == pytest.approx(np.mean([scores[genre] for _, scores in answer.windows]))
    assert answer.seconds == pytest.approx(72, abs=0.01)
    assert answer.used == pytest.approx((0, 70))


def test_a_window_has_the_scores_of_a_clip_of_the_same_sound(
    serving_model: Path, tmp_path: Path
) -> None:
    files = {"a.wav": encode(tone(200, 4), RATE_HZ)}
    clip = answers(serving_model, tmp_path, files)["a.wav"]
    song = answers(serving_model, tmp_path, files, whole=True)["a.wav"]
    ((start, scores),) = song.windows
    assert (start, song.used, clip.used) == (0, pytest.approx((0, 4)), pytest.approx((0, 4)))
    np.testing.assert_allclose(list(scores.values()), list(clip.scores.values()), atol=1e-3)


def test_the_windows_of_a_very_long_song_are_wider_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wav = tmp_path / "a.wav"
    wav.write_bytes(encode(tone(200, 72)[::2, :1], 22_050))
    monkeypatch.setattr(timeline, "_MAX_STEPS", 4)
    found = [window.start_seconds for window in timeline.windows(wav, AudioConfig())]
    assert found == [0, 15, 30]


def test_a_broken_model_does_not_wait_for_the_first_song(
    serving_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(serving_model / "9", tmp_path / "1")
    (tmp_path / "1" / "saved_model.pb").write_bytes(b"no model")
    (tmp_path / "a.wav").write_bytes(b"slow")
    forever = "child.decode_clip = lambda data, audio: time.sleep(10**6)"
    monkeypatch.setattr(sandbox, "_COMMAND", child_with(forever))
    monkeypatch.setattr(predict, "_CLIP_LIMIT_SECONDS", 10.0**6)
    with pytest.raises(InputError, match="cannot load the model"):
        list(predict.predict([Song(str(tmp_path / "a.wav"))], tmp_path / "1", 1))


def test_a_failed_write_is_a_fault_of_its_song_and_leaves_nothing(
    serving_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    command = child_with("""
real = child.write_wav
def write(data, path, *how):
    real(data, path, *how)
    if data.startswith(b"fLaC"):
        raise OSError(28, "No space left on device")
child.write_wav = write
""")
    monkeypatch.setattr(sandbox, "_COMMAND", command)
    sound = tone(200, 2)
    (tmp_path / "a.flac").write_bytes(encode(sound, RATE_HZ, container="FLAC"))
    (tmp_path / "b.wav").write_bytes(encode(sound, RATE_HZ))
    songs = [Song(str(tmp_path / name)) for name in ("a.flac", "b.wav")]
    answers = predict.predict(songs, model.find(serving_model), 1, whole=True)
    failed, good = next(answers), next(answers)
    assert failed.error and "No space left on device; TMPDIR" in failed.error
    assert good.genre == "low"
    assert not list(temporary.rglob("*.wav"))
    answers.close()
    assert not list(temporary.iterdir())


def test_silent_windows_count_for_nothing(serving_model: Path, tmp_path: Path) -> None:
    song = np.concatenate([tone(200, 18), tone(200, 42) * 0])
    files = {"a.flac": encode(song, RATE_HZ, container="FLAC")}
    answer = answers(serving_model, tmp_path, files, whole=True)["a.flac"]
    assert [start for start, _ in answer.windows] == [0, 5, 10, 15]
    assert answer.used == pytest.approx((0, 45))
