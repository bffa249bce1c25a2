"""uv, found or installed, and what it fetches."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from tools import uv
from tools.interpreters import Unusable


def private(machine) -> Path:
    return machine.root / ".venv-tools"


def host(machine, monkeypatch: pytest.MonkeyPatch, venv: str, pip: str) -> None:
    """Let the set-up run under a Python that does this for `-m venv` and `-m pip`."""
    for name in ("mkdir", "cp"):
        (machine.bin / name).symlink_to(shutil.which(name) or "")
    script = (
        f'echo "$*" >> "{machine.folder}/host-calls"\ncase "$2" in venv) {venv};; pip) {pip};; esac'
    )
    path = machine.program(machine.folder / "host/python", script)
    monkeypatch.setattr(sys, "executable", path)


# Finding uv


def test_uv_on_path_is_taken(machine):
    path = machine.uv("echo uv 1")
    machine.program(private(machine) / "bin/uv", "echo uv 2")
    assert uv.find_uv(machine.root, machine.env) == path


def test_a_uv_that_does_not_run_gives_way_to_the_one_installed_before(machine):
    machine.uv("exit 127")
    path = machine.program(private(machine) / "bin/uv", "echo uv 2")
    assert uv.find_uv(machine.root, machine.env) == path


def test_where_there_is_none_uv_is_installed_with_its_hashes(machine, monkeypatch):
    ready = machine.program(machine.folder / "ready/uv", "echo uv 1")
    pip = machine.program(
        machine.folder / "ready/python",
        f'echo "$*" >> "{machine.folder}/pip-calls"; cp "{ready}" "${{0%/*}}/uv"',
    )
    host(machine, monkeypatch, f'mkdir -p "$3/bin"; cp "{pip}" "$3/bin/python"', "exit 1")
    (private(machine) / "lib").mkdir(parents=True)  # half of an earlier one
    assert uv.find_uv(machine.root, machine.env) == str(private(machine) / "bin/uv")
    lock = machine.root / "requirements/uv.txt"
    wanted = f"-m pip install --require-hashes -r {lock}\n"
    assert (machine.folder / "pip-calls").read_text() == wanted
    assert not (private(machine) / "lib").exists()


def test_a_python_without_venv_installs_uv_with_its_pip(machine, monkeypatch):
    ready = machine.program(machine.folder / "ready/uv", "echo uv 1")
    folder = private(machine)
    host(machine, monkeypatch, "exit 1", f'mkdir -p "{folder}/bin"; cp "{ready}" "{folder}/bin/uv"')
    assert uv.find_uv(machine.root, machine.env) == str(folder / "bin/uv")
    call = (machine.folder / "host-calls").read_text().splitlines()[-1]
    assert call.startswith("-m pip install --require-hashes -r ")
    assert call.endswith(f" --target {folder}")


def test_a_uv_that_pip_cannot_install_is_told_of(machine, monkeypatch):
    host(machine, monkeypatch, "exit 1", "exit 1")
    with pytest.raises(Unusable, match="pip could not install uv"):
        uv.find_uv(machine.root, machine.env)


# Fetching a Python


@pytest.mark.parametrize(("minor", "version"), [(10, "3.10.18"), (13, "3.13.5")])
def test_a_python_is_fetched_by_its_version(machine, minor, version):
    path = machine.uv_that_fetches(version)
    fetched = uv.fetch_python(machine.root, machine.env, minor)
    assert fetched[:3] == (path, version, "uv")


def test_a_fetch_is_announced_and_leaves_standard_output_alone(machine, capsys):
    machine.uv_that_fetches("3.13.5")
    uv.fetch_python(machine.root, machine.env, 13)
    out, err = capsys.readouterr()
    assert out == ""
    assert "fetching 3.13 with uv" in err


def test_a_fetched_python_is_not_linked_into_the_persons_programs(machine):
    machine.uv_that_fetches("3.13.5")
    uvs = machine.bin / "uv"
    check = '[ "$2" != install ] || [ "$UV_PYTHON_INSTALL_BIN" = 0 ] || exit 1\n'
    uvs.write_text(uvs.read_text().replace("case", check + "case", 1))
    uv.fetch_python(machine.root, machine.env, 13)
    assert "UV_PYTHON_INSTALL_BIN" not in machine.env


@pytest.mark.parametrize(
    ("says", "told"),
    [("echo trying; echo '  no route '", "no route"), ("true", "no reason given")],
)
def test_uvs_own_reason_is_told(machine, says, told):
    machine.uv(f'[ "$1" = --version ] || {{ {says}; exit 1; }}')
    with pytest.raises(Unusable, match=rf"could not download it \({told}\)"):
        uv.fetch_python(machine.root, machine.env, 13)


def test_a_python_that_uv_installs_and_does_not_find_is_told_of(machine):
    machine.uv("exit 0")
    with pytest.raises(Unusable, match="does not find it"):
        uv.fetch_python(machine.root, machine.env, 13)


def test_a_fetched_python_must_be_fit(machine):
    machine.uv_that_fetches("3.13.5", platform=["linux", "aarch64"])
    with pytest.raises(Unusable, match="linux aarch64"):
        uv.fetch_python(machine.root, machine.env, 13)
