"""Decoding in a child process, which a hostile file may crash, fill or keep busy.

It is no process pool of a library: those, pebble's too, unpickle what a worker sends, so that a
file that takes over a worker could run code in the parent; they also pass on the environment.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np

from common.config import to_json
from dataset.audio import child
from dataset.audio.decoding import Clip
from dataset.bad_files import AudioError, FaultKind
from dataset.config import MAX_CHANNELS, SOURCE_RATES_HZ, AudioConfig

_ROOT = Path(__file__).resolve().parents[2]
_COMMAND = (sys.executable, "-m", child.__name__)
# A file of the largest size, its middle twice while it is resampled, and FFmpeg's libraries.
_MEMORY_LIMIT_BYTES = 2 * 2**30
_START_LIMIT_SECONDS = 120.0
# What finds libraries and sets the encoding of file names, beside all variables in PYTHON….
_PASSED_ON = ("HOME", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "PATH")
_OWN_ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    # What glibc frees it keeps: fresh pages for every file take as long as decoding a wav.
    "MALLOC_MMAP_THRESHOLD_": str(2**25),
    "MALLOC_TRIM_THRESHOLD_": str(2**27),
}
# What parsing a malformed reply raises.
_NONSENSE = (ArithmeticError, LookupError, RecursionError, TypeError, ValueError)

_T = TypeVar("_T")


class Decoder:
    """Decodes files, one at a time, in a child process that starts with the first of them.

    A child that crashes or has to be killed is replaced for the next file. Threads may share a
    Decoder, and wait for each other.

    Args:
        config: sample rate and shortest and longest clip.
        time_limit_seconds: for one file.
        memory_limit_bytes: what the child may use beyond what it uses before its first file; on
            Linux only.
    """

    def __init__(
        self,
        config: AudioConfig,
        time_limit_seconds: float = 60.0,
        memory_limit_bytes: int = _MEMORY_LIMIT_BYTES,
    ):
        self._settings = json.dumps([to_json(config), time_limit_seconds, memory_limit_bytes])
        self._time_limit_seconds = time_limit_seconds
        self._max_pcm_bytes = 2 * config.clip_samples
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False

    def __enter__(self) -> Decoder:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def decode(self, data: bytes) -> Clip:
        """Returns what `decode_clip` does.

        Raises:
            AudioError: as `decode_clip` does, and where decoding takes too long (TIMED_OUT), or
                crashes the child or fills its memory (CRASHED).
            RuntimeError: where no child can be started, or the decoder is closed.
        """
        return self._ask({}, data, self._max_pcm_bytes, _clip)

    def write_wav(
        self, data: bytes, path: Path, sample_rate_hz: int | None = None, mono: bool = False
    ) -> None:
        """Does what `wav.write_wav` does.

        Raises:
            AudioError: as `wav.write_wav` does, and as `decode` does.
            OSError: where the wav cannot be written.
            RuntimeError: as `decode` does.
        """
        header = {"path": str(path.absolute()), "sample_rate_hz": sample_rate_hz, "mono": mono}
        self._ask(header, data, 0, _check_written)

    def close(self) -> None:
        """Kills the child; what another thread is decoding fails, and so does every later call."""
        self._closed = True
        if running := self._process:
            running.kill()
        with self._lock:
            self._discard()

    def _ask(
        self,
        header: child.Header,
        data: bytes,
        max_body_bytes: int,
        parse: Callable[[child.Header, bytes], _T],
    ) -> _T:
        with self._lock:
            reusable = False
            try:
                reply_header, body = self._reply(header, data, max_body_bytes)
                if "kind" in reply_header:
                    kind = FaultKind(reply_header["kind"])
                    reusable = kind is not FaultKind.CRASHED
                    raise AudioError(kind, str(reply_header["detail"]))
                result = parse(reply_header, body)
                reusable = True
                return result
            except _NONSENSE as error:
                detail = "the decoder's reply makes no sense"
                raise AudioError(FaultKind.CRASHED, detail) from error
            finally:
                if not reusable:
                    self._discard()

    def _reply(
        self, header: child.Header, data: bytes, max_body_bytes: int
    ) -> tuple[child.Header, bytes]:
        process, limit_seconds = self._running(), self._time_limit_seconds
        assert process.stdin and process.stdout
        start = time.monotonic()
        with _killed_after(limit_seconds, process):
            # A child that runs out of memory while it reads the file does reply.
            with contextlib.suppress(BrokenPipeError):
                child.send(process.stdin, header, data)
            reply = child.receive(process.stdout, max_body_bytes)
            if reply is None:
                process.wait()
        if time.monotonic() - start >= limit_seconds:
            raise AudioError(FaultKind.TIMED_OUT, f"not decoded within {limit_seconds:g} s")
        if reply is None:
            raise AudioError(FaultKind.CRASHED, f"the decoder was ended by {_end_of(process)}")
        return reply

    def _running(self) -> subprocess.Popen[bytes]:
        """Returns the running child; starts one if none is running.

        Raises:
            RuntimeError: where it does not start, or the decoder is closed.
        """
        if self._process is not None and self._process.poll() is None:
            return self._process
        self._discard()
        process = self._process = subprocess.Popen(
            [*_COMMAND, self._settings],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=_ROOT,
            env=_environment(),
            start_new_session=True,  # Ctrl-C is for the parent, which closes the decoder
        )
        assert process.stdout
        if self._closed:  # after `close` has looked for a child
            raise RuntimeError("the decoder is closed")
        with contextlib.suppress(*_NONSENSE), _killed_after(_START_LIMIT_SECONDS, process):
            if child.receive(process.stdout, 0) is not None:
                return process
        raise RuntimeError(f"the process that decodes does not start: {_COMMAND}")

    def _discard(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            # What it has not read cannot be flushed.
            with contextlib.suppress(BrokenPipeError), process:
                pass


@contextlib.contextmanager
def _killed_after(seconds: float, process: subprocess.Popen[bytes]) -> Iterator[None]:
    timer = threading.Timer(seconds, process.kill)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()  # or it could kill the process during the next file


def _end_of(process: subprocess.Popen[bytes]) -> str:
    status = process.returncode
    if status >= 0:
        return f"exit status {status}"
    # SIGKILL is not sent from here, but by the kernel.
    hint = " (out of memory?)" if -status == signal.SIGKILL else ""
    names = {number.value: number.name for number in signal.Signals}
    return f"{names.get(-status, f'signal {-status}')}{hint}"


def _environment() -> dict[str, str]:
    passed_on = {
        name: value
        for name, value in os.environ.items()
        if name in _PASSED_ON or name.startswith("PYTHON")
    }
    return {**passed_on, **_OWN_ENVIRONMENT}


def _clip(header: child.Header, body: bytes) -> Clip:
    rate_hz, n_channels = int(header["source_rate_hz"]), int(header["source_channels"])
    seconds = float(header["duration_seconds"])
    if not (
        rate_hz in SOURCE_RATES_HZ and 0 < n_channels <= MAX_CHANNELS and 0 < seconds < float("inf")
    ):
        raise ValueError(f"{seconds} s of {n_channels} channels at {rate_hz} Hz")
    flags = bool(header["near_silent"]), bool(header["out_of_phase"])
    return Clip(np.frombuffer(body, "<i2"), rate_hz, n_channels, seconds, *flags)


def _check_written(header: child.Header, _: bytes) -> None:
    if header["errno"]:
        raise OSError(header["errno"], os.strerror(header["errno"]))
