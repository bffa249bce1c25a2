from __future__ import annotations

import csv
import io
import os
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from cli.main import main
from common.errors import InputError
from dataset.audio import sandbox
from dataset.audio.decoding import decode_clip
from dataset.config import AudioConfig
from dataset.to_wav import Settings, Summary, convert_folder
from tests.dataset.audio.sounds import encode, encode_with_ffmpeg, music, wav_size
from tests.dataset.fma.conftest import no_progress

RATE_HZ = 44_100


def tone(seconds: float = 1.0, rate_hz: int = RATE_HZ, n_channels: int = 2, gain: float = 0.5):
    """Returns float64 [frames, channels], a tone of 440 Hz and its harmonics in each channel."""
    times = np.arange(round(seconds * rate_hz)) / rate_hz
    channels = [gain * np.sin(2 * np.pi * 440 * (1 + index) * times) for index in range(n_channels)]
    return np.stack(channels, axis=1)


@pytest.fixture
def source(tmp_path) -> Path:
    folder = tmp_path / "fma_small"
    for name in ("000", "001"):
        (folder / name).mkdir(parents=True)
    soundfile.write(folder / "000" / "000002.mp3", tone(3), RATE_HZ)
    soundfile.write(folder / "000" / "000005.flac", tone(), RATE_HZ, "PCM_16")
    soundfile.write(folder / "001" / "001010.wav", tone(1, 22_050, 1), 22_050, "FLOAT")
    (folder / "checksums").write_text("")
    return folder


@pytest.fixture
def convert(source, tmp_path):
    def convert(**settings) -> Summary:
        return convert_folder(source, tmp_path / "wavs", Settings(**settings), 2, no_progress)

    return convert


def child_with(changes: str) -> list[str]:
    """Returns the command of a decoder's process that some changes are made to."""
    start = "import os, time\nfrom dataset.audio import child, libsndfile, wav\n"
    return [sys.executable, "-c", f"{start}{changes}\nchild.main()"]


def bad_files(tmp_path: Path) -> list[list[str]]:
    with open(tmp_path / "wavs" / "bad_files.csv", newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_whole_tracks_become_wavs_of_their_own_rate_and_channels(convert, source, tmp_path):
    assert convert() == Summary(written=3, there_before=0, bad=0, others=1)
    wavs = tmp_path / "wavs"
    found = {
        str(path.relative_to(wavs)): (info.samplerate, info.channels, info.subtype)
        for path in wavs.rglob("*.wav")
        if (info := soundfile.info(path))
    }
    assert found == {
        "000/000002.wav": (44_100, 2, "PCM_16"),
        "000/000005.wav": (44_100, 2, "PCM_16"),
        "001/001010.wav": (22_050, 1, "PCM_16"),
    }
    decoded, _ = soundfile.read(wavs / "000" / "000002.wav")
    reference, _ = soundfile.read(source / "000" / "000002.mp3")
    assert len(decoded) == len(reference) >= 3 * RATE_HZ
    np.testing.assert_allclose(decoded, reference, atol=1 / 32_768)
    wav, _ = soundfile.read(wavs / "000" / "000005.wav", dtype="int16")
    flac, _ = soundfile.read(source / "000" / "000005.flac", dtype="int16")
    np.testing.assert_array_equal(wav, flac)
    assert bad_files(tmp_path) == [["path", "track_id", "kind", "detail"]]


def test_samples_that_no_audio_has_are_listed_and_leave_no_half_wav(convert, source, tmp_path):
    signal = tone(5)
    signal[-1, 1] = np.nan
    soundfile.write(source / "000" / "000003.wav", signal, RATE_HZ, "FLOAT")
    assert convert().bad == 1
    assert bad_files(tmp_path)[1][:3] == ["000/000003.wav", "3", "undecodable"]
    assert not (tmp_path / "wavs" / "000" / "000003.wav").exists()
    assert not list((tmp_path / "wavs").rglob(".*.part"))


def test_a_file_that_ends_the_decoder_is_listed_and_the_rest_goes_on(
    convert, source, tmp_path, monkeypatch
):
    command = child_with("""
real = child.write_wav
def write_or_die(data, path, *how):
    real(data, path, *how)
    if data.startswith(b"fLaC"):
        os.abort()
child.write_wav = write_or_die
""")
    monkeypatch.setattr(sandbox, "_COMMAND", command)
    assert convert() == Summary(written=2, there_before=0, bad=1, others=1)
    assert bad_files(tmp_path)[1][:3] == ["000/000005.flac", "5", "crashed"]
    assert not list((tmp_path / "wavs").rglob(".*.part"))


# Seconds of the files whose headers say something else, or whose ends are easily lost.
LENGTHS = {
    "data_size_0.wav": 3.0,
    "data_size_ffffffff.wav": 3.0,
    "joined.mp3": 6.0,
    "joined.flac": 6.2,
    "joined_mono_and_stereo.mp3": 9.2,
    "joined_of_two_rates.mp3": 6.1,
    "tagged.flac": 3.1,
}


def every_kind() -> dict[str, bytes]:
    """Returns files whose sound all ways of decoding should agree on, by name."""
    low, wide = music(22_050, 1, 3.0), music(RATE_HZ, 2, 3.1)
    wav, mp3 = encode(low, 22_050), encode(low, 22_050, container="MP3")
    return {
        "plain.wav": encode(wide, RATE_HZ),
        "float.wav": encode(2 * wide, RATE_HZ, "FLOAT"),
        "data_size_0.wav": wav_size(wav, 0),
        "data_size_ffffffff.wav": wav_size(wav, 0xFFFFFFFF),
        "pcm16_5_1_extensible.wav": encode(music(RATE_HZ, 6), RATE_HZ, "PCM_16", "WAVEX"),
        "out_of_phase.wav": encode(low * [0.5, -1], 22_050),
        "one.mp3": encode(wide, RATE_HZ, container="MP3"),
        "joined.mp3": mp3 + mp3,
        "one.flac": encode(wide, RATE_HZ, container="FLAC"),
        "joined.flac": encode(wide, RATE_HZ, container="FLAC") * 2,
        "joined_mono_and_stereo.mp3": mp3 + encode(wide, 22_050, container="MP3"),
        "joined_of_two_rates.mp3": encode(wide, RATE_HZ, container="MP3") + mp3,
        "tagged.flac": encode(wide, RATE_HZ, container="FLAC") + b"TAG".ljust(128, b"\0"),
        "one.ogg": encode(wide, RATE_HZ, container="OGG"),
        "one.m4a": encode_with_ffmpeg(wide, RATE_HZ, "aac", "mp4"),
    }


def test_a_wav_has_the_samples_that_ingestion_decodes(tmp_path):
    rate_hz = 22_050
    files, folder = every_kind(), tmp_path / "in"
    for name, data in files.items():
        # Not files side by side: they would be the same wav.
        (folder / name).mkdir(parents=True)
        (folder / name / name).write_bytes(data)
    settings = Settings(sample_rate_hz=rate_hz, mono=True)
    summary = convert_folder(folder, tmp_path / "wavs", settings, 2, no_progress)
    assert summary == Summary(written=len(files), there_before=0, bad=0, others=0)
    for name, data in files.items():
        wav, found_hz = soundfile.read(
            (tmp_path / "wavs" / name / name).with_suffix(".wav"), dtype="int16"
        )
        clip = decode_clip(data, AudioConfig(sample_rate_hz=rate_hz))
        assert found_hz == rate_hz
        assert wav.shape == clip.pcm16.shape, name
        assert np.abs(wav.astype(int) - clip.pcm16).max() <= 1, name
        if name in LENGTHS:
            # mp3 pads the ends of each part.
            slack = 0.15 * rate_hz if name.endswith(".mp3") else 1
            assert len(wav) == pytest.approx(LENGTHS[name] * rate_hz, abs=slack), name


def test_all_channels_are_kept_from_header_to_last_sample(source, convert, tmp_path):
    surround = encode(music(RATE_HZ, 6), RATE_HZ, "PCM_16", "WAVEX")
    (source / "000" / "000003.wav").write_bytes(surround)
    convert()
    wav, _ = soundfile.read(tmp_path / "wavs" / "000" / "000003.wav", dtype="int16")
    expected, _ = soundfile.read(io.BytesIO(surround), dtype="int16")
    np.testing.assert_array_equal(wav, expected)


def test_bad_files_are_listed_and_the_rest_goes_on(convert, source, tmp_path):
    (source / "000" / "000007.mp3").write_bytes(b"")
    (source / "000" / "000008.mp3").write_bytes(b"no music at all" * 1000)
    soundfile.write(source / "000" / "000005.wav", tone(), RATE_HZ)
    soundfile.write(source / "000" / "000009.wav", tone(0), RATE_HZ)
    soundfile.write(source / "000" / "odd.wav", np.full((100, 1), np.nan), RATE_HZ, "FLOAT")
    (tmp_path / "secret.wav").write_bytes((source / "000" / "000005.wav").read_bytes())
    (source / "001" / "001011.wav").symlink_to(tmp_path / "secret.wav")
    (source / "001" / "001012.wav").symlink_to("001012.wav")
    os.mkfifo(source / "001" / "001013.wav")
    (tmp_path / "wavs" / "001" / "001014.wav").mkdir(parents=True)  # of a former run
    soundfile.write(source / "001" / "001014.flac", tone(), RATE_HZ, "PCM_16")
    assert convert() == Summary(written=3, there_before=0, bad=9, others=1)
    rows = bad_files(tmp_path)[1:]
    assert [row[:3] for row in rows] == [
        ["000/000005.wav", "5", "duplicate_file"],
        ["000/000007.mp3", "7", "empty_file"],
        ["000/000008.mp3", "8", "undecodable"],
        ["000/000009.wav", "9", "undecodable"],
        ["000/odd.wav", "-1", "undecodable"],
        ["001/001011.wav", "1011", "outside_folder"],
        ["001/001012.wav", "1012", "unreadable"],
        ["001/001013.wav", "1013", "unreadable"],
        ["001/001014.flac", "1014", "duplicate_file"],
    ]
    assert rows[0][3] == "000/000005.wav is made from 000/000005.flac"
    assert not list((tmp_path / "wavs").rglob(".*.part"))


def test_a_second_call_makes_what_is_missing_or_older_and_no_more(convert, source, tmp_path):
    convert()
    wavs = sorted((tmp_path / "wavs").rglob("*.wav"))
    times = [path.stat().st_mtime_ns for path in wavs]
    assert convert() == Summary(written=0, there_before=3, bad=0, others=1)
    assert [path.stat().st_mtime_ns for path in wavs] == times
    wavs[0].unlink()
    stale = tmp_path / "wavs" / ".123.part"  # of a call that was killed
    stale.write_bytes(b"half a wav")
    later = wavs[1].stat().st_mtime + 5
    os.utime(source / "000" / "000005.flac", (later, later))
    assert convert() == Summary(written=2, there_before=1, bad=0, others=1)
    assert not stale.exists()


def test_wavs_of_other_settings_are_not_mixed(convert, tmp_path):
    convert()
    with pytest.raises(InputError, match="choose another folder"):
        convert(mono=True)


def test_an_interruption_leaves_no_half_wav_and_the_next_call_goes_on(
    convert, tmp_path, monkeypatch
):
    stuck = """
real, written = wav.to_pcm16, []
def to_pcm16(block):
    if written:
        time.sleep(100)
    written.append(block)
    return real(block)
wav.to_pcm16 = to_pcm16
libsndfile._BLOCK_FRAMES = 10_000
"""

    def interrupt_once_begun() -> None:
        deadline = time.monotonic() + 60
        while not any(part.stat().st_size for part in (tmp_path / "wavs").glob(".*.part")):
            if time.monotonic() > deadline:
                return
            time.sleep(0.01)
        # Sent to the process, it may reach another thread, and leave the main one waiting.
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    thread = threading.Thread(target=interrupt_once_begun, daemon=True)
    # A script's background job ignores Ctrl-C.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(sandbox, "_COMMAND", child_with(stuck))
            thread.start()
            convert()
        thread.join()
    finally:
        signal.signal(signal.SIGINT, before)
    wavs = tmp_path / "wavs"
    assert not [path for path in wavs.rglob("*") if path.suffix in (".wav", ".part")]
    assert convert().written == 3


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("fma_small", "neither in"),
        ("fma_small/wavs", "neither in"),
        (".", "neither in"),
        ("wavs", "has no audio file"),
    ],
)
def test_wrong_folders_are_refused(tmp_path, target, message):
    (tmp_path / "fma_small").mkdir()
    with pytest.raises(InputError, match=message):
        convert_folder(tmp_path / "fma_small", tmp_path / target, Settings(), 1, no_progress)


def test_a_track_longer_than_a_wav_can_be_is_listed(convert, tmp_path, monkeypatch):
    monkeypatch.setattr(sandbox, "_COMMAND", child_with("wav._MAX_WAV_BYTES = 300_000"))
    assert convert().bad == 1
    assert bad_files(tmp_path)[1][:3] == ["000/000002.mp3", "2", "too_large"]


def test_the_command_ends_with_0_and_says_how_many_are_bad(source, tmp_path, capsys):
    (source / "000" / "000007.mp3").write_bytes(b"")
    assert main(["to-wav", str(source), str(tmp_path / "wavs"), "--workers", "2"]) == 0
    out = capsys.readouterr().out
    assert "3 wavs are in" in out and "1 files are bad, listed in" in out


def test_the_command_ends_with_2_where_there_is_no_folder(tmp_path, capsys):
    assert main(["to-wav", str(tmp_path / "no"), str(tmp_path / "wavs")]) == 2
    assert "no is not a folder" in capsys.readouterr().err
