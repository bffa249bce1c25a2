"""The set-up's decisions, taken with fake programs on a PATH of the test's own."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tools import setup_env

SHELL_SCRIPT = Path(setup_env.__file__).with_suffix(".sh")
REAL_PROGRAMS = ["sh", "dirname"]


class Machine:
    """A machine with nothing on it but what a test puts there."""

    def __init__(self, folder: Path):
        self.bin = folder / "bin"
        self.home = folder / "home"
        self.root = folder / "checkout"
        for path in (self.bin, self.home, self.root / "requirements"):
            path.mkdir(parents=True)
        (self.root / "requirements" / "py310.txt").write_text("wheel==1 --hash=sha256:00\n")
        (self.root / "requirements" / "uv.txt").write_text("uv==1 --hash=sha256:00\n")
        (self.root / "setup.py").write_text("setup()\n")
        self.env = {"PATH": str(self.bin), "HOME": str(self.home)}

    def program(self, path: Path | str, script: str = "exit 0") -> str:
        path = self.bin / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return str(path)

    def python(self, path: Path | str, version: str = "3.10.13", **facts: object) -> str:
        """A program that answers the probe as a Python of that version would."""
        answer = {
            "version": version,
            "path": str(self.bin / path),
            "missing": [],
            "headers": True,
            "cc": "gcc -pthread",
            "cxx": "g++ -pthread",
            "platform": ["linux", "x86_64", "2.36"],
        }
        return self.program(path, f"echo '{json.dumps(answer | facts)}'")

    def pyenv(self, version: str) -> str:
        return self.python(self.home / ".pyenv/versions" / version / "bin/python", version)

    def choose(self) -> setup_env.Interpreter:
        return setup_env.choose_python(self.root, self.env)

    def make_venv(self) -> None:
        """What a finished set-up leaves behind, without what it installs."""
        python = self.root / ".venv/bin/python"
        self.program(python, "echo 1")
        (self.root / ".venv" / setup_env.MARKER).write_text("")
        setup_env.write_stamp(self.root, "3.10.13")

    def up_to_date(self) -> bool:
        return setup_env.is_up_to_date(self.root, self.env)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture
def no_download(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(root, env):
        raise setup_env.Unusable("uv could not download it (no network)")

    monkeypatch.setattr(setup_env, "fetch_python", refuse)


def test_python310_on_path_comes_first(machine):
    path = machine.python("python3.10")
    machine.pyenv("3.10.14")
    assert machine.choose().path == path


def test_a_shim_that_fails_is_passed_over(machine):
    machine.program("python3.10", "echo 'command not found' >&2; exit 127")
    path = machine.pyenv("3.10.13")
    assert machine.choose()[:3] == (path, "3.10.13", "pyenv")


def test_a_working_python310_behind_a_failing_shim_is_found(machine, tmp_path):
    machine.program("python3.10", "exit 127")
    path = machine.python(tmp_path / "second/python3.10")
    machine.env["PATH"] += os.pathsep + str(tmp_path / "second")
    assert machine.choose().path == path


def test_the_newest_of_pyenvs_versions_is_taken(machine):
    machine.pyenv("3.10.9")
    path = machine.pyenv("3.10.13")
    machine.pyenv("3.11.7")
    assert machine.choose().path == path


def test_pyenv_root_is_honoured(machine, tmp_path):
    machine.env["PYENV_ROOT"] = str(tmp_path / "elsewhere")
    path = machine.python(tmp_path / "elsewhere/versions/3.10.1/bin/python")
    assert machine.choose().path == path


def test_uvs_managed_versions_are_found_without_uv(machine):
    folder = machine.home / ".local/share/uv/python/cpython-3.10.16-linux-x86_64-gnu"
    path = machine.python(folder / "bin/python3.10")
    assert machine.choose()[:3] == (path, "3.10.13", "uv")


def test_uv_is_asked_where_it_keeps_its_versions(machine, tmp_path):
    path = machine.python(tmp_path / "kept/python3.10")
    machine.program("uv", f'[ "$*" = "python find --managed-python 3.10" ] && echo {path}')
    assert machine.choose().path == path


def test_python3_is_taken_where_it_is_310(machine):
    path = machine.python("python3")
    assert machine.choose().path == path


def test_where_there_is_none_uv_fetches_one(machine, tmp_path):
    machine.python("python3", "3.12.1")
    path = machine.python(tmp_path / "fetched/python3.10")
    done = tmp_path / "done"
    machine.program(
        "uv",
        f"""case "$*" in
            --version) echo uv 1 ;;
            'python install 3.10') : > {done} ;;
            'python find --managed-python 3.10') [ -e {done} ] && echo {path} ;;
        esac""",
    )
    assert machine.choose()[:3] == (path, "3.10.13", "uv")


def test_uvs_own_reason_is_told(machine):
    machine.program("uv", '[ "$1" = --version ] || { echo "  no route"; exit 1; }')
    with pytest.raises(setup_env.SetupError, match=r"could not download it \(no route\)"):
        machine.choose()


@pytest.mark.usefixtures("no_download")
def test_one_message_says_what_to_install(machine):
    machine.python("python3", "3.12.1")
    shim = machine.program("python3.10", "exit 127")
    with pytest.raises(setup_env.SetupError) as caught:
        machine.choose()
    message = str(caught.value)
    assert "No usable Python 3.10 was found" in message
    assert "no network" in message
    assert f"{shim}: it does not run" in message
    assert "apt install python3.10" in message
    assert "dnf install python3.10" in message
    assert "PYTHON=" in message
    assert "3.12.1" not in message


@pytest.mark.usefixtures("no_download")
@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"headers": False}, "apt install python3.10-dev; Fedora: dnf install python3.10-devel"),
        ({"missing": ["ensurepip"]}, "apt install python3.10-venv"),
        ({"missing": ["lzma", "sqlite3"]}, "built without lzma, sqlite3"),
        ({"platform": ["linux", "aarch64", "2.36"]}, "linux aarch64"),
        ({"platform": ["linux", "x86_64", "2.17"]}, "glibc is 2.17"),
    ],
)
def test_an_incomplete_python310_is_told_of(machine, facts, told):
    machine.python("python3.10", **facts)
    with pytest.raises(setup_env.SetupError, match=told):
        machine.choose()


def test_an_incomplete_python310_gives_way_to_a_complete_one(machine):
    machine.python("python3.10", headers=False)
    path = machine.pyenv("3.10.13")
    assert machine.choose().path == path


def test_python_asked_for_is_taken(machine):
    machine.python("python3.10")
    machine.env["PYTHON"] = machine.pyenv("3.10.2")
    assert machine.choose()[:3] == (machine.env["PYTHON"], "3.10.2", "PYTHON=")


def test_python_asked_for_must_be_310_even_where_another_is(machine):
    machine.python("python3.10")
    machine.python("python3.11", "3.11.7")
    machine.env["PYTHON"] = "python3.11"
    with pytest.raises(setup_env.SetupError, match=r"PYTHON=python3.11 .* 3.11.7, not 3.10"):
        machine.choose()


def test_python_asked_for_must_exist(machine):
    machine.env["PYTHON"] = "/no/such/python"
    with pytest.raises(setup_env.SetupError, match="PYTHON=/no/such/python names no program"):
        machine.choose()


def test_the_probe_knows_a_real_interpreter(machine):
    facts = setup_env.run_probe(shutil.which("python3") or "")
    assert facts["version"]
    assert Path(facts["path"]).exists()


def test_both_compilers_are_needed(machine):
    machine.python("python3.10")
    machine.program("gcc")
    with pytest.raises(setup_env.SetupError) as caught:
        setup_env.find_compilers(machine.choose(), machine.env)
    message = str(caught.value)
    assert "C++ (g++ -pthread)" in message
    assert "C (" not in message
    assert "apt install g++" in message
    assert "dnf install gcc gcc-c++" in message


def test_compilers_of_the_interpreter_need_no_setting(machine):
    machine.python("python3.10")
    machine.program("gcc")
    machine.program("g++")
    assert setup_env.find_compilers(machine.choose(), machine.env) == {}


def test_other_compilers_stand_in(machine):
    machine.python("python3.10")
    machine.program("clang")
    machine.program("c++")
    found = setup_env.find_compilers(machine.choose(), machine.env)
    assert found == {"CC": "clang", "CXX": "c++"}


def test_a_compiler_asked_for_is_not_replaced(machine):
    machine.python("python3.10")
    machine.program("gcc")
    machine.program("g++")
    machine.env["CXX"] = "icpx"
    with pytest.raises(setup_env.SetupError, match=r"C\+\+ \(icpx\)"):
        setup_env.find_compilers(machine.choose(), machine.env)


def test_install_stops_before_it_touches_anything_without_a_compiler(machine):
    machine.python("python3.10")
    with pytest.raises(setup_env.SetupError, match="no compiler"):
        setup_env.install(machine.root, machine.env)
    assert not (machine.root / ".venv").exists()


def test_a_finished_venv_is_left_alone(machine):
    machine.make_venv()
    assert machine.up_to_date()
    setup_env.install(machine.root, machine.env)


@pytest.mark.parametrize("name", ["requirements/py310.txt", "setup.py"])
def test_a_changed_file_makes_it_stale(machine, name):
    machine.make_venv()
    with (machine.root / name).open("a") as stream:
        stream.write("# changed\n")
    assert not machine.up_to_date()


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


def test_a_wrong_python_asked_for_is_refused_beside_a_finished_venv(machine):
    machine.make_venv()
    machine.env["PYTHON"] = machine.python("python3.11", "3.11.7")
    with pytest.raises(setup_env.SetupError, match="not 3.10"):
        machine.up_to_date()


def test_a_venv_whose_python_is_gone_is_stale(machine):
    machine.make_venv()
    (machine.root / ".venv/bin/python").unlink()
    assert not machine.up_to_date()


def test_a_stamp_cut_short_is_none(machine):
    machine.make_venv()
    stamp = machine.root / ".venv" / setup_env.STAMP
    stamp.write_text(stamp.read_text()[:20])
    assert not machine.up_to_date()


def test_a_failed_install_is_not_taken_for_a_finished_one(machine):
    """The venv that was there before, and all it held, must not be taken for the new one."""
    machine.make_venv()
    machine.program("gcc")
    machine.program("g++")
    machine.python("python3.10")
    (machine.root / "setup.py").write_text("changed\n")
    # The fake interpreter makes no venv, so the first step after that one fails.
    with pytest.raises((setup_env.SetupError, OSError, KeyError)):
        setup_env.install(machine.root, machine.env)
    assert not (machine.root / ".venv" / setup_env.STAMP).exists()
    assert not (machine.root / ".venv/bin").exists()
    assert (machine.root / ".venv" / setup_env.MARKER).exists()


def test_a_venv_of_the_persons_own_is_not_deleted(machine):
    machine.python("python3.10")
    keep = machine.root / ".venv/pyvenv.cfg"
    keep.parent.mkdir()
    keep.write_text("mine")
    with pytest.raises(setup_env.SetupError, match="was not made by this set-up"):
        setup_env.begin_venv(machine.root, machine.choose(), machine.env)
    assert keep.read_text() == "mine"


def test_a_failing_step_shows_the_end_of_the_log_and_its_name(machine):
    (machine.root / ".venv").mkdir()
    broken = machine.program("broken", "echo the reason; exit 1")
    with pytest.raises(setup_env.SetupError) as caught:
        setup_env.run_logged([broken], machine.root, machine.env, "installing")
    message = str(caught.value)
    assert message.startswith("installing failed.")
    assert str(machine.root / ".venv" / setup_env.LOG) in message
    assert "the reason" in message


def test_lock_blocks_keep_hashes_with_their_package():
    foo = "Foo-bar==1 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n"
    z = "z==2 \\\n    --hash=sha256:cc\n"
    assert setup_env.lock_blocks(f"# top\n{foo}    # via x\n{z}") == {"foo-bar": foo, "z": z}


def run_shell_script(machine: Machine) -> subprocess.CompletedProcess[str]:
    for name in REAL_PROGRAMS:
        (machine.bin / name).symlink_to(shutil.which(name) or "")
    return subprocess.run(
        [str(SHELL_SCRIPT), "install"],
        env=machine.env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


def test_the_shell_script_says_so_where_there_is_no_python_at_all(machine):
    machine.program("python3", "exit 127")
    done = run_shell_script(machine)
    assert done.returncode == 1
    assert "no Python 3.6 or newer" in done.stderr
    assert "apt install python3" in done.stderr


def test_the_shell_script_starts_with_any_python_that_runs(machine):
    machine.program("python3", "exit 127")
    machine.program(
        machine.home / ".pyenv/versions/3.8.18/bin/python", '[ "$1" = -c ] || echo ran "$@"'
    )
    done = run_shell_script(machine)
    assert done.stdout == f"ran {SHELL_SCRIPT.parent}/setup_env.py install\n"
