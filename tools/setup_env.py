"""Make .venv: find or fetch a Python, then install the pinned, hash-checked set that fits it.

    setup_env.sh install    make .venv, or do nothing where it is up to date
    setup_env.sh versions   print what a bug report needs
    setup_env.sh uv         print a uv, installed into .venv-tools where there is none

Standard library only, and nothing newer than Python 3.6, as in every module of tools/: they run
before anything is installed.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Dict, Iterable, Iterator, List

from tools.choose_python import choose_python, python_asked_for
from tools.generations import generation_of
from tools.interpreters import (
    Interpreter,
    NoCompiler,
    SetupError,
    Unusable,
    find_compilers,
    output_of,
)
from tools.locks import lock_blocks
from tools.uv import find_uv
from tools.versions import report

ROOT = Path(__file__).resolve().parent.parent

# Packages without a wheel are built with what is in .venv, so these two come first.
BUILD_TOOLS = ("setuptools", "wheel")

# In .venv: says that this script made the folder, and, once all is installed, from what.
MARKER = "setup-begun"
STAMP = "setup-done.json"
LOG = "install.log"


def say(text: str) -> None:
    """Tell of a step."""
    # Not to standard output, which carries the answer of `uv`.
    print(text, file=sys.stderr, flush=True)


def expected_stamp(root: Path, version: str) -> Dict[str, str]:
    """Return what .venv must have been made from to be taken as it is."""
    requirements = generation_of(version).requirements
    digest = hashlib.sha256()
    for name in (requirements, "setup.py"):
        digest.update((root / name).read_bytes() + b"\0")
    # The place counts too: an environment does not survive being moved.
    return {
        "digest": digest.hexdigest(),
        "python": version,
        "requirements": requirements,
        "root": str(root),
    }


def is_up_to_date(root: Path, env: Dict[str, str]) -> bool:
    """Whether .venv is complete, works, and was made from what is here now."""
    asked = python_asked_for(env).python.version if env.get("PYTHON") else None
    stamp = read_stamp(root)
    try:
        wanted = expected_stamp(root, asked or stamp.get("python", ""))
    except (OSError, KeyError):
        return False
    if stamp != wanted:
        return False
    # Run: the Python it was made with may have been removed since.
    return output_of([str(root / ".venv" / "bin" / "python"), "-c", "print(1)"], env) == "1"


def read_stamp(root: Path) -> Dict[str, str]:
    """Return what .venv was made from, or nothing where it is not complete."""
    try:
        stamp = json.loads((root / ".venv" / STAMP).read_text())
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


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


def install_requirements(root: Path, requirements: str, env: Dict[str, str]) -> None:
    """Install the lock, and the project itself, into .venv."""
    blocks = lock_blocks((root / requirements).read_text())
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
    pip(f"installing {requirements}", *locked, "--no-build-isolation", "-r", requirements)
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
        python, generation, reason = choose_python(root, env)
        say(
            f"TFX {generation.tfx} on Python {python.version} ({python.origin}: {python.path}), "
            f"since {reason}"
        )
        env = dict(env, **find_compilers(env, python.cc, python.cxx))
        begin_venv(root, python, env)
        install_requirements(root, generation.requirements, env)
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
        elif arguments == ["versions"]:
            print("\n".join(report(ROOT, read_stamp(ROOT).get("requirements", ""), env)))
        elif arguments == ["uv"]:
            print(find_uv(ROOT, env))
        else:
            print(__doc__, file=sys.stderr)
            return 2
    except NoCompiler as error:
        print(f"Set-up stopped: {error}.\n{error.CURE}", file=sys.stderr)
        return 1
    except (SetupError, Unusable) as error:
        print(f"Set-up stopped: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], dict(os.environ)))
