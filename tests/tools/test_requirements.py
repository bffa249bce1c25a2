"""setup.py, the generations and the locks agree, and the locks hold nothing of one machine."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import setuptools
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tools import setup_env
from tools.generations import GENERATIONS, Generation
from tools.locks import lock_blocks
from tools.uv import UV_REQUIREMENTS

ROOT = Path(setup_env.ROOT)
LOCKS = [*(generation.requirements for generation in GENERATIONS), UV_REQUIREMENTS]
MINORS = sorted(minor for generation in GENERATIONS for minor in generation.minors)
for_each_python = pytest.mark.parametrize(
    ("generation", "minor"),
    [(generation, minor) for generation in GENERATIONS for minor in generation.minors],
    ids=lambda value: f"3.{value}" if isinstance(value, int) else value.tfx,
)


@pytest.fixture
def metadata(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What setup.py hands to setuptools."""
    said: dict[str, Any] = {}
    monkeypatch.setattr(setuptools, "setup", lambda **arguments: said.update(arguments))
    monkeypatch.chdir(ROOT)
    runpy.run_path(str(ROOT / "setup.py"))
    return said


def direct(metadata: dict[str, Any]) -> list[Requirement]:
    lines = metadata["install_requires"] + metadata["extras_require"]["dev"]
    return [Requirement(line) for line in lines]


def applies(requirement: Requirement, minor: int) -> bool:
    environment = {
        "python_version": f"3.{minor}",
        "python_full_version": f"3.{minor}.1",
        "sys_platform": "linux",
        "platform_machine": "x86_64",
    }
    return requirement.marker is None or requirement.marker.evaluate(environment)


def locked(generation: Generation, minor: int) -> dict[str, str]:
    """What a lock installs with one version of Python: "==" and version by name."""
    pins: dict[str, str] = {}
    for block in lock_blocks((ROOT / generation.requirements).read_text()).values():
        for line in block.splitlines():
            if line.startswith(" "):
                continue
            requirement = Requirement(line.rstrip("\\ "))
            if applies(requirement, minor):
                assert requirement.name not in pins, f"two versions of {requirement.name}"
                pins[requirement.name] = str(requirement.specifier)
    return pins


# setup.py and the generations


def test_every_direct_requirement_is_an_exact_pin(metadata):
    for requirement in direct(metadata):
        assert re.fullmatch(r"==[0-9a-z.]+", str(requirement.specifier)), requirement


@pytest.mark.parametrize("minor", MINORS)
def test_every_package_has_exactly_one_pin_for_each_python(metadata, minor):
    names = sorted(x.name for x in direct(metadata) if applies(x, minor))
    assert names == sorted({x.name for x in direct(metadata)})


@for_each_python
def test_tfx_is_pinned_at_the_generation_of_each_python(metadata, generation, minor):
    [tfx] = [x for x in direct(metadata) if x.name == "tfx" and applies(x, minor)]
    assert str(tfx.specifier).startswith(f"=={generation.tfx}.")


def test_no_python_is_of_two_generations():
    assert len(MINORS) == len(set(MINORS))


def test_python_requires_takes_the_pythons_of_the_generations_and_no_other(metadata):
    allowed = SpecifierSet(metadata["python_requires"])
    assert [minor for minor in range(30) if f"3.{minor}.1" in allowed] == MINORS
    assert "4.0.0" not in allowed


def run_setup_py(minor: int, cwd: Path) -> subprocess.CompletedProcess[str]:
    # The version is set after the imports, which look at it themselves.
    run = (
        "import runpy, sys, setuptools; setuptools.setup = lambda **arguments: None; "
        f"sys.version_info = (3, {minor}, 1, 'final', 0); "
        f"runpy.run_path({str(ROOT / 'setup.py')!r})"
    )
    return subprocess.run([sys.executable, "-c", run], cwd=cwd, capture_output=True, text=True)


@pytest.mark.parametrize("minor", [min(MINORS) - 1, max(MINORS) + 1])
def test_another_python_is_refused_with_what_to_do(tmp_path, minor):
    done = run_setup_py(minor, tmp_path)
    assert done.returncode == 1
    for generation in GENERATIONS:
        assert f"{generation.pythons} (TFX {generation.tfx})" in done.stderr
    assert f"this is Python 3.{minor}" in done.stderr
    assert "make install" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("minor", [min(MINORS), max(MINORS)])
def test_the_oldest_and_the_newest_python_are_not_refused(tmp_path, minor):
    done = run_setup_py(minor, tmp_path)
    assert done.returncode == 0, done.stderr


# The locks


@for_each_python
def test_every_direct_pin_is_in_the_lock_of_its_generation(metadata, generation, minor):
    pins = locked(generation, minor)
    for requirement in direct(metadata):
        if applies(requirement, minor):
            found = pins.get(requirement.name)
            assert found == str(requirement.specifier), f"{requirement.name}: run `make lock`"


@for_each_python
def test_what_builds_the_rest_is_in_the_lock(generation, minor):
    assert set(setup_env.BUILD_TOOLS) <= set(locked(generation, minor))


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_has_a_hash(name):
    blocks = lock_blocks((ROOT / name).read_text())
    assert blocks
    for package, block in blocks.items():
        for pin in re.split(r"\n(?=\S)", block):  # more than one where versions of Python differ
            first, *hashes = pin.splitlines()
            assert re.fullmatch(r"\S+==\S+( ; .+)? \\", first), package
            assert hashes, package
            for line in hashes:
                assert re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line), package


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_holds_packages_hashes_and_comments_only(name):
    for line in (ROOT / name).read_text().splitlines():
        assert re.match(r"[a-z0-9.-]+==|    --hash=sha256:|\s*#", line), line


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_host_and_no_path(name):
    text = (ROOT / name).read_text()
    assert "://" not in text
    assert not re.search(r"(^|\s)(~|\.{0,2})/\w", text)


# What setup.py ships


def test_setup_py_ships_every_package_and_its_data(metadata):
    packages = set(metadata["packages"])
    for top in ("pipeline", "components", "models", "report", "corpus", "benchmarks"):
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
