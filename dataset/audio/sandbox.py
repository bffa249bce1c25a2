"""Decoding in a process of its own, which a hostile file may crash, fill or keep busy."""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, BinaryIO, TypeVar, cast

from common.config import to_json
from dataset.audio import child, wire
from dataset.audio.decoding import Clip
from dataset.audio.reading import MAX_FILE_BYTES
from dataset.bad_files import AudioError, FaultKind
from dataset.config import AudioConfig

_ROOT = Path(__file__).resolve().parents[2]
_COMMAND = (sys.executable, "-m", child.__name__)
# A file of the largest size, its middle twice while it is resampled, and FFmpeg's libraries.
_MEMORY_LIMIT_BYTES = 2 * 2**30
_START_LIMIT_SECONDS = 120.0
_END_LIMIT_SECONDS = 5.0

_T = TypeVar("_T")


class Decoder:
    """Decodes files, one at a time, in a child process that starts with the first of them.

    A child that crashes or has to be ended is replaced for the next file. One Decoder serves one
    thread; several of them do not know of each other. After a fork each process has its own child.

    Args:
        config: sample rate and shortest and longest clip.
        time_limit_seconds: for one file.
        memory_limit_bytes: that the child may have beyond what it has before its first file; on
            Linux only.
        command: of a child, for tests.
    """

    def __init__(
        self,
        config: AudioConfig,
        time_limit_seconds: float = 60.0,
        memory_limit_bytes: int = _MEMORY_LIMIT_BYTES,
        command: Sequence[str] = _COMMAND,
    ):
        self._config = config
        self._time_limit_seconds = time_limit_seconds
        self._memory_limit_bytes = memory_limit_bytes
        self._command = command
        self._child: _Child | None = None
        self._interrupted = False

    def __enter__(self) -> Decoder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def child_pid(self) -> int | None:
        """The process id of the child, None where there is none."""
        return self._child.pid if self._child else None

    def decode(self, data: bytes) -> Clip:
        """Returns what `decode_clip` does.

        Raises:
            AudioError: as `decode_clip` does, and where decoding takes too long (TIMED_OUT), or
                ends the child or fills its memory (CRASHED).
            RuntimeError: where a child cannot be started at all.
        """
        return self._ask({}, data, 2 * self._config.clip_samples, wire.clip_of)

    def write_wav(
        self, data: bytes, path: Path, sample_rate_hz: int | None = None, mono: bool = False
    ) -> None:
        """Does what `wav.write_wav` does.

        Raises:
            AudioError: as `wav.write_wav` does, and as `decode` does.
            OSError: where the wav cannot be written.
            RuntimeError: where a child cannot be started at all.
        """
        header = {"path": str(path.absolute()), "sample_rate_hz": sample_rate_hz, "mono": mono}
        self._ask(header, data, 0, wire.check_written)

    def interrupt(self) -> None:
        """Ends the child at once and for good, so that what another thread asks of it fails."""
        self._interrupted = True
        if self._child is not None:
            self._child.kill()

    def _ask(
        self,
        header: wire.Header,
        data: bytes,
        most_bytes: int,
        result_of: Callable[[wire.Header, bytes], _T],
    ) -> _T:
        if len(data) > MAX_FILE_BYTES:
            raise AudioError(FaultKind.TOO_LARGE, f"more than {MAX_FILE_BYTES} bytes")
        try:
            running = self._running()
            return result_of(*running.ask(header, data, self._time_limit_seconds, most_bytes))
        except AudioError as error:
            if error.kind in (FaultKind.TIMED_OUT, FaultKind.CRASHED):
                self._discard()
            raise
        except (ValueError, KeyError, TypeError) as error:
            self._discard()
            raise AudioError(FaultKind.CRASHED, "the decoder's answer makes no sense") from error
        except BaseException:
            # Its answer may still come, and is not that to the next question.
            self._discard()
            raise

    def close(self) -> None:
        """Ends the child, if there is one; `decode` would start another."""
        old, self._child = self._child, None
        if old is not None:
            old.end()

    def _running(self) -> _Child:
        """Returns a child of this process that runs; one from before a fork belongs to another."""
        if self._child is not None and not (self._child.is_mine and self._child.is_alive):
            self.close()
        if self._child is None:
            settings = {
                "config": to_json(self._config),
                "time_limit_seconds": self._time_limit_seconds,
                "memory_limit_bytes": self._memory_limit_bytes,
            }
            self._child = _Child(self._command, settings)
        if self._interrupted:  # perhaps while the child was starting
            raise InterruptedError("the decoder has been interrupted")
        return self._child

    def _discard(self) -> None:
        if self._child is not None:
            self._child.kill()
        self.close()


class _Child:
    """A running child and its pipes.

    Args:
        command: that starts it.
        settings: its first message.

    Raises:
        RuntimeError: where it does not start.
    """

    def __init__(self, command: Sequence[str], settings: wire.Header):
        self._parent_pid = os.getpid()
        self._process = subprocess.Popen(
            command,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=_ROOT,
            env=_environment(),
        )
        # Popen's annotations know no more than that they are some files.
        self._requests = cast(io.FileIO, self._process.stdin)
        for pipe in (self._process.stdin, self._process.stdout):
            _widen(pipe)
        self._replies = cast(BinaryIO, io.BufferedReader(cast(io.FileIO, self._process.stdout)))
        started = False
        try:
            # A ValueError is what came instead of a message.
            with contextlib.suppress(ValueError), self._limit(_START_LIMIT_SECONDS):
                started = self._converse(settings, b"", 0) is not None
        finally:
            if not started:
                self.kill()
                self.end()
        if not started:
            raise RuntimeError(f"the process that decodes audio does not start: {command}")

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def is_mine(self) -> bool:
        """Whether this process started it, and not the one that this was forked from."""
        return self._parent_pid == os.getpid()

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended, as something else may make it between two files."""
        return self._process.poll() is None

    def ask(
        self, header: wire.Header, data: bytes, limit_seconds: float, most_bytes: int
    ) -> tuple[wire.Header, bytes]:
        """Returns the reply to a file.

        Raises:
            AudioError: where there is none; the child is then of no more use.
            ValueError: for what is no reply.
        """
        with self._limit(limit_seconds) as expired:
            reply = self._converse(header, data, most_bytes)
        if reply is not None and not expired.is_set():
            return reply
        status = self._end_status()
        if expired.is_set() or status == -signal.SIGALRM:
            detail = f"not decoded within {limit_seconds:g} s"
            raise AudioError(FaultKind.TIMED_OUT, detail)
        raise AudioError(FaultKind.CRASHED, f"the decoder was ended by {_ended_by(status)}")

    def _end_status(self) -> int:
        """Returns its exit status, as `subprocess` gives it; ends it where it takes long to end."""
        try:
            return self._process.wait(_END_LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def kill(self) -> None:
        """Ends it at once."""
        if self.is_mine:
            self._process.kill()

    def end(self) -> None:
        """Lets it end, for it can be asked no more; makes it, where it takes long."""
        self._requests.close()
        self._replies.close()
        if self.is_mine:
            self._end_status()

    def _converse(
        self, header: wire.Header, body: bytes, most_bytes: int
    ) -> tuple[wire.Header, bytes] | None:
        # What runs out of memory while it is asked does not hear all, but answers.
        with contextlib.suppress(BrokenPipeError):
            wire.send(self._requests, header, body)
        return wire.receive(self._replies, most_bytes)

    @contextlib.contextmanager
    def _limit(self, seconds: float) -> Iterator[threading.Event]:
        """Ends the child after a time; yields what is set then."""
        expired = threading.Event()

        def expire() -> None:
            expired.set()
            self._process.kill()

        timer = threading.Timer(seconds, expire)
        timer.daemon = True
        timer.start()
        try:
            yield expired
        finally:
            timer.cancel()
            timer.join()


def _widen(pipe: IO[bytes] | None) -> None:
    """Lets a pipe hold 1 MiB, where the system lets it: fewer turns for a file."""
    if pipe is not None and hasattr(fcntl, "F_SETPIPE_SZ"):
        with contextlib.suppress(OSError):
            fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, 2**20)


def _ended_by(status: int) -> str:
    """Returns what ended a process, by its exit status as `subprocess` gives it."""
    if status >= 0:
        return f"exit status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    # Nobody here sent it; the kernel does, when there is no memory left.
    return f"{name} (out of memory?)" if name == "SIGKILL" else name


def _environment() -> dict[str, str]:
    """Returns a child's environment.

    Our modules can be found, one thread is enough, and what glibc frees it keeps for the next file:
    fresh pages for every file take as long as decoding a wav.
    """
    paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths),
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "MALLOC_MMAP_THRESHOLD_": str(2**25),
        "MALLOC_TRIM_THRESHOLD_": str(2**27),
    }
