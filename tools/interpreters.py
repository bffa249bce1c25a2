"""What is on the machine: interpreters, what each lacks, compilers, glibc."""

import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, NamedTuple, Optional, Tuple

from tools.generations import Generation

# Runs under any Python that is found, Python 2 included, and prints what decides its use.
PROBE = """
import json, os, sys
path = sys.executable
if sys.prefix != getattr(sys, "base_prefix", sys.prefix):
    # In an environment: the interpreter that made it, for this one may be .venv's, about to go.
    path = os.path.join(sys.base_prefix, "bin", "python%d.%d" % sys.version_info[:2])
    path = path if os.path.exists(path) else os.path.realpath(sys.executable)
facts = {"version": "%d.%d.%d" % sys.version_info[:3], "path": path}
if sys.version_info >= (3, 10):
    import platform, sysconfig
    facts["missing"] = []
    for name in ("venv", "ensurepip", "ssl", "ctypes", "bz2", "lzma", "sqlite3"):
        try:
            __import__(name)
        except ImportError:
            facts["missing"].append(name)
    facts["headers"] = os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h"))
    facts["cc"] = sysconfig.get_config_var("CC") or "cc"
    facts["cxx"] = sysconfig.get_config_var("CXX") or "c++"
    facts["platform"] = [sys.platform, platform.machine()]
    facts["free_threaded"] = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
print(json.dumps(facts))
"""


# What the pinned packages are for: Linux on x86-64.
PLATFORM = ("linux", "x86_64")


class Interpreter(NamedTuple):
    """A Python that .venv can be made with, where it came from, and its compilers."""

    path: str
    version: str
    origin: str
    cc: str
    cxx: str


class SetupError(Exception):
    """What a person has to put right, in words for the terminal."""


class NoCompiler(SetupError):
    """Which compiler is missing."""

    CURE = (
        "Install one, or set CC and CXX:\n"
        "  Debian, Ubuntu:  apt install g++\n"
        "  Fedora:          dnf install gcc gcc-c++"
    )


class Unusable(Exception):
    """Why one interpreter cannot be used."""


class OtherVersion(Unusable):
    """It is of a version that was not looked for."""


def probe(command: str, origin: str, minors: Iterable[int]) -> Interpreter:
    """Run an interpreter to learn whether .venv can be made with it; Unusable says why not.

    Args:
        command: the program.
        origin: where it was found, for the person.
        minors: the versions of Python 3 that are looked for.
    """
    facts = run_probe(command)
    version = facts["version"]
    if version.split(".")[:2] not in [["3", str(minor)] for minor in minors]:
        raise OtherVersion(f"it is Python {version}")
    faults = faults_of(facts)
    if faults:
        raise Unusable("; ".join(faults))
    return Interpreter(facts["path"], version, origin, facts["cc"], facts["cxx"])


def faults_of(facts: Dict[str, Any]) -> List[str]:
    """Return everything that keeps an interpreter of the right version from being used."""
    if tuple(facts["platform"]) != PLATFORM:
        here = " ".join(facts["platform"])
        return [f"it is for {here}; the pinned packages are for Linux on x86-64"]
    if facts["free_threaded"]:
        return ["it is free-threaded; the pinned packages are for the usual build"]
    name = "python" + ".".join(facts["version"].split(".")[:2])
    faults = []
    missing = list(facts["missing"])
    if "venv" in missing or "ensurepip" in missing:
        faults.append(f"it cannot make environments (Debian, Ubuntu: apt install {name}-venv)")
        missing = [module for module in missing if module not in ("venv", "ensurepip")]
    if missing:
        faults.append("it was built without {}".format(", ".join(missing)))
    if not facts["headers"]:
        faults.append(
            f"its header Python.h is missing (Debian, Ubuntu: apt install {name}-dev; "
            f"Fedora: dnf install {name}-devel)"
        )
    return faults


def run_probe(command: str) -> Any:
    """Return what PROBE prints under an interpreter."""
    try:
        done = subprocess.run(
            [command, "-c", PROBE],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=60,
        )
        return json.loads(done.stdout.decode())
    except (OSError, ValueError, subprocess.TimeoutExpired):
        raise Unusable("it does not run") from None


def machine_platform() -> Tuple[str, str]:
    """Return the operating system and the processor, such as ("linux", "x86_64")."""
    return sys.platform, platform.machine()


def machine_glibc() -> Tuple[int, ...]:
    """Return the version of glibc, such as (2, 36), or () where the C library is another one."""
    try:
        found = os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (ValueError, OSError):
        found = ""
    return tuple(numbers(found)[:2]) if found.startswith("glibc ") else ()


def candidates(env: Dict[str, str], generation: Generation) -> Iterator[Tuple[str, str]]:
    """Yield (origin, path) of everything that may be fit, in the order of preference."""
    home = Path(env.get("HOME", "/"))
    pyenv = Path(env.get("PYENV_ROOT") or home / ".pyenv")
    for minor in generation.minors:
        for path in all_on_path(f"python3.{minor}", env):
            yield "PATH", path
        for path in newest_first(pyenv.glob(f"versions/3.{minor}.*/bin/python")):
            yield "pyenv", path
        yield from uv_candidates(env, home, minor)
    for name in ("python3", "python"):
        for path in all_on_path(name, env):
            yield "PATH", path


def uv_candidates(env: Dict[str, str], home: Path, minor: int) -> Iterator[Tuple[str, str]]:
    """Yield (origin, path) of uv's managed versions."""
    uv = shutil.which("uv", path=env.get("PATH", ""))
    if uv:
        path = output_of([uv, "python", "find", "--managed-python", f"3.{minor}"], env)
        if path:
            yield "uv", path
    data = Path(env.get("XDG_DATA_HOME") or home / ".local" / "share")
    folder = Path(env.get("UV_PYTHON_INSTALL_DIR") or data / "uv" / "python")
    for path in newest_first(folder.glob(f"cpython-3.{minor}.*/bin/python3.{minor}")):
        yield "uv", path


def all_on_path(name: str, env: Dict[str, str]) -> Iterator[str]:
    """Every hit, not the first only: a version manager's shim may stand before one that works."""
    for folder in env.get("PATH", "").split(os.pathsep):
        path = shutil.which(name, path=folder) if folder else None
        if path:
            yield path


def newest_first(paths: Iterable[Path]) -> List[str]:
    """Sort paths by the numbers in them, highest first."""
    return sorted(map(str, paths), key=numbers, reverse=True)


def numbers(text: str) -> List[int]:
    """Return the numbers in a text, so that 3.10.9 comes before 3.10.13."""
    return [int(digits) for digits in re.findall(r"\d+", text)]


def output_of(command: List[str], env: Dict[str, str]) -> Optional[str]:
    """Return what a command prints, or None where it fails."""
    try:
        done = subprocess.run(
            command,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        return None
    return done.stdout.decode().strip() if done.returncode == 0 else None


def find_compilers(env: Dict[str, str], cc: str = "cc", cxx: str = "c++") -> Dict[str, str]:
    """Return what to set so that packages without a wheel find a C and a C++ compiler.

    Args:
        env: the environment, where CC and CXX may be set.
        cc: the C compiler that the interpreter was built with.
        cxx: the C++ compiler that the interpreter was built with.

    Raises:
        NoCompiler: one of them is missing.
    """
    chosen = {}
    missing = []
    for language, variable, configured, usual in [
        ("C", "CC", cc, ["gcc", "cc", "clang"]),
        ("C++", "CXX", cxx, ["g++", "c++", "clang++"]),
    ]:
        # Setuptools takes $CC, or else what the interpreter was built with, which may not be here.
        own = env.get(variable) or configured
        if is_program(own, env):
            continue
        others = [name for name in usual if is_program(name, env)]
        if env.get(variable) or not others:
            missing.append(f"{language} ({own})")
        else:
            chosen[variable] = others[0]
    if missing:
        raise NoCompiler(
            "no compiler for {} was found; pyfarmhash, for one, has no wheel and needs it".format(
                " and ".join(missing)
            )
        )
    return chosen


def is_program(command: str, env: Dict[str, str]) -> bool:
    """Whether the first word of a command is a program on PATH."""
    words = shlex.split(command)
    return bool(words) and shutil.which(words[0], path=env.get("PATH", "")) is not None
