"""How .venv is made and when it is made anew, with fake programs on a PATH of the test's own."""

from __future__ import annotations

import ast
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools import setup_env
from tools.interpreters import SetupError

ROOT = Path(setup_env.ROOT)
SHELL_SCRIPT = ROOT / "tools/setup_env.sh"
REAL_PROGRAMS = ["sh", "dirname"]
LOCK_OF = {"3.10.13": "requirements/tfx-1.16.txt", "3.13.0": "requirements/tfx-1.21.txt"}


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Install nothing; return what would have been installed."""
    names: list[str] = []

    def begin_venv(root, python, env):
        program = root / ".venv/bin/python"
        program.parent.mkdir(parents=True)
        program.write_text("#!/bin/sh\necho 1\n")
        program.chmod(0o755)

    def install_requirements(root, requirements, env):
        names.append(requirements)

    monkeypatch.setattr(setup_env, "begin_venv", begin_venv)
    monkeypatch.setattr(setup_env, "install_requirements", install_requirements)
    return names


def append(path: Path, text: str) -> None:
    with path.open("a") as stream:
        stream.write(text)


# Whether .venv is up to date


@pytest.mark.parametrize("version", LOCK_OF)
def test_a_finished_venv_is_left_alone(machine, installed, version):
    machine.make_venv(version)
    assert machine.up_to_date()
    setup_env.install(machine.root, machine.env)
    assert installed == []


@pytest.mark.parametrize("version", LOCK_OF)
@pytest.mark.parametrize("changed", [*LOCK_OF.values(), "requirements/uv.txt", "setup.py"])
def test_only_what_it_was_made_from_makes_it_stale(machine, version, changed):
    machine.make_venv(version)
    append(machine.root / changed, "# changed\n")
    assert machine.up_to_date() == (changed not in (LOCK_OF[version], "setup.py"))


def test_a_moved_checkout_makes_it_stale(machine, tmp_path):
    machine.make_venv()
    machine.root = machine.root.rename(tmp_path / "moved")
    assert not machine.up_to_date()


def test_another_python_asked_for_makes_it_stale(machine):
    machine.make_venv()
    machine.env["PYTHON"] = machine.pyenv("3.10.13")
    assert machine.up_to_date()
    machine.env["PYTHON"] = machine.pyenv("3.10.2")
    assert not machine.up_to_date()


def test_a_python_of_the_other_generation_asked_for_makes_it_stale(machine):
    machine.glibc = (2, 38)
    machine.make_venv("3.13.0")
    machine.env["PYTHON"] = machine.pyenv("3.10.13")
    assert not machine.up_to_date()


def test_a_better_python_that_turns_up_later_leaves_it_as_it_is(machine):
    machine.glibc = (2, 38)
    machine.make_venv("3.10.13")
    machine.python("python3.13", "3.13.0")
    assert machine.up_to_date()


@pytest.mark.parametrize("version", ["3.9.18", "3.13.0", "3.14.0"])
def test_a_wrong_python_asked_for_is_refused_beside_a_finished_venv(machine, version):
    machine.make_venv()
    machine.env["PYTHON"] = machine.python("other", version)
    with pytest.raises(SetupError, match=f"it is Python {version}"):
        machine.up_to_date()


def test_a_venv_whose_python_is_gone_is_stale(machine):
    machine.make_venv()
    (machine.root / ".venv/bin/python").unlink()
    assert not machine.up_to_date()


@pytest.mark.parametrize(
    "stamp",
    [
        "",
        '{"digest": "0123',
        "{}",
        # As it was when there was one generation, and with a Python of none.
        '{"digest": "0123", "python": "3.10.13", "root": "/checkout"}',
        '{"digest": "0123", "python": "3.14.0", "root": "/checkout"}',
    ],
)
def test_a_stamp_that_is_cut_short_or_of_another_time_is_none(machine, stamp):
    machine.make_venv()
    (machine.root / ".venv" / setup_env.STAMP).write_text(stamp)
    assert not machine.up_to_date()


# Making it


@pytest.mark.parametrize(
    ("glibc", "name", "version", "line"),
    [
        (
            (2, 38),
            "python3.13",
            "3.13.0",
            "TFX 1.21 on Python 3.13.0 (PATH: {path}), since glibc 2.38 is new enough (2.38)",
        ),
        (
            (2, 38),
            "python3.10",
            "3.10.13",
            "TFX 1.16 on Python 3.10.13 (PATH: {path}), "
            "since no usable Python 3.11 to 3.13 for TFX 1.21 was found",
        ),
        (
            (2, 36),
            "python3.10",
            "3.10.13",
            "TFX 1.16 on Python 3.10.13 (PATH: {path}), "
            "since TFX 1.21 needs glibc 2.38 or newer, and this is 2.36",
        ),
    ],
)
def test_install_says_what_it_takes_and_why(machine, installed, capsys, glibc, name, version, line):
    machine.glibc = glibc
    machine.compilers()
    path = machine.python(name, version)
    setup_env.install(machine.root, machine.env)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[0] == line.format(path=path)
    assert installed == [LOCK_OF[version]]


def test_install_names_python_where_it_was_asked_for(machine, installed, capsys):
    machine.glibc = (2, 38)
    machine.compilers()
    machine.python("python3.13", "3.13.0")
    machine.env["PYTHON"] = machine.pyenv("3.10.13")
    setup_env.install(machine.root, machine.env)
    line = capsys.readouterr().err.splitlines()[0]
    assert line.startswith(f"TFX 1.16 on Python 3.10.13 (PYTHON=: {machine.env['PYTHON']})")
    assert installed == ["requirements/tfx-1.16.txt"]


def test_a_second_install_does_nothing_and_says_nothing(machine, installed, capsys):
    machine.compilers()
    machine.python("python3.10")
    setup_env.install(machine.root, machine.env)
    capsys.readouterr()
    setup_env.install(machine.root, machine.env)
    assert capsys.readouterr() == ("", "")
    assert len(installed) == 1


def test_install_stops_before_it_touches_anything_without_a_compiler(machine):
    machine.python("python3.10")
    with pytest.raises(SetupError, match="no compiler"):
        setup_env.install(machine.root, machine.env)
    assert not (machine.root / ".venv").exists()


def test_a_failed_install_is_not_taken_for_a_finished_one(machine):
    machine.make_venv()
    machine.compilers()
    machine.python("python3.10")
    append(machine.root / "setup.py", "# changed\n")
    # The fake interpreter cannot make a venv.
    with pytest.raises(SetupError, match=r"making \.venv failed"):
        setup_env.install(machine.root, machine.env)
    # What was there before must not be taken for the new one.
    assert not (machine.root / ".venv" / setup_env.STAMP).exists()
    assert not (machine.root / ".venv/bin").exists()
    assert (machine.root / ".venv" / setup_env.MARKER).exists()


def test_a_venv_of_the_persons_own_is_not_deleted(machine):
    machine.python("python3.10")
    keep = machine.root / ".venv/pyvenv.cfg"
    keep.parent.mkdir()
    keep.write_text("mine")
    with pytest.raises(SetupError, match="was not made by this set-up"):
        setup_env.begin_venv(machine.root, machine.choose().python, machine.env)
    assert keep.read_text() == "mine"


@pytest.mark.parametrize("requirements", LOCK_OF.values())
def test_the_build_tools_come_before_the_lock_of_the_generation(machine, requirements):
    calls = machine.folder / "pip-calls"
    machine.program(machine.root / ".venv/bin/python", f'echo "$*" >> "{calls}"')
    setup_env.install_requirements(machine.root, requirements, machine.env)
    tools = machine.root / ".venv/build-tools.txt"
    locked = "-m pip install --no-deps --require-hashes"
    first, second, third, last = calls.read_text().splitlines()
    assert first == f"{locked} -r {tools}"
    assert second == f"{locked} --no-build-isolation -r {requirements}"
    assert third.endswith("-e .")
    assert last == "-m pip check"
    assert tools.read_text().split() == [
        *("setuptools==1", "--hash=sha256:00", "wheel==1", "--hash=sha256:00")
    ]


def test_a_failing_step_shows_the_end_of_the_log_and_its_name(machine):
    (machine.root / ".venv").mkdir()
    broken = machine.program("broken", "echo the reason; exit 1")
    with pytest.raises(SetupError) as caught:
        setup_env.run_logged([broken], machine.root, machine.env, "installing")
    message = str(caught.value)
    assert message.startswith("installing failed.")
    assert str(machine.root / ".venv" / setup_env.LOG) in message
    assert "the reason" in message


# The commands


@pytest.fixture
def checkout(machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup_env, "ROOT", machine.root)


@pytest.mark.usefixtures("checkout")
def test_what_stops_the_set_up_is_told_without_a_traceback(machine, capsys):
    machine.env["PYTHON"] = "/no/such/python"
    assert setup_env.main(["install"], machine.env) == 1
    assert capsys.readouterr().err.startswith("Set-up stopped: PYTHON=/no/such/python")


@pytest.mark.usefixtures("checkout")
def test_a_missing_compiler_is_told_with_its_cure(machine, capsys):
    machine.python("python3.10")
    machine.program("gcc")
    assert setup_env.main(["install"], machine.env) == 1
    said = capsys.readouterr().err
    assert "no compiler for C++ (g++ -pthread) was found" in said
    assert "apt install g++" in said
    assert "dnf install gcc gcc-c++" in said


@pytest.mark.usefixtures("checkout")
def test_uv_is_printed_and_nothing_else(machine, capsys):
    path = machine.uv("echo uv 1")
    assert setup_env.main(["uv"], machine.env) == 0
    assert capsys.readouterr() == (f"{path}\n", "")


@pytest.mark.usefixtures("checkout")
@pytest.mark.parametrize("arguments", [[], ["python"], ["install", "now"]])
def test_an_unknown_command_is_answered_with_those_that_there_are(machine, capsys, arguments):
    assert setup_env.main(arguments, machine.env) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "setup_env.sh install" in err
    assert "setup_env.sh uv" in err


# What is run first of all


def test_the_set_up_needs_the_standard_library_only():
    for source in (ROOT / "tools").glob("*.py"):
        for node in ast.walk(ast.parse(source.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for name in names:
                assert name.split(".")[0] in {*sys.stdlib_module_names, "tools"}, source


def run_shell_script(
    machine, *arguments: str, script: str = str(SHELL_SCRIPT), cwd: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    for name in REAL_PROGRAMS:
        (machine.bin / name).symlink_to(shutil.which(name) or "")
    return subprocess.run(
        [script, *arguments],
        cwd=cwd,
        env=machine.env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


def test_the_shell_script_says_so_where_there_is_no_python_at_all(machine):
    machine.program("python3", "exit 127")
    done = run_shell_script(machine, "install")
    assert done.returncode == 1
    assert "no Python 3.6 or newer" in done.stderr
    assert "apt install python3" in done.stderr


def test_the_shell_script_starts_with_any_python_that_runs(machine):
    machine.program("python3", "exit 127")
    machine.program(
        machine.home / ".pyenv/versions/3.8.18/bin/python", '[ "$1" = -c ] || echo "$@"'
    )
    done = run_shell_script(machine, "install")
    assert done.stdout == "-m tools.setup_env install\n"


def test_the_shell_script_goes_to_the_checkout(machine, tmp_path):
    machine.program("python3", '[ "$1" = -c ] || pwd')
    done = run_shell_script(machine, "install", cwd=tmp_path)
    assert Path(done.stdout.strip()).resolve() == ROOT


@pytest.mark.parametrize("variable", ["CDPATH", "PYTHONPATH", "PYTHONSAFEPATH"])
def test_the_shell_script_runs_this_set_up_whatever_else_is_called_tools(machine, variable):
    other = machine.folder / "other"
    (other / "tools").mkdir(parents=True)
    (other / "tools/__init__.py").write_text("")
    machine.env[variable] = str(other)
    machine.program("python3", f'exec {shlex.quote(sys.executable)} -B "$@"')
    # By its relative path, as make runs it: only that one is looked for in CDPATH.
    done = run_shell_script(machine, "no such command", script="tools/setup_env.sh")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Make .venv")
