"""What is found on a machine, and what is wrong with it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools import interpreters
from tools.generations import GENERATIONS, generation_of
from tools.interpreters import OtherVersion, SetupError, Unusable, candidates, find_compilers

PYTHON310 = generation_of("3.10.0")
PYTHON313 = generation_of("3.13.0")
MINORS = [minor for known in GENERATIONS for minor in known.minors]


# One interpreter


def test_the_probe_knows_a_real_interpreter():
    facts = interpreters.run_probe(sys.executable)
    assert facts["version"] == "{}.{}.{}".format(*sys.version_info[:3])
    assert Path(facts["path"]).exists()
    assert facts["platform"][0] == sys.platform


def test_the_fake_interpreter_answers_what_a_real_one_does(machine):
    real = interpreters.run_probe(sys.executable)
    fake = interpreters.run_probe(machine.python("python3.10"))
    assert {name: type(value) for name, value in fake.items()} == {
        name: type(value) for name, value in real.items()
    }


def test_a_complete_interpreter_is_taken_with_its_compilers(machine):
    path = machine.python("python3.12", "3.12.1", cc="clang", cxx="clang++")
    found = interpreters.probe(path, "PATH", MINORS)
    assert found == (path, "3.12.1", "PATH", "clang", "clang++")


def test_an_environment_stands_for_the_interpreter_that_made_it(tmp_path):
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    found = interpreters.run_probe(str(environment / "bin/python"))
    assert Path(found["path"]).exists()
    assert environment not in Path(found["path"]).parents
    assert interpreters.run_probe(found["path"])["version"] == found["version"]


@pytest.mark.parametrize("version", ["2.7.18", "3.1.5", "3.9.18", "3.12.1", "3.14.0"])
def test_a_version_that_is_not_looked_for_is_told_apart(machine, version):
    path = machine.python("python3", version)
    with pytest.raises(OtherVersion, match=f"it is Python {version}"):
        interpreters.probe(path, "PATH", [13, 11, 10])


def test_an_old_python_needs_to_say_no_more_than_its_version(machine):
    old = machine.program("python3", """echo '{"version": "3.6.15", "path": "python3"}'""")
    with pytest.raises(OtherVersion, match="it is Python 3.6.15"):
        interpreters.probe(old, "PATH", MINORS)


@pytest.mark.parametrize("script", ["exit 127", "exit 0", "echo hello"])
def test_what_does_not_answer_does_not_run(machine, script):
    with pytest.raises(Unusable, match="it does not run"):
        interpreters.probe(machine.program("python3.10", script), "PATH", MINORS)


@pytest.mark.parametrize("version", ["3.10.13", "3.13.0"])
@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"headers": False}, ["apt install {0}-dev;", "dnf install {0}-devel"]),
        ({"missing": ["venv"]}, ["apt install {0}-venv"]),
        ({"missing": ["ensurepip"]}, ["apt install {0}-venv"]),
        ({"missing": ["lzma", "sqlite3"]}, ["built without lzma, sqlite3"]),
        (
            {"missing": ["venv", "ensurepip"], "headers": False},
            ["apt install {0}-venv", "apt install {0}-dev;"],
        ),
        (
            {"missing": ["ensurepip", "ssl"], "headers": False},
            ["{0}-venv", "built without ssl", "{0}-dev;"],
        ),
        ({"platform": ["linux", "aarch64"]}, ["linux aarch64", "Linux on x86-64"]),
        ({"platform": ["darwin", "x86_64"]}, ["darwin x86_64"]),
        ({"free_threaded": True}, ["free-threaded"]),
    ],
)
def test_every_fault_of_an_interpreter_is_told(machine, version, facts, told):
    name = f"python{version.rpartition('.')[0]}"
    path = machine.python(name, version, **facts)
    with pytest.raises(Unusable) as caught:
        interpreters.probe(path, "PATH", MINORS)
    assert not isinstance(caught.value, OtherVersion)
    for text in told:
        assert text.format(name) in str(caught.value)


# Where they are looked for


def found(machine, generation=PYTHON310) -> list[tuple[str, str]]:
    return list(candidates(machine.env, generation))


def test_the_newest_version_comes_first_and_names_without_one_last(machine):
    names = ["python3.13", "python3.12", "python3.11", "python3", "python"]
    paths = [machine.program(name) for name in [*names, "python3.10", "python3.14"]]
    assert found(machine, PYTHON313) == [("PATH", path) for path in paths[: len(names)]]


def test_for_one_version_path_comes_before_pyenv_and_pyenv_before_uv(machine):
    folder = machine.home / ".local/share/uv/python/cpython-3.10.16-linux-x86_64-gnu"
    uvs = machine.program(folder / "bin/python3.10")
    pyenvs = machine.pyenv("3.10.14")
    on_path = machine.program("python3.10")
    plain = machine.program("python3")
    assert found(machine) == [
        ("PATH", on_path),
        ("pyenv", pyenvs),
        ("uv", uvs),
        ("PATH", plain),
    ]


def test_every_hit_on_path_counts(machine, tmp_path):
    first = machine.program("python3.10")
    second = machine.program(tmp_path / "second/python3.10")
    machine.env["PATH"] += os.pathsep + str(tmp_path / "second")
    assert found(machine) == [("PATH", first), ("PATH", second)]


def test_the_newest_of_pyenvs_versions_comes_first(machine):
    versions = ["3.10.9", "3.10.13", "3.1.3", "3.11.7", "3.13.0", "3.14.0", "3.9.18"]
    paths = {version: machine.pyenv(version) for version in versions}
    for generation, wanted in [
        (PYTHON310, ["3.10.13", "3.10.9"]),
        (PYTHON313, ["3.13.0", "3.11.7"]),
    ]:
        assert found(machine, generation) == [("pyenv", paths[version]) for version in wanted]


def test_pyenv_root_is_honoured(machine, tmp_path):
    machine.env["PYENV_ROOT"] = str(tmp_path / "elsewhere")
    machine.pyenv("3.10.13")
    path = machine.program(tmp_path / "elsewhere/versions/3.10.1/bin/python")
    assert found(machine) == [("pyenv", path)]


@pytest.mark.parametrize(
    ("variable", "folder"),
    [
        (None, "home/.local/share/uv/python"),
        ("XDG_DATA_HOME", "elsewhere/uv/python"),
        ("UV_PYTHON_INSTALL_DIR", "elsewhere"),
    ],
)
def test_uvs_managed_versions_are_found_without_uv(machine, variable, folder):
    if variable:
        machine.env[variable] = str(machine.folder / "elsewhere")
    versions = machine.folder / folder
    paths = [
        machine.program(versions / f"cpython-3.{name}-linux-x86_64-gnu/bin/python3.{minor}")
        for name, minor in [("13.2", 13), ("12.10", 12), ("12.9", 12), ("10.16", 10)]
    ]
    assert found(machine, PYTHON313) == [("uv", path) for path in paths[:3]]
    assert found(machine, PYTHON310) == [("uv", paths[3])]


def test_uv_is_asked_where_it_keeps_its_versions(machine):
    machine.uv('[ "$*" = "python find --managed-python 3.12" ] && echo /kept/python3.12')
    assert found(machine, PYTHON313) == [("uv", "/kept/python3.12")]


def test_a_machine_without_anything_has_no_candidates(machine):
    assert found(machine, PYTHON313) == []


# Compilers


def find(machine) -> dict[str, str]:
    return find_compilers(machine.env, "gcc -pthread", "g++ -pthread")


def test_both_compilers_are_needed(machine):
    machine.program("gcc")
    with pytest.raises(SetupError) as caught:
        find(machine)
    message = str(caught.value)
    assert "C++ (g++ -pthread)" in message
    assert "C (" not in message


def test_all_missing_compilers_are_told_at_once(machine):
    with pytest.raises(SetupError, match=r"C \(gcc -pthread\) and C\+\+ \(g\+\+ -pthread\)"):
        find(machine)


def test_compilers_of_the_interpreter_need_no_setting(machine):
    machine.compilers()
    assert find(machine) == {}


def test_other_compilers_stand_in(machine):
    machine.program("clang")
    machine.program("c++")
    assert find(machine) == {"CC": "clang", "CXX": "c++"}


def test_without_an_interpreter_any_usual_compilers_do(machine):
    machine.compilers()
    assert find_compilers(machine.env) == {"CC": "gcc", "CXX": "g++"}


def test_a_compiler_asked_for_is_taken(machine):
    machine.program("gcc")
    machine.program("icpx")
    machine.env["CXX"] = "icpx -O2"
    assert find(machine) == {}


def test_a_compiler_asked_for_is_not_replaced(machine):
    machine.compilers()
    machine.env["CXX"] = "icpx"
    with pytest.raises(SetupError, match=r"C\+\+ \(icpx\)"):
        find(machine)


# The C library


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("glibc 2.36", (2, 36)),
        ("glibc 2.41.9000", (2, 41)),
        ("musl 1.2.5", ()),
        ("", ()),
        (None, ()),
    ],
)
def test_glibc_is_read_from_what_the_c_library_says(monkeypatch, said, version):
    monkeypatch.setattr(os, "confstr", lambda name: said)
    assert interpreters.machine_glibc() == version


@pytest.mark.parametrize("error", [ValueError("unrecognized"), OSError(22, "Invalid argument")])
def test_a_c_library_that_does_not_know_the_question_is_another_one(monkeypatch, error):
    def refuse(name):
        raise error

    monkeypatch.setattr(os, "confstr", refuse)
    assert interpreters.machine_glibc() == ()
