"""setup.py and the compiled requirements agree, and the latter hold nothing of one machine."""

import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import setuptools

from tools import setup_env

ROOT = Path(setup_env.ROOT)
LOCKS = [setup_env.REQUIREMENTS, setup_env.UV_REQUIREMENTS]


@pytest.fixture
def metadata(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What setup.py hands to setuptools."""
    said: dict[str, Any] = {}
    monkeypatch.setattr(setuptools, "setup", lambda **arguments: said.update(arguments))
    monkeypatch.chdir(ROOT)
    runpy.run_path(str(ROOT / "setup.py"))
    return said


def locked(name: str) -> dict[str, str]:
    blocks = setup_env.lock_blocks((ROOT / name).read_text())
    return {package: block.split()[0] for package, block in blocks.items()}


def test_every_direct_pin_is_in_the_lock(metadata):
    pins = locked(setup_env.REQUIREMENTS)
    for requirement in metadata["install_requires"] + metadata["extras_require"]["dev"]:
        match = re.fullmatch(r"([a-z0-9-]+)(\[[a-z]+\])?==([0-9a-z.]+)", requirement)
        assert match, f"{requirement} is not an exact pin"
        name, _, version = match.groups()
        assert pins.get(name) == f"{name}=={version}", "run `make lock`"


def test_what_builds_the_rest_is_in_the_lock():
    assert set(setup_env.BUILD_TOOLS) <= set(locked(setup_env.REQUIREMENTS))


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_has_a_hash(name):
    blocks = setup_env.lock_blocks((ROOT / name).read_text())
    assert blocks
    for package, block in blocks.items():
        first, *hashes = block.splitlines()
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


def test_setup_py_ships_every_package_and_its_data(metadata):
    packages = set(metadata["packages"])
    for top in ("pipeline", "components", "models", "corpus", "benchmarks"):
        for source in (ROOT / top).rglob("*.py"):
            package = ".".join(source.parent.relative_to(ROOT).parts)
            assert package in packages, f"{source.parent} has no __init__.py"
    assert not [name for name in packages if name.split(".")[0] in ("tests", "tools")]
    assert set(metadata["package_data"][""]) == {"*.pbtxt", "*.html"}


def test_another_python_is_refused_with_what_to_do(tmp_path):
    # Set after the imports, which look at the version themselves.
    run = (
        "import runpy, sys, setuptools; sys.version_info = (3, 12, 1, 'final', 0); "
        f"runpy.run_path({str(ROOT / 'setup.py')!r})"
    )
    done = subprocess.run([sys.executable, "-c", run], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert "needs Python 3.10" in done.stderr
    assert "this is Python 3.12" in done.stderr
    assert "make install" in done.stderr
    assert "Traceback" not in done.stderr
