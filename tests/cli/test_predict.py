"""`music-genre predict` as people and programs meet it."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mutagen
import pytest

from cli.main import main
from common.exit_status import BAD_INPUT, INTERRUPTED, SOME_FAILED
from serving.model import GenreModel
from tests.cli.refusals import ROOT
from tests.dataset.audio.sounds import encode
from tests.serving.conftest import (  # noqa: F401 - fixtures
    RATE_HZ,
    serving_model,
    tone,
    transformed,
)

KEYS = ["path", "genre", "scores", "seconds", "error"]

Predict = Callable[..., tuple[int, str, str]]


@pytest.fixture
def predict(serving_model: Path, capfd: pytest.CaptureFixture[str]) -> Predict:  # noqa: F811
    """Return a run of the command that returns its exit status, stdout and stderr."""

    def run(*words: object) -> tuple[int, str, str]:
        status = main(["predict", *map(str, words), "--model", str(serving_model)])
        return status, *capfd.readouterr()

    return run


@pytest.fixture
def songs(tmp_path: Path) -> Path:
    """Return a folder of two songs, a text that is called one, and a picture."""
    folder = tmp_path / "songs"
    folder.mkdir()
    (folder / "a low.mp3").write_bytes(encode(tone(200, 3), RATE_HZ, container="MP3"))
    (folder / "b.flac").write_bytes(encode(tone(3_000, 2), RATE_HZ, container="FLAC"))
    (folder / "c.mp3").write_text("no music\n" * 99)
    (folder / "cover.jpg").write_bytes(b"a picture")
    return folder


def test_json_has_an_object_for_each_song_and_nothing_else_is_on_stdout(
    predict: Predict, songs: Path
) -> None:
    status, out, err = predict(songs, "--json")
    found = json.loads(out)
    assert status == SOME_FAILED
    assert [list(answer) for answer in found] == [KEYS] * 3
    paths = [answer["path"] for answer in found]
    assert paths == [str(songs / name) for name in ("a low.mp3", "b.flac", "c.mp3")]
    assert [answer["genre"] for answer in found] == ["low", "high", None]
    for answer in found[:2]:
        assert set(answer["scores"]) == {"low", "high", "noise"}
        assert sum(answer["scores"].values()) == pytest.approx(1, abs=1e-5)
        assert answer["error"] is None
    assert found[0]["seconds"] == pytest.approx(3, abs=0.1)
    assert (found[2]["scores"], found[2]["seconds"]) == ({}, None)
    assert found[2]["error"].startswith("undecodable: ")
    assert f"{songs / 'c.mp3'}: {found[2]['error']}" in err


def test_a_timeline_is_one_more_key(predict: Predict, songs: Path) -> None:
    status, out, _ = predict(songs / "a low.mp3", "--json", "--timeline")
    (answer,) = json.loads(out)
    assert (status, list(answer)) == (0, [*KEYS, "timeline"])
    ((start, scores),) = [tuple(window.values()) for window in answer["timeline"]]
    assert (start, scores) == (0, answer["scores"])


def test_csv_has_a_row_for_each_song_and_a_column_for_each_genre(
    predict: Predict, songs: Path
) -> None:
    odd = songs / 'd\r"é,.wav'
    odd.write_bytes(encode(tone(200, 2), RATE_HZ))
    status, out, _ = predict(songs, "--csv")
    rows = list(csv.DictReader(io.StringIO(out, newline="")))
    assert status == SOME_FAILED
    columns = {"path", "genre", "seconds", "error", "score:low", "score:high", "score:noise"}
    assert all(set(row) == columns for row in rows)
    assert [row["genre"] for row in rows] == ["low", "high", "", "low"]
    assert rows[3]["path"] == str(odd)
    assert float(rows[0]["score:low"]) > 0.5
    assert rows[2]["score:low"] == rows[2]["seconds"] == ""


def test_people_see_the_best_genres_and_which_part_was_used(predict: Predict, songs: Path) -> None:
    status, out, err = predict(songs)
    assert status == SOME_FAILED
    for text in (str(songs / "a low.mp3"), "low", "high", "noise", "█", "0:00 to 0:02 of 0:02"):
        assert text in out  # unfolded, for no terminal has a width here
    assert "c.mp3" not in out
    assert "c.mp3: undecodable: " in err
    status, out, _ = predict(songs / "b.flac", "--timeline")
    assert (status, "mean of 1" in out) == (0, True)


def test_standard_input_is_a_song_and_neither_tfx_nor_beam_is_loaded(
    serving_model: Path,  # noqa: F811
    songs: Path,
) -> None:
    words = ["predict", "-", "--json", "--model", str(serving_model)]
    script = f"""
import sys
from cli.main import main
status = main({words!r})
ours = {{"tfx", "apache_beam", "tensorflow_transform", "models.saved_model", "mutagen"}}
assert not ours & sys.modules.keys(), ours & sys.modules.keys()
sys.exit(status)
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=(songs / "b.flac").read_bytes(),
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    (answer,) = json.loads(done.stdout)
    assert (answer["path"], answer["genre"]) == ("-", "high")


def test_no_file_is_changed_without_the_flag_and_with_it_only_sure_ones(
    predict: Predict, songs: Path
) -> None:
    both = tone(200, 2) / 2 + tone(3_000, 2) / 2
    (songs / "d.flac").write_bytes(encode(both, RATE_HZ, container="FLAC"))
    before = {path: path.read_bytes() for path in songs.iterdir()}
    answers = json.loads(predict(songs, "--json")[1])
    assert all(path.read_bytes() == data for path, data in before.items())
    highest = {Path(one["path"]): max(one["scores"].values()) for one in answers if one["scores"]}
    threshold = (min(highest.values()) + max(highest.values())) / 2
    predict(songs, "--write-tags", threshold)
    changed = {path for path, data in before.items() if path.read_bytes() != data}
    assert changed == {path for path, score in highest.items() if score > threshold}
    assert 0 < len(changed) < len(highest)
    status, out, err = predict(songs, "--write-tags", "0.4", "--json")
    assert (status, len(json.loads(out))) == (SOME_FAILED, 4)
    assert "tags of 3 files" in err
    genres = [mutagen.File(songs / name, easy=True)["genre"] for name in ("a low.mp3", "b.flac")]
    assert genres == [["low"], ["high"]]
    assert sorted(os.listdir(songs)) == sorted(path.name for path in before)


def test_a_file_whose_format_has_no_tags_is_named(predict: Predict, tmp_path: Path) -> None:
    song = tmp_path / "a.au"
    song.write_bytes(encode(tone(200, 2), RATE_HZ, container="AU"))
    status, out, err = predict(song, "--write-tags", "0", "--json")
    assert (status, json.loads(out)[0]["genre"]) == (SOME_FAILED, "low")
    assert f"{song}: its tags are not written: its format has no tags" in err


def test_what_in_a_folder_is_no_audio_is_told_but_is_no_failure(
    predict: Predict, songs: Path
) -> None:
    (songs / "c.mp3").rename(songs / "data")
    status, out, err = predict(songs, "--json")
    assert (status, len(json.loads(out))) == (0, 2)
    assert f"{songs / 'data'}: not_audio: " in err
    for name in ("a low.mp3", "b.flac"):
        (songs / name).unlink()
    status, out, err = predict(songs, "--json")
    assert (status, out) == (BAD_INPUT, "")
    assert f"no audio in {songs}" in err


def test_csv_has_a_name_byte_for_byte(
    serving_model: Path,  # noqa: F811
    tmp_path: Path,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    song = os.fsencode(tmp_path) + b"/\xff\x1b.wav"
    with open(song, "wb") as file:
        file.write(encode(tone(200, 2), RATE_HZ))
    assert main(["predict", os.fsdecode(song), "--csv", "--model", str(serving_model)]) == 0
    assert song in capfdbinary.readouterr().out


def test_after_ctrl_c_the_answers_so_far_are_printed(
    predict: Predict, songs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores, scored = GenreModel.scores, []

    def interrupted(self: GenreModel, clips: Any) -> Any:
        if scored:
            raise KeyboardInterrupt
        scored.append(clips)
        return scores(self, clips)

    monkeypatch.setattr(GenreModel, "scores", interrupted)
    status, out, err = predict(songs, "--json", "--write-tags", "0")
    assert (status, [answer["genre"] for answer in json.loads(out)]) == (INTERRUPTED, ["low"])
    assert "interrupted" in err
    assert "in the tags" not in err


@pytest.mark.parametrize("form", [[], ["--json"], ["--csv"]])
def test_a_closed_pipe_is_no_error_and_the_tags_are_written(
    predict: Predict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: list[str]
) -> None:
    song = tmp_path / "a.flac"
    song.write_bytes(encode(tone(200, 2), RATE_HZ, container="FLAC"))
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w", encoding="utf-8") as closed:
        monkeypatch.setattr(sys, "stdout", closed)
        status, _, err = predict(song, "--write-tags", "0.5", *form)
    assert (status, mutagen.File(song)["genre"]) == (0, ["low"])
    assert "tags of 1 file\n" in err
    assert "Traceback" not in err


def test_closed_standard_input_is_said_in_words(
    predict: Predict, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", None)  # as Python has it after <&-
    status, out, err = predict("-")
    assert (status, out) == (BAD_INPUT, "")
    assert "standard input is closed" in err


def test_wrong_usage_is_said_in_a_sentence(
    predict: Predict,
    songs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def refusal(*words: object) -> str:
        assert main(["predict", *map(str, words)]) == BAD_INPUT
        out, err = capfd.readouterr()
        assert out == ""
        return err

    song = songs / "b.flac"
    assert "no model in" in refusal(song, "--model", tmp_path)
    monkeypatch.chdir(tmp_path)
    assert f"below {tmp_path}/output: use --model" in refusal(song)
    assert "goes with --json or the table" in refusal(song, "--csv", "--timeline")
    (tmp_path / "empty").mkdir()
    for path, message in ((tmp_path / "no.mp3", "no file"), (tmp_path / "empty", "no audio")):
        status, out, err = predict(song, path)
        assert (status, out) == (BAD_INPUT, "")
        assert message in err
    for words in ([song, "--json", "--csv"], [song, "--write-tags", "2"], []):
        with pytest.raises(SystemExit) as stopped:
            main(["predict", *map(str, words)])
        assert stopped.value.code == BAD_INPUT


def test_the_newest_pushed_model_is_the_default(
    serving_model: Path,  # noqa: F811
    songs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "output" / "demo").mkdir(parents=True)
    (tmp_path / "output" / "demo" / "serving_model").symlink_to(serving_model)
    monkeypatch.chdir(tmp_path)
    assert main(["predict", str(songs / "b.flac"), "--json"]) == 0
    out, err = capfd.readouterr()
    assert json.loads(out)[0]["genre"] == "high"
    assert "output/demo/serving_model/100" in err
