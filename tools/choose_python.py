"""Which Python .venv is made with, and so which generation of TFX; and the words for that."""

import os
import shutil
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Tuple

from tools.generations import GENERATIONS, Generation, generation_of
from tools.interpreters import (
    PLATFORM,
    Interpreter,
    NoCompiler,
    OtherVersion,
    SetupError,
    Unusable,
    candidates,
    find_compilers,
    machine_glibc,
    machine_platform,
    probe,
)
from tools.uv import fetch_python


class Choice(NamedTuple):
    """An interpreter, the generation that it is for, and why they were chosen."""

    python: Interpreter
    generation: Generation
    reason: str


class Search(NamedTuple):
    """The interpreter that was found, if any, and those that had to be passed over, with why."""

    python: Optional[Interpreter]
    rejected: List[Tuple[str, str]]


def choose_python(root: Path, env: Dict[str, str]) -> Choice:
    """Return what PYTHON= names, what is found here, or else a Python that uv fetches."""
    if env.get("PYTHON"):
        return python_asked_for(env)
    glibc = machine_glibc()
    fit = generations_for(glibc)
    needed = dotted(GENERATIONS[0].oldest_glibc)
    reason = why_not_the_best(glibc) or f"glibc {dotted(glibc)} is new enough ({needed})"
    rejected: List[Tuple[str, str]] = []
    for generation in fit:
        search = search_for(generation, env)
        if search.python:
            return Choice(search.python, generation, reason)
        rejected += search.rejected
        reason = f"no usable {generation.pythons} for TFX {generation.tfx} was found"
        if search.rejected:
            reason += " ({}: {})".format(*search.rejected[0])
    try:
        find_compilers(env)  # before minutes are spent on a download
        python = fetch_python(root, env, fit[0].minors[0])
    except (Unusable, NoCompiler) as error:
        raise SetupError(no_python_message(fit, rejected, str(error))) from None
    return Choice(python, fit[0], why_not_the_best(glibc) or "no usable Python was here")


def generations_for(glibc: Tuple[int, ...]) -> List[Generation]:
    """Return the generations that run here, the best first; SetupError if there is none."""
    if machine_platform() != PLATFORM:
        here = " ".join(machine_platform())
        raise SetupError(f"the pinned packages are for Linux on x86-64, and this is {here}.")
    fit = [known for known in GENERATIONS if glibc >= known.oldest_glibc]
    if not fit:
        oldest = min(known.oldest_glibc for known in GENERATIONS)
        here = f"glibc {dotted(glibc)}" if glibc else "another C library"
        raise SetupError(
            f"the pinned packages need glibc {dotted(oldest)} or newer, and this is {here}.\n"
            "Use a newer distribution, such as Debian 12 or 13, or Ubuntu 22.04 or 24.04."
        )
    return fit


def why_not_the_best(glibc: Tuple[int, ...]) -> str:
    """Return what keeps the best generation from running here, or nothing."""
    best = GENERATIONS[0]
    if glibc >= best.oldest_glibc:
        return ""
    needed = dotted(best.oldest_glibc)
    return f"TFX {best.tfx} needs glibc {needed} or newer, and this is {dotted(glibc)}"


def dotted(version: Tuple[int, ...]) -> str:
    """Return (2, 38) as 2.38."""
    return ".".join(map(str, version))


def search_for(generation: Generation, env: Dict[str, str]) -> Search:
    """Return the first interpreter here that is fit for a generation."""
    rejected: List[Tuple[str, str]] = []
    for origin, path in candidates(env, generation):
        try:
            return Search(probe(path, origin, generation.minors), rejected)
        except OtherVersion:
            continue  # other versions called python3 are everywhere and no news
        except Unusable as reason:
            rejected.append((path, str(reason)))
    return Search(None, rejected)


def python_asked_for(env: Dict[str, str]) -> Choice:
    """Return the interpreter that PYTHON= names; SetupError where it is not fit."""
    asked = env["PYTHON"]
    glibc = machine_glibc()
    fit = generations_for(glibc)
    pythons = " or ".join(generation.pythons for generation in fit)
    path = shutil.which(asked, path=env.get("PATH", ""))
    try:
        if not path:
            raise Unusable("there is no such program")
        python = probe(path, "PYTHON=", [minor for known in GENERATIONS for minor in known.minors])
        generation = generation_of(python.version)
        if generation not in fit:
            raise Unusable(f"it is Python {python.version}, and {why_not_the_best(glibc)}")
    except Unusable as reason:
        raise SetupError(
            f"PYTHON={asked} cannot be used: {reason}.\n"
            f"Name {pythons}, or leave PYTHON out to search for one."
        ) from None
    return Choice(python, generation, "it was asked for")


def no_python_message(fit: List[Generation], rejected: List[Tuple[str, str]], reason: str) -> str:
    """Return the one message for a machine where no fit Python can be had."""
    wanted = " and no ".join(generation.pythons for generation in fit)
    best = fit[0]
    version = f"3.{best.minors[0]}"
    lines = [f"no usable {wanted} was found here, and none was fetched: {reason}."]
    # One program often has several names: python3 and python3.13, in /bin and in /usr/bin.
    told: Dict[Tuple[str, str], str] = {}
    for path, why in rejected:
        told.setdefault((os.path.realpath(path), why), f"  {path}: {why}")
    lines += told.values()
    lines += [
        "Install what is missing, then run the same command again:",
        f"  {best.debian}",
        f"  Fedora:  dnf install gcc-c++ python{version} python{version}-devel",
        f"  elsewhere:  a C++ compiler, and uv python install {version} or pyenv install {version}",
        "A Python in an unusual place is named with: make PYTHON=/path/to/python ...",
    ]
    return "\n".join(lines)
