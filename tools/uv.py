"""uv: found or installed, to fetch a Python with and to compile the locks with."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Dict

from tools.interpreters import Interpreter, Unusable, output_of, probe

UV_REQUIREMENTS = "requirements/uv.txt"


def fetch_python(root: Path, env: Dict[str, str], minor: int) -> Interpreter:
    """Download a Python 3.<minor> with uv; Unusable says why that failed."""
    version = f"3.{minor}"
    print(f"no usable Python here: fetching {version} with uv ...", file=sys.stderr, flush=True)
    uv = find_uv(root, env)
    done = subprocess.run(
        [uv, "python", "install", version],
        # No link in the person's own folder of programs.
        env=dict(env, UV_PYTHON_INSTALL_BIN="0"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if done.returncode != 0:
        said = done.stdout.decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise Unusable(f"uv could not download it ({said[-1].strip()})")
    path = output_of([uv, "python", "find", "--managed-python", version], env)
    if not path:
        raise Unusable("uv installed it and does not find it")
    return probe(path, "uv", [minor])


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
