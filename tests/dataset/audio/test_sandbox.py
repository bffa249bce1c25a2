"""The process that decodes: the same results, and an end to every way a file can misbehave."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from dataset.audio.decoding import decode_clip
from dataset.audio.sandbox import Decoder
from dataset.audio.wav import write_wav
from dataset.bad_files import AudioError, FaultKind
from dataset.config import AudioConfig
from tests.dataset.audio.sounds import encode, encode_with_ffmpeg, music

ROOT = Path(__file__).resolve().parents[3]
AUDIO = AudioConfig(clip_seconds=2.0)
GOOD = encode(music(8_000, 1), 8_000)
POISON = b"poison"


def child_that(does: str, before: str = "") -> list[str]:
    """Return the command of a child that does something to a file of poison, and works else."""
    script = f"""
import ctypes, os, signal, sys, time
from dataset.audio import child
decode = child.decode_clip
def decode_or_die(data, config):
    if data == {POISON!r}:
        {does}
    return decode(data, config)
child.decode_clip = decode_or_die
{before}
child.main()
"""
    return [sys.executable, "-c", script]


@pytest.fixture(scope="module")
def shared() -> Iterator[Decoder]:
    """Yield a decoder for tests that do no harm to it."""
    with Decoder(AUDIO) as decoder:
        yield decoder


def fault_of(decode: Callable[[bytes], object], data: bytes) -> AudioError:
    with pytest.raises(AudioError) as caught:
        decode(data)
    return caught.value


def wait_for_end(pid: int) -> None:
    """Fail where a process is still there after 10 s; one that nobody has waited for has ended."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return
        if state == "Z":
            return
        time.sleep(0.02)
    pytest.fail(f"{pid} still runs")


@pytest.mark.parametrize(
    "data",
    [
        GOOD,
        encode(music(44_100, 2, 5.0), 44_100),
        encode(music(44_100, 6), 44_100, "FLOAT"),
        encode(music(44_100, 2), 44_100, container="MP3"),
        encode_with_ffmpeg(music(44_100, 2), 44_100, "aac", "mp4"),
        encode(1e-3 * music(8_000, 1), 8_000, "FLOAT"),
        encode(music(8_000, 1) * [1, -1], 8_000),
    ],
    ids=["mono", "long", "surround", "mp3", "m4a", "near silent", "out of phase"],
)
def test_a_clip_is_that_of_decode_clip(shared: Decoder, data: bytes) -> None:
    expected, found = decode_clip(data, AUDIO), shared.decode(data)
    np.testing.assert_array_equal(found.pcm16, expected.pcm16)
    assert found.pcm16.dtype == expected.pcm16.dtype
    for name in ("source_rate_hz", "source_channels", "duration_seconds"):
        assert getattr(found, name) == getattr(expected, name)
    for name in ("near_silent", "out_of_phase"):
        assert getattr(found, name) is getattr(expected, name)


@pytest.mark.parametrize(
    "data",
    [b"", b"no audio", GOOD[:1_000], encode(np.zeros(16_000), 8_000), encode(music(500, 1), 500)],
    ids=["empty", "text", "short", "silent", "rate"],
)
def test_a_fault_is_that_of_decode_clip(shared: Decoder, data: bytes) -> None:
    shared.decode(GOOD)
    pid = shared.child_pid
    expected = fault_of(lambda data: decode_clip(data, AUDIO), data)
    found = fault_of(shared.decode, data)
    assert (found.kind, found.detail) == (expected.kind, expected.detail)
    assert shared.child_pid == pid  # a bad file is no reason for another child


def test_a_child_starts_with_the_first_file_and_stays() -> None:
    with Decoder(AUDIO) as decoder:
        assert decoder.child_pid is None
        decoder.decode(GOOD)
        pid = decoder.child_pid
        assert pid not in (None, os.getpid())
        decoder.decode(GOOD)
        assert decoder.child_pid == pid
    assert decoder.child_pid is None
    assert pid is not None
    assert not Path(f"/proc/{pid}").exists()


def test_after_close_another_child_starts() -> None:
    with Decoder(AUDIO) as decoder:
        decoder.decode(GOOD)
        decoder.close()
        decoder.close()
        assert decoder.decode(GOOD).duration_seconds == 1.5


@pytest.mark.parametrize(
    ("does", "kind", "detail"),
    [
        ("ctypes.string_at(0)", FaultKind.CRASHED, "the decoder was ended by SIGSEGV"),
        ("os.abort()", FaultKind.CRASHED, "the decoder was ended by SIGABRT"),
        (
            "os.kill(os.getpid(), signal.SIGKILL)",
            FaultKind.CRASHED,
            "the decoder was ended by SIGKILL (out of memory?)",
        ),
        ("os._exit(7)", FaultKind.CRASHED, "the decoder was ended by exit status 7"),
        ("raise ValueError('two\\nlines')", FaultKind.CRASHED, "ValueError: two lines"),
        ("bytearray(2**40)", FaultKind.CRASHED, "out of memory"),
        ("while True: pass", FaultKind.TIMED_OUT, "not decoded within 0.5 s"),
        ("time.sleep(100)", FaultKind.TIMED_OUT, "not decoded within 0.5 s"),
        ("os.close(4)", FaultKind.CRASHED, "the decoder was ended by exit status 1"),
    ],
    ids=["segv", "abort", "kill", "exit", "error", "memory", "busy", "asleep", "no pipe"],
)
def test_a_file_that_ends_the_child_is_named_and_the_next_is_decoded(
    does: str, kind: FaultKind, detail: str
) -> None:
    with Decoder(AUDIO, time_limit_seconds=0.5, command=child_that(does)) as decoder:
        decoder.decode(GOOD)
        pid = decoder.child_pid
        error = fault_of(decoder.decode, POISON)
        assert (error.kind, error.detail) == (kind, detail)
        clip = decoder.decode(GOOD)
        np.testing.assert_array_equal(clip.pcm16, decode_clip(GOOD, AUDIO).pcm16)
        assert decoder.child_pid != pid
        assert pid is not None
        wait_for_end(pid)


def test_a_child_that_is_stopped_while_it_is_sent_a_file_runs_out_of_time() -> None:
    with Decoder(AUDIO, time_limit_seconds=0.5) as decoder:
        decoder.decode(GOOD)
        assert decoder.child_pid is not None
        os.kill(decoder.child_pid, signal.SIGSTOP)
        assert fault_of(decoder.decode, bytes(2**22)).kind is FaultKind.TIMED_OUT
        assert decoder.decode(GOOD).duration_seconds == 1.5


def test_a_real_file_that_takes_longer_than_the_limit() -> None:
    slow = encode(music(44_100, 2, 30.0), 44_100, container="FLAC")
    with Decoder(AudioConfig(), time_limit_seconds=0.002) as decoder:
        error = fault_of(decoder.decode, slow)
    assert (error.kind, error.detail) == (FaultKind.TIMED_OUT, "not decoded within 0.002 s")


def test_a_real_file_that_needs_more_than_the_limit_of_memory() -> None:
    # 30 s of floats are 23 MiB, and are joined and resampled.
    large = encode(music(192_000, 1, 30.0), 192_000, "FLOAT")
    with Decoder(AudioConfig(), memory_limit_bytes=40 * 2**20) as decoder:
        error = fault_of(decoder.decode, large)
        assert (error.kind, error.detail) == (FaultKind.CRASHED, "out of memory")
        assert decoder.decode(GOOD).duration_seconds == 1.5
    with Decoder(AudioConfig()) as decoder:
        assert decoder.decode(large).duration_seconds == 30.0


def test_a_child_that_has_no_room_for_the_file_itself() -> None:
    with Decoder(AUDIO, memory_limit_bytes=16 * 2**20) as decoder:
        decoder.decode(GOOD)
        error = fault_of(decoder.decode, bytes(32 * 2**20))
        assert (error.kind, error.detail) == (FaultKind.CRASHED, "out of memory")
        assert decoder.decode(GOOD).duration_seconds == 1.5


def test_a_child_that_ended_between_two_files_is_no_fault_of_the_second() -> None:
    with Decoder(AUDIO) as decoder:
        decoder.decode(GOOD)
        pid = decoder.child_pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        wait_for_end(pid)
        assert decoder.decode(GOOD).duration_seconds == 1.5
        assert decoder.child_pid != pid


@pytest.mark.parametrize("reply", ["{}", "{'kind': 'odd', 'detail': ''}", "{'kind': 1}"])
def test_an_answer_that_makes_no_sense(reply: str) -> None:
    before = f"child.wire.clip_message = lambda clip: ({reply}, b'')"
    with Decoder(AUDIO, command=child_that("pass", before)) as decoder:
        error = fault_of(decoder.decode, GOOD)
    assert (error.kind, error.detail) == (
        FaultKind.CRASHED,
        "the decoder's answer makes no sense",
    )


def test_what_libraries_print_stands_in_no_answer(capfd: pytest.CaptureFixture[str]) -> None:
    noise = "os.write(1, b'warning' * 100), os.write(2, b'warning')"
    with Decoder(AUDIO, command=child_that(noise)) as decoder:
        error = fault_of(decoder.decode, POISON)
        assert (error.kind, error.detail) == (FaultKind.UNDECODABLE, "Format not recognised.")
        assert decoder.decode(GOOD).duration_seconds == 1.5
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "command",
    [
        [sys.executable, "-c", "raise SystemExit(3)"],
        [sys.executable, "-c", "print('Hello, this is no message')"],
    ],
)
def test_a_child_that_does_not_start_is_no_fault_of_the_file(command: list[str]) -> None:
    with Decoder(AUDIO, command=command) as decoder:
        with pytest.raises(RuntimeError, match="does not start"):
            decoder.decode(GOOD)
        assert decoder.child_pid is None


def test_a_wav_is_that_of_write_wav(shared: Decoder, tmp_path: Path) -> None:
    data = encode(music(44_100, 2, 5.0), 44_100, container="MP3")
    write_wav(data, str(tmp_path / "expected.wav"), 22_050, mono=False)
    shared.write_wav(data, tmp_path / "found.wav", 22_050)
    assert (tmp_path / "found.wav").read_bytes() == (tmp_path / "expected.wav").read_bytes()
    with pytest.raises(AudioError, match="Format not recognised"):
        shared.write_wav(POISON, tmp_path / "none.wav")
    assert shared.decode(GOOD).duration_seconds == 1.5


def test_a_wav_that_cannot_be_written_is_no_fault_of_the_file(
    shared: Decoder, tmp_path: Path
) -> None:
    with pytest.raises(OSError) as caught:
        shared.write_wav(GOOD, tmp_path / "no folder" / "one.wav")
    assert caught.value.errno == errno.ENOENT


def test_what_another_thread_asks_can_be_interrupted(tmp_path: Path) -> None:
    asked = tmp_path / "asked"

    def interrupt_once_asked() -> None:
        while not asked.exists():
            time.sleep(0.01)
        decoder.interrupt()

    command = child_that(f"os.mkdir({str(asked)!r}); time.sleep(100)")
    with Decoder(AUDIO, command=command) as decoder:
        threading.Thread(target=interrupt_once_asked, daemon=True).start()
        assert fault_of(decoder.decode, POISON).kind is FaultKind.CRASHED
        # For good: a child that was only starting must not go on with the next file.
        with pytest.raises(InterruptedError):
            decoder.decode(GOOD)


def test_two_decoders_at_once() -> None:
    expected = decode_clip(GOOD, AUDIO).pcm16
    wrong = []

    def decode_many() -> None:
        with Decoder(AUDIO) as decoder:
            for _ in range(20):
                if not np.array_equal(decoder.decode(GOOD).pcm16, expected):
                    wrong.append(decoder)

    threads = [threading.Thread(target=decode_many) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_after_a_fork_each_process_has_its_own_child() -> None:
    with Decoder(AUDIO) as decoder:
        decoder.decode(GOOD)
        pid = decoder.child_pid
        forked = os.fork()
        if not forked:
            # Nothing of pytest may run here: only the exit status tells.
            status = 1
            try:
                decoder.decode(GOOD)
                status = 0 if decoder.child_pid != pid else 2
                decoder.close()
            finally:
                os._exit(status)
        assert os.waitpid(forked, 0)[1] == 0
        assert decoder.child_pid == pid
        assert decoder.decode(GOOD).duration_seconds == 1.5


def run_parent(script: str, cwd: Path) -> subprocess.Popen[str]:
    """Return a running process with a decoder; its script has GOOD, POISON and AUDIO."""
    start = f"""
import os, sys, threading, time
sys.path[0] = {str(ROOT)!r}
from tests.dataset.audio.test_sandbox import *
"""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.Popen(
        [sys.executable, "-c", start + script],
        stdout=subprocess.PIPE,
        text=True,
        cwd=cwd,
        env=environment,
    )


def test_the_working_folder_does_not_matter(tmp_path: Path) -> None:
    # What is in it must not be taken for our own modules.
    (tmp_path / "components").mkdir()
    (tmp_path / "components" / "__init__.py").write_text("raise SystemExit('the wrong one')")
    (tmp_path / "soundfile.py").write_text("raise SystemExit('the wrong one')")
    parent = run_parent("print(Decoder(AUDIO).decode(GOOD).duration_seconds)", tmp_path)
    assert parent.communicate(timeout=60)[0] == "1.5\n"
    assert parent.returncode == 0


def test_an_idle_child_ends_with_its_parent(tmp_path: Path) -> None:
    parent = run_parent(
        "d = Decoder(AUDIO); d.decode(GOOD); print(d.child_pid, flush=True); time.sleep(100)",
        tmp_path,
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.communicate()
    wait_for_end(pid)


def test_a_busy_child_ends_soon_after_its_parent(tmp_path: Path) -> None:
    parent = run_parent(
        """
command = child_that("while True: pass", "child._GRACE_SECONDS = 0.0")
decoder = Decoder(AUDIO, time_limit_seconds=2.0, command=command)
decoder.decode(GOOD)
print(decoder.child_pid, flush=True)
threading.Thread(target=decoder.decode, args=(POISON,), daemon=True).start()
time.sleep(0.5)
print("busy", flush=True)
time.sleep(100)
""",
        tmp_path,
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert parent.stdout.readline() == "busy\n"
    parent.kill()
    parent.communicate()
    assert Path(f"/proc/{pid}").exists()
    wait_for_end(pid)


def test_the_child_imports_nothing_heavy() -> None:
    script = "import sys, dataset.audio.child; print(*sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in ran.stdout.split()}
    assert "soundfile" in loaded
    assert not loaded & {"apache_beam", "av", "librosa", "scipy", "tensorflow", "tfx"}
