"""Make .venv: find or fetch a Python 3.10, then install the pinned, hash-checked requirements.

    setup_env.py install    make .venv, or do nothing where it is up to date
    setup_env.py python     print the Python 3.10 that would be used
    setup_env.py uv         print a uv, installed into .venv-tools where there is none

Standard library only, and nothing newer than Python 3.6: this runs before anything is installed.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, NamedTuple, Optional, Tuple

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = "requirements/py310.txt"
UV_REQUIREMENTS = "requirements/uv.txt"

# Packages without a wheel are built with what is in .venv, so these two come first.
BUILD_TOOLS = ("setuptools", "wheel")

# The oldest glibc that every pinned package has a wheel for (h5py and soundfile decide it).
OLDEST_GLIBC = [2, 28]

# In .venv: says that this script made the folder, and, once all is installed, from what.
MARKER = "setup-begun"
STAMP = "setup-done.json"
LOG = "install.log"

# Runs under any Python that is found, Python 2 included, and prints what decides its use.
PROBE = """
import json, os, sys
facts = {
    "version": "%d.%d.%d" % sys.version_info[:3],
    "path": getattr(sys, "_base_executable", None) or sys.executable,
}
if sys.version_info[:2] == (3, 10):
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
    facts["platform"] = [sys.platform, platform.machine(), platform.libc_ver()[1]]
print(json.dumps(facts))
"""


class Interpreter(NamedTuple):
    """A Python 3.10 that .venv can be made with, where it came from, and its compilers."""

    path: str
    version: str
    origin: str
    cc: str
    cxx: str


class SetupError(Exception):
    """What a person has to put right, in words for the terminal."""


class Unusable(Exception):
    """Why one interpreter cannot be used."""


def say(text: str) -> None:
    """Tell of a step."""
    # Not to standard output, which carries the answer of `python` and `uv`.
    print(text, file=sys.stderr, flush=True)


def probe(command: str, origin: str) -> Interpreter:
    """Run an interpreter to learn whether .venv can be made with it; Unusable says why not."""
    facts = run_probe(command)
    if not facts["version"].startswith("3.10."):
        raise Unusable("it is Python {}, not 3.10".format(facts["version"]))
    system, machine, glibc = facts["platform"]
    if (system, machine) != ("linux", "x86_64"):
        raise Unusable(f"it is for {system} {machine}; the pinned packages are for Linux on x86-64")
    if glibc and numbers(glibc)[:2] < OLDEST_GLIBC:
        raise Unusable(f"its glibc is {glibc}; the pinned packages need 2.28 or newer")
    if "venv" in facts["missing"] or "ensurepip" in facts["missing"]:
        raise Unusable("it cannot make environments (Debian, Ubuntu: apt install python3.10-venv)")
    if facts["missing"]:
        raise Unusable("it was built without {}".format(", ".join(facts["missing"])))
    if not facts["headers"]:
        raise Unusable(
            "its header Python.h is missing (Debian, Ubuntu: apt install python3.10-dev; "
            "Fedora: dnf install python3.10-devel)"
        )
    return Interpreter(facts["path"], facts["version"], origin, facts["cc"], facts["cxx"])


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


def candidates(env: Dict[str, str]) -> Iterator[Tuple[str, str]]:
    """Yield (origin, path) of everything that may be a Python 3.10, in the order of preference."""
    for path in all_on_path("python3.10", env):
        yield "PATH", path
    home = Path(env.get("HOME", "/"))
    pyenv = Path(env.get("PYENV_ROOT") or home / ".pyenv")
    for path in newest_first(pyenv.glob("versions/3.10*/bin/python")):
        yield "pyenv", path
    yield from uv_candidates(env, home)
    for name in ("python3", "python"):
        for path in all_on_path(name, env):
            yield "PATH", path


def uv_candidates(env: Dict[str, str], home: Path) -> Iterator[Tuple[str, str]]:
    """Yield (origin, path) of uv's managed versions."""
    uv = shutil.which("uv", path=env.get("PATH", ""))
    if uv:
        path = output_of([uv, "python", "find", "--managed-python", "3.10"], env)
        if path:
            yield "uv", path
    data = Path(env.get("XDG_DATA_HOME") or home / ".local" / "share")
    folder = Path(env.get("UV_PYTHON_INSTALL_DIR") or data / "uv" / "python")
    for path in newest_first(folder.glob("cpython-3.10*/bin/python3.10")):
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


def choose_python(root: Path, env: Dict[str, str]) -> Interpreter:
    """Return the Python 3.10 to use: what PYTHON= names, one that is found, or one uv fetches."""
    if env.get("PYTHON"):
        return python_asked_for(env)
    rejected: List[Tuple[str, str]] = []
    for origin, path in candidates(env):
        try:
            return probe(path, origin)
        except Unusable as reason:
            # Other versions called python3 are everywhere and no news; the rest can be mended.
            if "not 3.10" not in str(reason) and (path, str(reason)) not in rejected:
                rejected.append((path, str(reason)))
    try:
        return fetch_python(root, env)
    except Unusable as reason:
        raise SetupError(no_python_message(rejected, str(reason))) from None


def python_asked_for(env: Dict[str, str]) -> Interpreter:
    """Return the interpreter that PYTHON= names; SetupError where it is not fit."""
    asked = env["PYTHON"]
    path = shutil.which(asked, path=env.get("PATH", ""))
    if not path:
        raise SetupError(
            f"PYTHON={asked} names no program that can be run.\n"
            "Name a Python 3.10, or leave PYTHON out to search for one."
        )
    try:
        return probe(path, "PYTHON=")
    except Unusable as reason:
        raise SetupError(
            f"PYTHON={asked} cannot be used: {reason}.\n"
            "Name a Python 3.10, or leave PYTHON out to search for one."
        ) from None


def fetch_python(root: Path, env: Dict[str, str]) -> Interpreter:
    """Download a Python 3.10 with uv; Unusable says why that failed."""
    say("no usable Python 3.10 here: fetching one with uv ...")
    uv = find_uv(root, env)
    done = subprocess.run(
        [uv, "python", "install", "3.10"],
        # No link in the person's own folder of programs.
        env=dict(env, UV_PYTHON_INSTALL_BIN="0"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if done.returncode != 0:
        said = done.stdout.decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise Unusable(f"uv could not download it ({said[-1].strip()})")
    path = output_of([uv, "python", "find", "--managed-python", "3.10"], env)
    if not path:
        raise Unusable("uv installed it and does not find it")
    return probe(path, "uv")


def find_uv(root: Path, env: Dict[str, str]) -> str:
    """Return a uv that runs: from PATH, or else installed by pip into .venv-tools."""
    private = root / ".venv-tools"
    path = str(private / "bin" / "uv")
    for known in [shutil.which("uv", path=env.get("PATH", "")), path]:
        if known and output_of([known, "--version"], env) is not None:
            return known
    shutil.rmtree(str(private), ignore_errors=True)
    install = ["-m", "pip", "install", "--require-hashes", "-r", str(root / UV_REQUIREMENTS)]
    if output_of([sys.executable, "-m", "venv", str(private)], env) is not None:
        output_of([str(private / "bin" / "python")] + install, env)
    else:
        # Debian's python3 comes without venv; it may have pip.
        output_of([sys.executable] + install + ["--target", str(private)], env)
    if output_of([path, "--version"], env) is None:
        raise Unusable("pip could not install uv, which would download it")
    return path


def no_python_message(rejected: List[Tuple[str, str]], reason: str) -> str:
    """Return the one message for a machine where no Python 3.10 can be had."""
    lines = [f"No usable Python 3.10 was found, and none could be fetched: {reason}."]
    lines += [f"  {path}: {why}" for path, why in rejected]
    lines += [
        "Install one, then run the same command again:",
        "  Ubuntu 22.04:  apt install python3.10 python3.10-venv python3.10-dev",
        "  Fedora:        dnf install python3.10 python3.10-devel",
        "  elsewhere:     uv python install 3.10, or pyenv install 3.10",
        "One in an unusual place is named with: make PYTHON=/path/to/python3.10 ...",
    ]
    return "\n".join(lines)


def find_compilers(python: Interpreter, env: Dict[str, str]) -> Dict[str, str]:
    """Return what to set so that packages without a wheel find a C and a C++ compiler."""
    chosen = {}
    missing = []
    for language, variable, configured, usual in [
        ("C", "CC", python.cc, ["gcc", "cc", "clang"]),
        ("C++", "CXX", python.cxx, ["g++", "c++", "clang++"]),
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
        raise SetupError(
            "no compiler for {} was found; pyfarmhash and crcmod have no wheel and need it.\n"
            "Install one, or set CC and CXX:\n"
            "  Debian, Ubuntu:  apt install g++\n"
            "  Fedora:          dnf install gcc gcc-c++".format(" and ".join(missing))
        )
    return chosen


def is_program(command: str, env: Dict[str, str]) -> bool:
    """Whether the first word of a command is a program on PATH."""
    words = shlex.split(command)
    return bool(words) and shutil.which(words[0], path=env.get("PATH", "")) is not None


def expected_stamp(root: Path, version: str) -> Dict[str, str]:
    """Return what .venv must have been made from to be taken as it is."""
    digest = hashlib.sha256()
    for name in (REQUIREMENTS, "setup.py"):
        digest.update((root / name).read_bytes() + b"\0")
    # The place counts too: an environment does not survive being moved.
    return {"digest": digest.hexdigest(), "python": version, "root": str(root)}


def is_up_to_date(root: Path, env: Dict[str, str]) -> bool:
    """Whether .venv is complete, works, and was made from what is here now."""
    venv = root / ".venv"
    try:
        stamp = json.loads((venv / STAMP).read_text())
    except (OSError, ValueError):
        return False
    version = python_asked_for(env).version if env.get("PYTHON") else stamp.get("python")
    if stamp != expected_stamp(root, version):
        return False
    # Run: the Python it was made with may have been removed since.
    return output_of([str(venv / "bin" / "python"), "-c", "print(1)"], env) == "1"


def begin_venv(root: Path, python: Interpreter, env: Dict[str, str]) -> None:
    """Make an empty .venv, in place of one of ours that is old or half made."""
    venv = root / ".venv"
    if venv.exists() and any(venv.iterdir()) and not (venv / MARKER).exists():
        raise SetupError(
            f"{venv} was not made by this set-up and is left alone: move it away and try again."
        )
    venv.mkdir(exist_ok=True)
    (venv / MARKER).write_text("Made by tools/setup_env.py; safe to delete with the folder.\n")
    # The stamp first, the marker never: stopped at any moment, the folder is ours and incomplete.
    remove([venv / STAMP])
    remove(path for path in venv.iterdir() if path.name != MARKER)
    run_logged([python.path, "-m", "venv", str(venv)], root, env, "making .venv")


def remove(paths: Iterable[Path]) -> None:
    """Delete files and folders."""
    for path in list(paths):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(str(path))
        else:
            with contextlib.suppress(FileNotFoundError):
                path.unlink()


def run_logged(command: List[str], root: Path, env: Dict[str, str], what: str) -> None:
    """Run a step with its output in the log; SetupError shows the log's end."""
    log = root / ".venv" / LOG
    with log.open("ab") as sink:
        sink.write(("\n$ " + " ".join(map(str, command)) + "\n").encode())
        sink.flush()
        code = subprocess.call(
            command,
            cwd=str(root),
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
        )
    if code != 0:
        last = log.read_text(errors="replace").splitlines()[-8:]
        raise SetupError(
            "{} failed. The end of {}:\n{}".format(what, log, "\n".join("  | " + x for x in last))
        )


def lock_blocks(text: str) -> Dict[str, str]:
    """Return a lock's requirements by name, each with its hash lines."""
    blocks: Dict[str, List[str]] = {}
    block: List[str] = []
    for line in text.splitlines():
        match = re.match(r"([A-Za-z0-9._-]+)==", line)
        if match:
            block = blocks.setdefault(match.group(1).lower(), [])
        if match or line.lstrip().startswith("--hash="):
            block.append(line)
    return {name: "\n".join(lines) + "\n" for name, lines in blocks.items()}


def install_requirements(root: Path, env: Dict[str, str]) -> None:
    """Install the lock, and the project itself, into .venv."""
    blocks = lock_blocks((root / REQUIREMENTS).read_text())
    build_tools = root / ".venv" / "build-tools.txt"
    build_tools.write_text("".join(blocks[name] for name in BUILD_TOOLS))

    def pip(what: str, *arguments: str) -> None:
        python = str(root / ".venv" / "bin" / "python")
        run_logged([python, "-m", "pip"] + list(arguments), root, env, what)

    say(f"installing {len(blocks)} packages, a few minutes; details in .venv/{LOG} ...")
    # The lock is complete, so pip has nothing to resolve. No build isolation: what an isolated
    # build fetches is not in the lock.
    locked = ["install", "--no-deps", "--require-hashes"]
    pip("installing the build tools", *locked, "-r", str(build_tools))
    pip(f"installing {REQUIREMENTS}", *locked, "--no-build-isolation", "-r", REQUIREMENTS)
    # Editable, so that Beam's worker processes import the project from here wherever they start. In
    # setuptools' compat mode the folder itself is on the path: a new package needs no reinstall.
    unlocked = ["install", "--no-deps", "--no-build-isolation"]
    compat = ["--config-settings", "editable_mode=compat"]
    pip("installing the project", *unlocked, *compat, "-e", ".")
    pip("checking the installed set", "check")


def install(root: Path, env: Dict[str, str]) -> None:
    """Make .venv where it is not up to date."""
    with only_one(root):
        if is_up_to_date(root, env):
            return
        began = time.time()
        python = choose_python(root, env)
        say(f"Python {python.version} ({python.origin}): {python.path}")
        env = dict(env, **find_compilers(python, env))
        begin_venv(root, python, env)
        install_requirements(root, env)
        write_stamp(root, python.version)
        say(f".venv is ready, after {time.time() - began:.0f} s")


def write_stamp(root: Path, version: str) -> None:
    """Say, at once or not at all, that .venv is complete."""
    stamp = root / ".venv" / STAMP
    begun = stamp.with_suffix(".new")
    begun.write_text(json.dumps(expected_stamp(root, version)))
    begun.replace(stamp)


@contextlib.contextmanager
def only_one(root: Path) -> Iterator[None]:
    """Let a second set-up in the same checkout wait for the first."""
    handle = os.open(str(root), os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def main(arguments: List[str], env: Dict[str, str]) -> int:
    """Run one of the commands; return the exit status."""
    try:
        if arguments == ["install"]:
            install(ROOT, env)
        elif arguments == ["python"]:
            print(choose_python(ROOT, env).path)
        elif arguments == ["uv"]:
            print(find_uv(ROOT, env))
        else:
            print(__doc__, file=sys.stderr)
            return 2
    except (SetupError, Unusable) as error:
        print(f"Set-up stopped: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], dict(os.environ)))
