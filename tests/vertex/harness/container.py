"""Containers, as processes: the image's code and nothing else of the checkout."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

_CLOUD = Path(__file__).parent / "cloud"


class ContainerError(RuntimeError):
    """A container ended with an exit status other than 0."""


def install(checkout: Path, folder: Path) -> Path:
    """Return a folder with what `setup.py` installs, which is what the image has of the project."""
    code = folder / "code"
    options = ["-q", "build", "-b", f"{folder}/build", f"--build-lib={code}"]
    command = [sys.executable, "setup.py", *options]
    subprocess.run(command, cwd=checkout, check=True, capture_output=True)
    return code


def wait(process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait for a container to end.

    Raises:
        ContainerError: with the end of the output, where it fails.
    """
    if process.wait():
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-60:])
        raise ContainerError(f"exit status {process.returncode}, see {log}\n{tail}")


@dataclasses.dataclass(frozen=True)
class Image:
    """What a container is started from.

    Attributes:
        name: as the spec has it; a task that names another image is not run.
        code: the project's packages.
        home: an empty folder, the working directory of every container.
        environment: further variables.
    """

    name: str
    code: Path
    home: Path
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def run(self, command: Sequence[str], log: Path) -> None:
        """Run a command line to its end, with its output in a file.

        Raises:
            ContainerError: with the end of the output, where it fails.
        """
        wait(self.start(command, log), log)

    def start(
        self, command: Sequence[str], log: Path, environment: Iterable[tuple[str, str]] = ()
    ) -> subprocess.Popen[bytes]:
        """Start a command line with its output in a file."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            return subprocess.Popen(
                command,
                cwd=self.home,
                env={**self._environment(), **dict(environment)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def _environment(self) -> dict[str, str]:
        """Return all variables that a container has: none of this process's own."""
        return {
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "HOME": str(self.home),
            "TMPDIR": str(self.home),
            "LANG": "C.UTF-8",
            "PYTHONPATH": f"{_CLOUD}:{self.code}",
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            **self.environment,
        }
