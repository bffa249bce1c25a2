"""A machine of a test's own: fake programs on its PATH, a fake home, a fake checkout, a glibc."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools import choose_python, setup_env


class Machine:
    """A machine with nothing on it but what a test puts there."""

    def __init__(self, folder: Path):
        self.glibc: tuple[int, ...] = (2, 36)
        self.folder = folder
        self.bin = folder / "bin"
        self.home = folder / "home"
        self.root = folder / "checkout"
        for path in (self.bin, self.home, self.root / "requirements"):
            path.mkdir(parents=True)
        for name in ("tfx-1.16", "tfx-1.21"):
            lock = f"# {name}\n" + "".join(
                f"{x}==1 --hash=sha256:00\n" for x in ("setuptools", "wheel")
            )
            (self.root / "requirements" / f"{name}.txt").write_text(lock)
        (self.root / "requirements" / "uv.txt").write_text("uv==1 --hash=sha256:00\n")
        (self.root / "setup.py").write_text("setup()\n")
        self.env = {"PATH": str(self.bin), "HOME": str(self.home)}

    def program(self, path: Path | str, script: str = "exit 0") -> str:
        path = self.bin / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return str(path)

    def python(self, path: Path | str, version: str = "3.10.13", /, **facts: object) -> str:
        """A program that answers the probe as a Python of that version would, and no more."""
        answer = {
            "version": version,
            "path": str(self.bin / path),
            "missing": [],
            "headers": True,
            "cc": "gcc -pthread",
            "cxx": "g++ -pthread",
            "platform": ["linux", "x86_64"],
            "free_threaded": False,
        }
        return self.program(path, f"[ \"$1\" = -c ] || exit 1\necho '{json.dumps(answer | facts)}'")

    def pyenv(self, version: str, **facts: object) -> str:
        path = self.home / ".pyenv/versions" / version / "bin/python"
        return self.python(path, version, **facts)

    def compilers(self) -> None:
        self.program("gcc")
        self.program("g++")

    def uv(self, script: str = "exit 0") -> str:
        """A uv that writes down how it is called."""
        return self.program("uv", f'echo "$*" >> "{self.folder}/uv-calls"\n{script}')

    def uv_calls(self) -> list[str]:
        calls = self.folder / "uv-calls"
        return calls.read_text().splitlines() if calls.exists() else []

    def uv_that_fetches(self, version: str, **facts: object) -> str:
        """A uv that has nothing yet and can download one version; returns that one's path."""
        short = version.rpartition(".")[0]
        path = self.python(self.folder / f"fetched/python{short}", version, **facts)
        done = self.folder / "fetched/done"
        self.uv(
            f"""case "$*" in
                --version) echo uv 1 ;;
                'python install {short}') : > "{done}" ;;
                'python find --managed-python {short}') [ -e "{done}" ] && echo "{path}" ;;
                *) exit 1 ;;
            esac"""
        )
        return path

    def choose(self) -> choose_python.Choice:
        return choose_python.choose_python(self.root, self.env)

    def make_venv(self, version: str = "3.10.13") -> None:
        """What a finished set-up leaves behind, without what it installs."""
        self.program(self.root / ".venv/bin/python", "echo 1")
        (self.root / ".venv" / setup_env.MARKER).write_text("")
        setup_env.write_stamp(self.root, version)

    def up_to_date(self) -> bool:
        return setup_env.is_up_to_date(self.root, self.env)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Return a machine with an old glibc, no Python and no compiler."""
    made = Machine(tmp_path)
    monkeypatch.setattr(choose_python, "machine_glibc", lambda: made.glibc)
    return made
