"""The process that decodes: the same results, and an end to every way a file can misbehave."""

from __future__ import annotations

import errno
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent import futures
from pathlib import Path

import numpy as np
import pytest

from dataset.audio import sandbox
from dataset.audio.decoding import decode_clip
from dataset.audio.sandbox import Decoder
from dataset.audio.wav import write_wav
from dataset.bad_files import AudioError, FaultKind
from dataset.config import AudioConfig
from tests.dataset.audio.sounds import encode, encode_with_ffmpeg, music, pid_of

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


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Decoder]:
    """Return what makes a decoder with such a child."""

    def poisoned(does: str, before: str = "", time_limit_seconds: float = 60.0) -> Decoder:
        monkeypatch.setattr(sandbox, "_COMMAND", child_that(does, before))
        return Decoder(AUDIO, time_limit_seconds)

    return poisoned


@pytest.fixture(scope="module")
def shared() -> Iterator[Decoder]:
    """Yield a decoder for tests that do no harm to it."""
    with Decoder(AUDIO) as decoder:
        yield decoder


def fault_of(decode: Callable[[bytes], object], data: bytes) -> tuple[FaultKind, str]:
    with pytest.raises(AudioError) as caught:
        decode(data)
    return caught.value.kind, caught.value.detail


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
        encode(music(44_100, 2, 5.0), 44_100),
        encode_with_ffmpeg(music(44_100, 2), 44_100, "aac", "mp4"),
        encode(1e-3 * music(8_000, 1), 8_000, "FLOAT"),
        encode(music(8_000, 1) * [1, -1], 8_000),
    ],
    ids=["wav", "m4a", "near silent", "out of phase"],
)
def test_a_clip_is_that_of_decode_clip(shared: Decoder, data: bytes) -> None:
    expected, found = vars(decode_clip(data, AUDIO)), vars(shared.decode(data))
    np.testing.assert_array_equal(found.pop("pcm16"), expected.pop("pcm16"), strict=True)
    assert repr(found) == repr(expected)


def test_a_fault_is_that_of_decode_clip_and_keeps_the_child(shared: Decoder) -> None:
    shared.decode(GOOD)
    pid = pid_of(shared)
    assert pid not in (None, os.getpid())
    for data in (b"", b"no audio", GOOD[:1_000], encode(music(500, 1), 500)):
        expected = fault_of(lambda data: decode_clip(data, AUDIO), data)
        assert fault_of(shared.decode, data) == expected
    assert shared.decode(GOOD).duration_seconds == 1.5
    assert pid_of(shared) == pid


@pytest.mark.parametrize(
    ("does", "kind", "detail"),
    [
        ("ctypes.string_at(0)", "crashed", "ended by SIGSEGV"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "crashed", "SIGKILL (out of memory?)"),
        ("os._exit(7)", "crashed", "ended by exit status 7"),
        ("os.write(4, b'{'); os.kill(os.getpid(), signal.SIGRTMIN + 6)", "crashed", "by signal "),
        ("raise ValueError('two\\nlines')", "crashed", "ValueError: two lines"),
        ("bytearray(2**40)", "crashed", "out of memory"),
        ("while True: pass", "timed_out", "within 0.5 s"),
        ("os.close(4); time.sleep(100)", "timed_out", "within 0.5 s"),
    ],
    ids=["segv", "kill", "exit", "mid-reply", "error", "memory", "busy", "no pipe"],
)
def test_a_file_that_ends_the_child_is_named_and_the_next_is_decoded(
    poisoned: Callable[..., Decoder], does: str, kind: str, detail: str
) -> None:
    with poisoned(does, time_limit_seconds=0.5) as decoder:
        decoder.decode(GOOD)
        pid = pid_of(decoder)
        found_kind, found_detail = fault_of(decoder.decode, POISON)
        assert found_kind == kind
        assert detail in found_detail
        assert decoder.decode(GOOD).duration_seconds == 1.5
        assert pid not in (None, pid_of(decoder))
        assert not Path(f"/proc/{pid}").exists()


def test_a_child_that_does_not_read_a_file_runs_out_of_time() -> None:
    with Decoder(AUDIO, time_limit_seconds=0.5) as decoder:
        decoder.decode(GOOD)
        assert pid_of(decoder) is not None
        os.kill(pid_of(decoder), signal.SIGSTOP)
        assert fault_of(decoder.decode, bytes(2**22))[0] is FaultKind.TIMED_OUT
        assert decoder.decode(GOOD).duration_seconds == 1.5


def test_a_child_has_no_more_memory_than_its_limit() -> None:
    # 30 s of floats are 23 MiB, and are joined and resampled.
    large = encode(music(192_000, 1, 30.0), 192_000, "FLOAT")
    with Decoder(AudioConfig(), memory_limit_bytes=40 * 2**20) as decoder:
        # The second does not even fit when it is read.
        for data in (large, bytes(64 * 2**20)):
            assert fault_of(decoder.decode, data) == (FaultKind.CRASHED, "out of memory")
        assert decoder.decode(GOOD).duration_seconds == 1.5
    with Decoder(AudioConfig()) as decoder:
        assert decoder.decode(large).duration_seconds == 30.0


def test_a_child_that_ended_between_two_files_is_no_fault_of_the_second() -> None:
    with Decoder(AUDIO) as decoder:
        decoder.decode(GOOD)
        pid = pid_of(decoder)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        wait_for_end(pid)
        assert decoder.decode(GOOD).duration_seconds == 1.5
        assert pid_of(decoder) != pid


class Hostile:
    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, ("unpickled",)


CLIP = '{"duration_seconds": %s, "source_channels": %s, "near_silent": 0, "out_of_phase": 0, '


@pytest.mark.parametrize(
    "reply",
    [
        b"{}\n",
        b"Warning: something is off\n",
        b"[" * 10_000 + b"\n",
        b'{"n_bytes": -1}\n',
        b'{"n_bytes": 1000000000}\n',
        b'{"n_bytes": 0, "kind": "odd", "detail": ""}\n',
        (CLIP % (1, 1) + '"source_rate_hz": Infinity, "n_bytes": 0}\n').encode(),
        (CLIP % (1, 1) + '"source_rate_hz": 1e30, "n_bytes": 0}\n').encode(),
        (CLIP % ("NaN", 1) + '"source_rate_hz": 8000, "n_bytes": 0}\n').encode(),
        (CLIP % (1, 10**30) + '"source_rate_hz": 8000, "n_bytes": 0}\n').encode(),
        pickle.dumps(Hostile()) + b"\n",
    ],
    ids=["empty", "text", "deep", "negative", "large", "kind", "infinite", "rate", "duration",
         "channels", "pickle"],
)  # fmt: skip
def test_a_reply_that_makes_no_sense_does_no_harm(
    poisoned: Callable[..., Decoder],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    reply: bytes,
) -> None:
    monkeypatch.chdir(tmp_path)
    with poisoned(f"os.write(4, {reply!r}); time.sleep(100)") as decoder:
        kind, detail = fault_of(decoder.decode, POISON)
    assert (kind, "makes no sense" in detail) == (FaultKind.CRASHED, True)
    assert not list(tmp_path.iterdir())


def test_what_libraries_print_stands_in_no_reply(
    poisoned: Callable[..., Decoder], capfd: pytest.CaptureFixture[str]
) -> None:
    with poisoned("os.write(1, b'warning' * 100), os.write(2, b'warning')") as decoder:
        assert fault_of(decoder.decode, POISON)[0] is FaultKind.UNDECODABLE
        assert decoder.decode(GOOD).duration_seconds == 1.5
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("script", ["raise SystemExit(3)", "print('Hello, this is no message')"])
def test_a_child_that_does_not_start_is_no_fault_of_the_file(
    monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    monkeypatch.setattr(sandbox, "_COMMAND", [sys.executable, "-c", script])
    with Decoder(AUDIO) as decoder:
        with pytest.raises(RuntimeError, match="does not start"):
            decoder.decode(GOOD)
        assert pid_of(decoder) is None


def test_a_wav_is_that_of_write_wav(shared: Decoder, tmp_path: Path) -> None:
    data = encode(music(44_100, 2, 5.0), 44_100, container="MP3")
    write_wav(data, str(tmp_path / "expected.wav"), 22_050, mono=False)
    shared.write_wav(data, tmp_path / "found.wav", 22_050)
    assert (tmp_path / "found.wav").read_bytes() == (tmp_path / "expected.wav").read_bytes()
    with pytest.raises(AudioError, match="Format not recognised"):
        shared.write_wav(POISON, tmp_path / "none.wav")
    with pytest.raises(OSError) as caught:
        shared.write_wav(GOOD, tmp_path / "no folder" / "one.wav")
    assert caught.value.errno == errno.ENOENT


def test_close_ends_what_another_thread_decodes_and_all_that_comes_later(
    poisoned: Callable[..., Decoder], tmp_path: Path
) -> None:
    asked = tmp_path / "asked"

    def close_once_asked() -> None:
        while not asked.exists():
            time.sleep(0.01)
        decoder.close()

    decoder = poisoned(f"os.mkdir({str(asked)!r}); time.sleep(100)")
    closing = threading.Thread(target=close_once_asked, daemon=True)
    closing.start()
    assert fault_of(decoder.decode, POISON)[0] is FaultKind.CRASHED
    closing.join()
    with pytest.raises(RuntimeError, match="closed"):
        decoder.decode(GOOD)
    assert pid_of(decoder) is None


def test_of_two_threads_one_waits_for_the_other(
    poisoned: Callable[..., Decoder], tmp_path: Path
) -> None:
    asked = tmp_path / "asked"
    does = f"os.mkdir({str(asked)!r}); time.sleep(0.2); os._exit(7)"
    with poisoned(does) as decoder, futures.ThreadPoolExecutor(1) as pool:
        first = pool.submit(fault_of, decoder.decode, POISON)
        while not asked.exists() and not first.done():
            time.sleep(0.01)
        assert decoder.decode(GOOD).duration_seconds == 1.5
        assert first.result()[0] is FaultKind.CRASHED


def test_the_child_has_nothing_of_the_parent_that_it_does_not_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What is in the working folder must not be taken for a library.
    (tmp_path / "soundfile.py").write_text("raise SystemExit('the wrong one')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SECRET_TOKEN", "secret")
    with open(tmp_path / "open", "w") as file, Decoder(AUDIO) as decoder:
        os.set_inheritable(file.fileno(), True)
        decoder.decode(GOOD)
        pid = pid_of(decoder)
        assert pid is not None
        child = Path(f"/proc/{pid}")
        assert os.getsid(pid) == pid  # Ctrl-C on the terminal does not reach it
        assert b"SECRET" not in (child / "environ").read_bytes()
        opened = {os.readlink(link).partition(":")[0] for link in (child / "fd").iterdir()}
        assert opened == {"pipe", os.devnull}
        loaded = (child / "maps").read_text()
    assert "soundfile" in loaded
    # Not "scipy" alone: NumPy brings a libscipy_openblas.
    others = ("/av/", "/av.libs/", "/scipy/", "/tensorflow/", "/pyarrow/")
    assert not any(name in loaded for name in others)


def test_the_parent_keeps_no_descriptor_of_children_that_ended(
    poisoned: Callable[..., Decoder],
) -> None:
    before = os.listdir("/proc/self/fd")
    with poisoned("os._exit(7)") as decoder:
        for _ in range(2):
            fault_of(decoder.decode, POISON)
        decoder.decode(GOOD)
        pid = pid_of(decoder)
    assert os.listdir("/proc/self/fd") == before
    assert not Path(f"/proc/{pid}").exists()


def test_idle_and_busy_children_end_with_their_parent(tmp_path: Path) -> None:
    # The busy one ends at its own limit, a second after it was asked; the parent's is 100 s.
    script = f"""
import threading
from tests.dataset.audio.test_sandbox import *
idle = Decoder(AUDIO)
idle.decode(GOOD)
does = "os.mkdir({str(tmp_path / "busy")!r})\\n        while True: pass"
sandbox._COMMAND = child_that(does, "child._GRACE_SECONDS = -99.0")
busy = Decoder(AUDIO, time_limit_seconds=100.0)
busy.decode(GOOD)
print(pid_of(idle), pid_of(busy), flush=True)
busy.decode(POISON)
"""
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        while not (tmp_path / "busy").exists():
            assert parent.poll() is None
            time.sleep(0.01)
        parent.kill()
    assert len(pids) == 2
    for pid in pids:
        wait_for_end(pid)
