"""tools/setup_env.sh on a machine of a test's own, with a uv that installs nothing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAMS = "cat cmp cp find flock git grep head ls mkdir mv nproc rm sed sh sha256sum tail uname"
OLD, NEW = "2.36", "2.38"

# Stops at the first Python on PATH, as uv does, and writes down what it would install.
UV = """
case "$*" in
    "python find --system"*) "python$5" --version >/dev/null && command -v "python$5" ;;
    "python install"*) echo no network; exit 1 ;;
    --version) ;;
    venv*) mkdir .venv/bin; cp "$4" .venv/bin/python ;;
    *) echo "$* [${UV_DEFAULT_INDEX:-}|${SSL_CERT_FILE:-}]" >>uv-calls
       [ ! -e fail ] || { echo the reason; exit 1; } ;;
esac"""


class Machine:
    """A machine with compilers, a checkout, and the Pythons that a test adds."""

    def __init__(self, folder: Path):
        self.folder, self.checkout = folder, folder / "check out"
        for name in ("setup.py", "tools/setup_env.sh"):
            (self.checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, self.checkout / name)
        shutil.copytree(ROOT / "requirements", self.checkout / "requirements")
        for name in ("cc", "c++"):
            self.program(f"bin/{name}", "")
        for name in PROGRAMS.split():
            (folder / "bin" / name).symlink_to(shutil.which(name) or "")
        self.program("bin/python3", f'exec "{sys.executable}" "$@"')
        self.program("check out/.venv-tools/bin/python", 'echo "${PIP_SETTINGS:-}"')
        self.program("check out/.venv-tools/bin/uv", UV)
        shutil.copy(self.checkout / "requirements/uv.txt", self.checkout / ".venv-tools/uv.txt")
        self.env = {"PATH": f"{folder}/bin", "HOME": str(folder)}
        self.glibc(NEW)

    def program(self, name: str, script: str) -> str:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return str(path)

    def glibc(self, version: str) -> None:
        self.program("bin/getconf", f"echo glibc {version}" if version else "exit 1")

    def python(self, version: str, changed: str = "pass", folder: str = "bin") -> str:
        """This Python, which says that it is of another version; returns its path."""
        short = version.rpartition(".")[0]
        name = f"{folder}/python{short}"
        code = (
            "import os, sys, sysconfig; "
            f"sys.version_info = (*map(int, '{version}'.split('.')), 'final', 0); "
            f"sys.executable = '{self.folder}/{name}'; "
            f"abi = 'cpython-{short.replace('.', '')}-x86_64-linux-gnu'; "
            f"sysconfig.get_config_var = lambda name: abi; {changed}; exec(sys.argv.pop(1))"
        )
        script = f'[ "$1" = -c ] || {{ echo Python {version}; exit; }}\nshift\n'
        return self.program(name, f'{script}exec "{sys.executable}" -c "{code}" "$@"')

    def run(self, command: str = "install", **env: str) -> subprocess.CompletedProcess[str]:
        # By its relative path, as make runs it.
        return subprocess.run(
            ["tools/setup_env.sh", *command.split()],
            cwd=self.checkout,
            env=self.env | env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )

    def installs(self, **env: str) -> str:
        """Runs a set-up that has to succeed; returns what it says."""
        done = self.run(**env)
        assert (done.returncode, done.stdout) == (0, ""), done.stderr
        return done.stderr

    def stops(self, **env: str) -> str:
        """Runs a set-up that has to stop; returns what it says."""
        done = self.run(**env)
        assert done.returncode == 1
        assert done.stderr.count("Set-up stopped:") == 1
        return done.stderr

    def uv_calls(self) -> list[str]:
        calls = self.checkout / "uv-calls"
        return calls.read_text().splitlines() if calls.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


# Which Python, and with it which TFX


@pytest.mark.parametrize(
    ("glibc", "present", "chosen", "reason"),
    [
        (NEW, ["3.10.13", "3.11.7", "3.12.1", "3.13.0"], "3.13.0", "glibc 2.38 is new enough"),
        ("2.41", ["3.9.18", "3.11.7", "3.14.0"], "3.11.7", "no usable Python 3.13 3.12"),
        ("2.28", ["3.10.13", "3.13.0"], "3.10.13", "TFX 1.21 needs glibc 2.38"),
    ],
)
def test_the_newest_tfx_that_glibc_and_the_pythons_allow(machine, glibc, present, chosen, reason):
    machine.glibc(glibc)
    for version in present:
        machine.python(version)
    tfx = "1.16" if chosen == "3.10.13" else "1.21"
    line = machine.installs().splitlines()[0]
    assert line.startswith(f"TFX {tfx} on Python {chosen} (")
    assert reason in line
    [sync] = [call for call in machine.uv_calls() if " pip sync " in call]
    assert sync.split(" [")[0].endswith(f" requirements/tfx-{tfx}.txt")
    assert "--require-hashes" in sync and "--require-build-hashes" in sync
    assert f"requirements/tfx-{tfx}.txt" in (machine.checkout / ".venv/setup-done").read_text()


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ("sysconfig.get_path = lambda name: '/nowhere'", "apt install python3.13-dev"),
        ("abi = 'cpython-313t-x86_64-linux-gnu'", "not the usual CPython"),
        ("sys.modules['_lzma'] = sys.modules['lzma'] = None", "lzma"),
        ("sys.exit(1)", "does not run"),
    ],
)
def test_a_python_that_lacks_something_gives_way_or_is_refused(machine, changed, fault):
    machine.python("3.12.1")
    path = machine.python("3.13.0", changed)
    assert fault in machine.stops(PYTHON=path)
    line = machine.installs().splitlines()[0]
    assert line.startswith("TFX 1.21 on Python 3.12.1 (")
    assert path in line and fault in line


def test_a_python_of_a_wrong_version_is_refused_and_the_right_ones_are_named(machine):
    machine.glibc(OLD)
    machine.python("3.10.13")
    machine.installs()
    path = machine.python("3.13.0")
    said = machine.stops(PYTHON=path)
    assert f"PYTHON={path} cannot be used: it is Python 3.13.0." in said
    assert "Name a Python 3.10 (TFX 1.21 needs glibc 2.38" in said
    assert machine.installs() == ""  # what was there is still whole


def test_another_c_library_and_an_old_glibc_are_refused(machine):
    machine.python("3.10.13")
    for version in ("", "2.27"):
        machine.glibc(version)
        assert "need Linux on x86-64 and glibc 2.28 or newer" in machine.stops()


# What is missing


@pytest.mark.parametrize(
    ("removed", "named"), [("cc c++", "cc, c++"), ("python3", "Python 3.8"), ("flock", "flock")]
)
def test_what_is_missing_is_said_before_anything_is_made(machine, removed, named):
    machine.python("3.13.0")
    for name in removed.split():
        (machine.folder / "bin" / name).unlink()
    said = machine.stops()
    assert f"not found: {named}" in said
    assert "apt install g++ python3-dev python3-venv" in said
    assert not (machine.checkout / ".venv").exists()


def test_no_python_and_no_network_is_one_message_with_the_reason_and_the_cure(machine):
    said = machine.stops()
    assert "no network" in said and "apt install g++ python3-dev" in said
    assert str(machine.checkout / ".venv/install.log") in said


def test_a_failed_set_up_shows_the_reason_and_is_repaired_by_the_next(machine):
    machine.python("3.13.0")
    machine.installs()
    with (machine.checkout / "setup.py").open("a") as stream:
        stream.write("# changed\n")
    (machine.checkout / "fail").touch()
    said = machine.stops()
    assert "the reason" in said and str(machine.checkout / ".venv/install.log") in said
    assert not (machine.checkout / ".venv/setup-done").exists()
    (machine.checkout / "fail").unlink()
    assert ".venv is ready" in machine.installs()


# Whether .venv is up to date


def test_a_second_set_up_does_nothing_unless_what_it_was_made_from_has_changed(machine):
    machine.python("3.12.1")
    machine.installs()
    calls = machine.uv_calls()
    machine.python("3.13.0")  # turns up later
    with (machine.checkout / "requirements/tfx-1.16.txt").open("a") as stream:
        stream.write("# changed, and not what is installed\n")
    assert machine.installs() == ""
    assert machine.uv_calls() == calls
    for name in ("requirements/tfx-1.21.txt", "setup.py"):
        with (machine.checkout / name).open("a") as stream:
            stream.write("# changed\n")
        assert machine.installs()


def test_a_moved_checkout_a_lost_python_and_another_python_make_it_stale(machine):
    machine.python("3.13.0")
    machine.installs()
    machine.checkout = machine.checkout.rename(machine.folder / "moved")
    assert machine.installs()
    (machine.checkout / ".venv/bin/python").unlink()
    assert machine.installs()
    path = machine.python("3.13.1")
    assert machine.installs(PYTHON=path)
    assert not machine.installs(PYTHON=path)


@pytest.mark.parametrize("is_link", [False, True])
def test_a_venv_of_somebody_elses_is_left_alone(machine, is_link):
    machine.python("3.13.0")
    folder = machine.folder / "other" if is_link else machine.checkout / ".venv"
    folder.mkdir()
    if is_link:
        (folder / "install.log").touch()
        (machine.checkout / ".venv").symlink_to(folder)
    (folder / "pyvenv.cfg").write_text("mine")
    assert "was not made here" in machine.stops()
    assert (folder / "pyvenv.cfg").read_text() == "mine"


def test_a_second_set_up_waits_for_the_first_and_finds_it_done(machine):
    machine.python("3.13.0")
    command = [machine.checkout / "tools/setup_env.sh", "install"]
    both = [subprocess.Popen(command, env=machine.env) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert len([call for call in machine.uv_calls() if " pip sync " in call]) == 1


# uv, and what a bug report needs


def test_uv_gets_the_index_and_the_certificates_that_pip_has(machine):
    settings = ":env:.cert='/ca.pem'\nglobal.cert='/other.pem'\nglobal.index-url='https://i/simple'"
    done = machine.run("uv pip compile setup.py", PIP_SETTINGS=settings)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    machine.run("uv pip compile", PIP_SETTINGS=settings, UV_DEFAULT_INDEX="https://own")
    assert machine.uv_calls() == [
        "pip compile setup.py [https://i/simple|/ca.pem]",
        "pip compile [https://own|/ca.pem]",
    ]


def test_the_pinned_uv_is_installed_with_its_hashes_in_place_of_another(machine):
    tools = machine.checkout / ".venv-tools"
    (tools / "uv.txt").write_text("uv==1\n")
    uv = shutil.copy(tools / "bin/uv", machine.folder / "uv")
    record = f'echo "$*" >>pip-calls; cp "{uv}" "${{0%/*}}/uv"'
    pip = machine.program("pip", f'[ "$3" != install ] || {{ {record}; }}')
    make = f'rm -r "$4"; mkdir -p "$4/bin"; cp "{pip}" "$4/bin/python"'
    machine.program("bin/python3", f'[ "$1" = -c ] || {{ {make}; }}')
    for _ in range(2):
        assert machine.run("uv --version").returncode == 0
    calls = (machine.checkout / "pip-calls").read_text()
    assert calls == "-m pip install --require-hashes -r requirements/uv.txt\n"


def test_versions_say_what_is_here(machine):
    assert "not up to date" in machine.run("versions").stdout
    machine.python("3.13.0")
    machine.installs()
    said = machine.run("versions").stdout
    assert "glibc 2.38" in said and "requirements/tfx-1.21.txt, Python 3.13.0" in said
