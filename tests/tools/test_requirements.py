"""setup.py and the compiled requirements agree, and nothing in these is of one machine."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tests.requirement_files import locked, setup_arguments

ROOT = Path(__file__).parents[2]
TFX = {"3.10": "1.16", "3.11": "1.21", "3.12": "1.21", "3.13": "1.21"}
for_each_python = pytest.mark.parametrize("python", TFX)
for_each_file = pytest.mark.parametrize("name", ["tfx-1.16", "tfx-1.21", "cuda", "uv"])


@pytest.fixture
def metadata(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What setup.py hands to setuptools."""
    monkeypatch.chdir(ROOT)
    return setup_arguments(ROOT)


def direct(metadata: dict[str, Any]) -> list[Requirement]:
    lines = metadata["install_requires"] + metadata["extras_require"]["dev"]
    return [Requirement(line) for line in lines]


def pins(requirements: list[Requirement], python: str) -> list[tuple[str, str]]:
    """Name and "==version" of what one version of Python gets."""
    environment = {
        "python_version": python,
        "python_full_version": f"{python}.1",
        "sys_platform": "linux",
        "platform_machine": "x86_64",
    }
    chosen = [x for x in requirements if x.marker is None or x.marker.evaluate(environment)]
    return [(x.name, str(x.specifier)) for x in chosen]


@for_each_python
def test_each_python_gets_one_exact_pin_of_every_package_and_its_tfx(metadata, python):
    found = pins(direct(metadata), python)
    assert sorted(name for name, _ in found) == sorted({x.name for x in direct(metadata)})
    assert all(re.fullmatch(r"==[0-9a-z.]+", version) for _, version in found)
    assert dict(found)["tfx"].startswith(f"=={TFX[python]}.")


@for_each_python
def test_the_file_of_each_python_has_the_direct_pins_and_one_version_of_all(metadata, python):
    file = ROOT / f"requirements/tfx-{TFX[python]}.txt"
    found = pins([requirement for requirement, _ in locked(file)], python)
    assert set(pins(direct(metadata), python)) <= set(found), "run `make lock`"
    assert len(found) == len({name for name, _ in found})


@for_each_file
def test_everything_in_a_file_is_pinned_with_hashes_and_nothing_is_of_one_machine(name):
    path = ROOT / f"requirements/{name}.txt"
    # No option, no host and no path.
    assert not re.search(r"^-|://|(^|\s)(~|\.{0,2})/\w", path.read_text(), re.MULTILINE)
    requirements = locked(path)
    assert requirements
    for requirement, hashes in requirements:
        assert re.fullmatch(r"==[^,*]+", str(requirement.specifier)), requirement
        assert hashes and all(re.fullmatch("[0-9a-f]{64}", x) for x in hashes), requirement


def test_python_requires_takes_the_pythons_that_have_a_tfx_and_no_other(metadata):
    allowed = SpecifierSet(metadata["python_requires"])
    assert [f"3.{minor}" for minor in range(30) if f"3.{minor}.1" in allowed] == list(TFX)
    assert "4.0.0" not in allowed


@pytest.mark.parametrize(("minor", "refused"), [(9, True), (13, False)])
def test_setup_py_refuses_another_python_and_says_what_to_do(tmp_path, minor, refused):
    # The version is set after the imports, which look at it themselves.
    run = (
        "import runpy, sys, setuptools; setuptools.setup = lambda **arguments: None; "
        f"sys.version_info = (3, {minor}, 1, 'final', 0); "
        f"runpy.run_path({str(ROOT / 'setup.py')!r})"
    )
    done = subprocess.run([sys.executable, "-c", run], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == refused, done.stderr
    assert ("make install" in done.stderr) == refused
    assert "Traceback" not in done.stderr


def test_setup_py_ships_every_package_and_its_data(metadata):
    packages = set(metadata["packages"])
    for top in ("pipeline", "components", "models", "report", "corpus", "fma", "benchmarks"):
        for source in (ROOT / top).rglob("*.py"):
            package = ".".join(source.parent.relative_to(ROOT).parts)
            assert package in packages, f"{source.parent} has no __init__.py"
    assert not [name for name in packages if name.split(".")[0] in ("tests", "tools")]
    assert metadata["py_modules"] == ["system"]
    shipped = {
        path
        for package in packages
        for pattern in (*metadata["package_data"][""], *metadata["package_data"].get(package, ()))
        for path in (ROOT / package.replace(".", "/")).glob(pattern)
    }
    found = {path for top in packages for path in (ROOT / top.replace(".", "/")).rglob("*.*")}
    assert shipped == {path for path in found if path.suffix in (".pbtxt", ".html", ".yaml")}
    assert len(shipped) > 1
