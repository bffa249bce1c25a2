"""Which Python and which generation of TFX is chosen, and what a person is told about it."""

from __future__ import annotations

import os

import pytest

from tools import choose_python
from tools.interpreters import SetupError, Unusable

OLD, NEW = (2, 36), (2, 38)
TOO_OLD_FOR_THE_BEST = "TFX 1.21 needs glibc 2.38 or newer, and this is 2.36"


@pytest.fixture
def no_download(machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(root, env, minor):
        raise Unusable("uv could not download it (no network)")

    machine.compilers()
    monkeypatch.setattr(choose_python, "fetch_python", refuse)


def chosen(machine) -> tuple[str, str]:
    choice = machine.choose()
    return choice.python.path, choice.generation.tfx


# What is on the machine


@pytest.mark.parametrize(
    ("present", "taken"),
    [
        (["3.10.13", "3.11.7", "3.12.1", "3.13.0"], "3.13.0"),
        (["3.10.13", "3.11.7", "3.12.1"], "3.12.1"),
        (["3.10.13", "3.11.7"], "3.11.7"),
    ],
)
def test_a_new_glibc_gets_tfx_121_with_the_newest_python(machine, present, taken):
    machine.glibc = NEW
    paths = {version: machine.python(f"python{version[:4]}", version) for version in present}
    assert chosen(machine) == (paths[taken], "1.21")
    assert machine.choose().reason == "glibc 2.38 is new enough (2.38)"


def test_a_python_of_the_best_version_comes_first_wherever_it_is(machine):
    machine.glibc = NEW
    machine.python("python3.12", "3.12.1")
    path = machine.pyenv("3.13.0")
    assert chosen(machine) == (path, "1.21")


def test_a_new_glibc_gets_tfx_116_where_only_python310_is(machine):
    machine.glibc = NEW
    path = machine.python("python3.10")
    assert chosen(machine) == (path, "1.16")
    assert machine.choose().reason == "no usable Python 3.11 to 3.13 for TFX 1.21 was found"


def test_the_reason_for_the_second_best_tells_the_first_fault(machine):
    machine.glibc = NEW
    machine.python("python3.10")
    first = machine.python("python3.13", "3.13.0", headers=False)
    second = machine.python("python3.12", "3.12.1", missing=["venv"])
    choice = machine.choose()
    assert choice.generation.tfx == "1.16"
    assert choice.reason.startswith("no usable Python 3.11 to 3.13 for TFX 1.21 was found")
    assert f"({first}: its header Python.h is missing" in choice.reason
    assert second not in choice.reason


def test_an_incomplete_python_gives_way_to_a_complete_one_of_the_same_generation(machine):
    machine.glibc = NEW
    machine.python("python3.10")
    machine.python("python3.13", "3.13.0", headers=False)
    path = machine.python("python3.12", "3.12.1")
    assert chosen(machine) == (path, "1.21")


def test_an_old_glibc_gets_tfx_116_and_the_reason_names_it(machine):
    machine.glibc = OLD
    machine.python("python3.13", "3.13.0")
    path = machine.python("python3.10")
    assert chosen(machine) == (path, "1.16")
    assert machine.choose().reason == TOO_OLD_FOR_THE_BEST


@pytest.mark.parametrize(
    ("glibc", "tfx"), [((2, 28), "1.16"), ((2, 37), "1.16"), ((2, 38), "1.21"), ((2, 100), "1.21")]
)
def test_each_generation_is_taken_from_its_oldest_glibc_on(machine, glibc, tfx):
    machine.glibc = glibc
    machine.python("python3.10")
    machine.python("python3.13", "3.13.0")
    assert chosen(machine)[1] == tfx


@pytest.mark.parametrize(
    ("glibc", "here"),
    [((), "another C library"), ((2, 4), "glibc 2.4"), ((2, 17), "2.17"), ((2, 27), "2.27")],
)
@pytest.mark.parametrize("asked", [None, "python3.10"])
def test_another_or_an_older_c_library_is_refused_with_a_cure(machine, glibc, here, asked):
    machine.glibc = glibc
    machine.python("python3.10")
    machine.python("python3.13", "3.13.0")
    machine.env.update({"PYTHON": asked} if asked else {})
    with pytest.raises(SetupError) as caught:
        machine.choose()
    message = str(caught.value)
    assert "need glibc 2.28 or newer" in message
    assert here in message
    assert "Use a newer distribution" in message


@pytest.mark.parametrize(
    ("glibc", "version", "tfx"), [(NEW, "3.12.1", "1.21"), (OLD, "3.10.13", "1.16")]
)
@pytest.mark.parametrize("name", ["python3", "python"])
def test_a_python_without_a_version_in_its_name_is_taken(machine, glibc, version, tfx, name):
    machine.glibc = glibc
    path = machine.python(name, version)
    assert chosen(machine) == (path, tfx)


def test_python314_is_passed_over(machine, tmp_path):
    machine.glibc = NEW
    for name in ("python3.14", "python3", "python"):
        machine.python(name, "3.14.0")
    path = machine.python(tmp_path / "second/python3", "3.11.7")
    machine.env["PATH"] += os.pathsep + str(tmp_path / "second")
    assert chosen(machine) == (path, "1.21")


def test_a_free_threaded_python_is_passed_over(machine):
    machine.glibc = NEW
    machine.python("python3.13", "3.13.0", free_threaded=True)
    path = machine.python("python3.12", "3.12.1")
    assert chosen(machine) == (path, "1.21")


def test_a_shim_that_fails_is_passed_over(machine):
    machine.program("python3.10", "echo 'command not found' >&2; exit 127")
    path = machine.pyenv("3.10.13")
    assert machine.choose().python[:3] == (path, "3.10.13", "pyenv")


def test_a_working_python_behind_a_failing_shim_is_found(machine, tmp_path):
    machine.program("python3.10", "exit 127")
    path = machine.python(tmp_path / "second/python3.10")
    machine.env["PATH"] += os.pathsep + str(tmp_path / "second")
    assert chosen(machine) == (path, "1.16")


# What PYTHON= names


def test_an_older_python_asked_for_is_taken(machine):
    machine.glibc = NEW
    machine.python("python3.13", "3.13.0")
    machine.env["PYTHON"] = machine.pyenv("3.10.2")
    choice = machine.choose()
    assert choice.python[:3] == (machine.env["PYTHON"], "3.10.2", "PYTHON=")
    assert (choice.generation.tfx, choice.reason) == ("1.16", "it was asked for")


def test_a_newer_python_asked_for_is_taken(machine, tmp_path):
    machine.glibc = NEW
    machine.python("python3.10")
    machine.env["PYTHON"] = machine.python(tmp_path / "apart/python", "3.13.0")
    assert chosen(machine) == (machine.env["PYTHON"], "1.21")


def test_python_is_asked_for_by_name_too(machine):
    machine.glibc = NEW
    machine.python("python3.13", "3.13.0")
    path = machine.python("python3.11", "3.11.7")
    machine.env["PYTHON"] = "python3.11"
    assert chosen(machine) == (path, "1.21")


def test_a_python_asked_for_that_glibc_is_too_old_for_is_refused_with_the_reason(machine):
    machine.glibc = OLD
    machine.python("python3.10")
    machine.python("python3.13", "3.13.0")
    machine.env["PYTHON"] = "python3.13"
    with pytest.raises(SetupError) as caught:
        machine.choose()
    message = str(caught.value)
    assert "PYTHON=python3.13 cannot be used: it is Python 3.13.0" in message
    assert TOO_OLD_FOR_THE_BEST in message
    assert "Name Python 3.10, or leave PYTHON out" in message


@pytest.mark.parametrize(
    ("glibc", "pythons"), [(OLD, "Python 3.10"), (NEW, "Python 3.11 to 3.13 or Python 3.10")]
)
@pytest.mark.parametrize("version", ["2.7.18", "3.1.5", "3.9.18", "3.14.0"])
def test_a_python_of_no_generation_is_refused_even_where_another_is(
    machine, glibc, pythons, version
):
    machine.glibc = glibc
    machine.python("python3.10")
    machine.env["PYTHON"] = "other"
    machine.python("other", version)
    with pytest.raises(SetupError) as caught:
        machine.choose()
    message = str(caught.value)
    assert f"PYTHON=other cannot be used: it is Python {version}." in message
    assert f"Name {pythons}, or leave PYTHON out" in message


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"free_threaded": True}, "free-threaded"),
        ({"headers": False}, "apt install python3.12-dev"),
        ({"platform": ["linux", "aarch64"]}, "linux aarch64"),
    ],
)
def test_a_faulty_python_asked_for_is_refused_even_where_another_is(machine, facts, told):
    machine.glibc = NEW
    machine.python("python3.13", "3.13.0")
    machine.python("python3.12", "3.12.1", **facts)
    machine.env["PYTHON"] = "python3.12"
    with pytest.raises(SetupError, match=f"PYTHON=python3.12 cannot be used: .*{told}"):
        machine.choose()


def test_python_asked_for_must_exist(machine):
    machine.python("python3.10")
    machine.env["PYTHON"] = "/no/such/python"
    with pytest.raises(SetupError, match="PYTHON=/no/such/python .* there is no such program"):
        machine.choose()


def test_another_processor_is_refused_before_anything_is_looked_for(machine, monkeypatch):
    monkeypatch.setattr(choose_python, "machine_platform", lambda: ("linux", "aarch64"))
    machine.uv_that_fetches("3.10.18")
    with pytest.raises(SetupError, match="for Linux on x86-64, and this is linux aarch64"):
        machine.choose()
    assert machine.uv_calls() == []


# What is fetched


@pytest.mark.parametrize(
    ("glibc", "version", "tfx", "reason"),
    [
        (NEW, "3.13.5", "1.21", "no usable Python was here"),
        (OLD, "3.10.18", "1.16", "TFX 1.21 needs glibc 2.38 or newer, and this is 2.36"),
    ],
)
def test_where_there_is_none_uv_fetches_the_best_that_glibc_takes(
    machine, glibc, version, tfx, reason
):
    machine.glibc = glibc
    machine.compilers()
    machine.python("python3", "3.14.0")
    path = machine.uv_that_fetches(version)
    choice = machine.choose()
    assert choice.python[:3] == (path, version, "uv")
    assert (choice.generation.tfx, choice.reason) == (tfx, reason)
    assert [x for x in machine.uv_calls() if "install" in x] == [f"python install {version[:4]}"]


def test_nothing_is_fetched_where_something_fits(machine):
    machine.glibc = NEW
    machine.compilers()
    machine.uv_that_fetches("3.13.5")
    path = machine.python("python3.10")
    assert chosen(machine) == (path, "1.16")
    assert not [call for call in machine.uv_calls() if "install" in call]


@pytest.mark.parametrize(
    ("present", "told"),
    [([], "C (cc) and C++ (c++)"), (["gcc"], "no compiler for C++ (c++)")],
)
def test_a_missing_compiler_is_told_of_before_anything_is_fetched(machine, present, told):
    machine.glibc = NEW
    machine.uv_that_fetches("3.13.5")
    for name in present:
        machine.program(name)
    with pytest.raises(SetupError) as caught:
        machine.choose()
    message = str(caught.value)
    assert told in message
    assert "Debian 13, Ubuntu 24.04:  apt install g++ python3-dev python3-venv" in message
    assert not [call for call in machine.uv_calls() if "install" in call]


def test_uvs_own_reason_is_told(machine):
    machine.compilers()
    machine.uv('[ "$1" = --version ] || { echo "  no route"; exit 1; }')
    with pytest.raises(SetupError, match=r"could not download it \(no route\)"):
        machine.choose()


def test_a_fetched_python_that_is_not_fit_is_told_of(machine):
    machine.compilers()
    machine.uv_that_fetches("3.10.18", platform=["linux", "aarch64"])
    with pytest.raises(SetupError, match="none was fetched: it is for linux aarch64"):
        machine.choose()


# What is said where there is nothing


@pytest.mark.usefixtures("no_download")
@pytest.mark.parametrize(
    ("glibc", "missing", "install", "others"),
    [
        (
            NEW,
            "no usable Python 3.11 to 3.13 and no Python 3.10 was found here",
            ["Debian 13, Ubuntu 24.04:  apt install g++ python3-dev python3-venv", "python3.13"],
            ["Ubuntu 22.04", "python3.10"],
        ),
        (
            OLD,
            "no usable Python 3.10 was found here",
            ["Ubuntu 22.04:  apt install g++ python3.10-dev python3.10-venv", "python3.10-devel"],
            ["Debian 13", "Ubuntu 24.04", "3.13"],
        ),
    ],
)
def test_one_message_says_what_to_install_on_this_machine(machine, glibc, missing, install, others):
    machine.glibc = glibc
    machine.python("python3", "3.14.0")
    with pytest.raises(SetupError) as caught:
        machine.choose()
    message = str(caught.value)
    assert message.startswith(missing)
    assert "no network" in message
    assert "dnf install gcc-c++" in message
    assert "uv python install" in message
    assert "PYTHON=/path/to/python" in message
    for text in install:
        assert text in message
    for text in [*others, "3.14"]:
        assert text not in message


@pytest.mark.usefixtures("no_download")
def test_the_message_tells_of_everything_that_was_passed_over_once(machine):
    machine.glibc = NEW
    shim = machine.program("python3", "exit 127")
    newer = machine.python("python3.13", "3.13.0", headers=False)
    older = machine.python("python3.10", missing=["ensurepip"])
    with pytest.raises(SetupError) as caught:
        machine.choose()
    lines = str(caught.value).splitlines()
    assert lines.count(f"  {shim}: it does not run") == 1
    for path, fault in [(newer, "apt install python3.13-dev"), (older, "python3.10-venv")]:
        [line] = [line for line in lines if line.startswith(f"  {path}: ")]
        assert fault in line


@pytest.mark.usefixtures("no_download")
def test_all_faults_of_one_python_are_told_at_once(machine):
    machine.python("python3.10", missing=["venv", "ensurepip"], headers=False)
    with pytest.raises(SetupError) as caught:
        machine.choose()
    assert "apt install python3.10-venv" in str(caught.value)
    assert "apt install python3.10-dev;" in str(caught.value)


@pytest.mark.usefixtures("no_download")
def test_one_program_of_two_names_is_told_of_once(machine):
    machine.glibc = NEW
    path = machine.python("python3.13", "3.13.5", headers=False)
    (machine.bin / "python3").symlink_to(path)
    with pytest.raises(SetupError) as caught:
        machine.choose()
    assert str(caught.value).count("Python.h is missing") == 1


def test_a_shim_that_goes_by_its_name_is_asked_by_every_name(machine):
    machine.glibc = NEW
    answer = machine.python("real", "3.12.1")
    shim = machine.program("shim", f'[ "${{0##*/}}" = python3.12 ] && exec "{answer}" "$@"; exit 1')
    for name in ("python3.13", "python3.12", "python3.11"):
        (machine.bin / name).symlink_to(shim)
    assert machine.choose().python.version == "3.12.1"
