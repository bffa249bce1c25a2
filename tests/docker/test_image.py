"""The image's Dockerfile: pinned as .venv is, whole, small, and run by nobody special."""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from packaging.requirements import Requirement

from tests.requirement_files import locked, setup_arguments

ROOT = Path(__file__).parents[2]
PYTHON = "3.10"
LOCK = "requirements/tfx-1.16.txt"
PINS = {need.name: str(need.specifier) for need, _ in locked(ROOT / LOCK)}


class Stage(NamedTuple):
    """One FROM and what follows, as (instruction, rest of the line)."""

    base: str
    name: str
    steps: list[tuple[str, str]]

    def all(self, instruction: str) -> list[str]:
        return [rest for found, rest in self.steps if found == instruction]


def parsed() -> dict[str, Stage]:
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if line[:1] != "#"]
    stages: dict[str, Stage] = {}
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if not line:
            continue
        instruction, rest = line.split(maxsplit=1)
        if instruction == "FROM":
            base, _, name = rest.split()
            stage = stages[name] = Stage(base, name, [])
        else:
            stage.steps.append((instruction, " ".join(rest.split())))
    return stages


STAGES = parsed()


@pytest.fixture
def project(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What setup.py hands to setuptools."""
    monkeypatch.chdir(ROOT)
    return setup_arguments(ROOT)


def copied_from_here(stage: Stage) -> set[str]:
    """Returns what a stage takes from the checkout."""
    copies = (rest.split() for rest in stage.all("COPY") if not rest.startswith("--from="))
    return {source.rstrip("/") for words in copies for source in words[:-1]}


def test_every_image_is_built_on_one_python_by_a_tag_that_says_its_release() -> None:
    outside = {stage.base for stage in STAGES.values()} - set(STAGES)
    beam = PINS["apache-beam"].removeprefix("==")
    assert outside == {f"python:{PYTHON}-slim-bookworm", f"apache/beam_python{PYTHON}_sdk:{beam}"}
    # What is built by default has no accelerator.
    assert list(STAGES)[-1] == "cpu"
    assert STAGES["cpu"] == Stage("runtime", "cpu", [])


def test_packages_are_those_of_the_lock_checked_against_their_hashes() -> None:
    installs = [
        command
        for stage in STAGES.values()
        for run in stage.all("RUN")
        for command in run.split(" && ")
        if command.startswith("pip install")
    ]
    locked = [command for command in installs if "--require-hashes" in command]
    files = {Path(command.split(" -r ")[1]).name for command in locked}
    assert files == {"build.txt", Path(LOCK).name, "cuda.txt", "musicnn.txt"}
    others = [command.split()[-1] for command in installs if command not in locked]
    # The project itself, and what Cloud TPU publishes, which is in no registry.
    assert others[0] == "."
    assert others[1].startswith('"${TPU_SOFTWARE}/') and len(others) == 2
    assert all("--no-deps" in command for command in installs)


def test_the_whole_project_is_in_it(project: dict[str, Any]) -> None:
    copied = copied_from_here(STAGES["packages"])
    folders = {name.split(".")[0] for name in project["packages"]}
    modules = {f"{name}.py" for name in project["py_modules"]}
    assert copied == {
        LOCK,
        "requirements/musicnn.txt",
        "setup.py",
        "pyproject.toml",
        *folders,
        *modules,
    }


def test_it_does_not_run_as_root() -> None:
    for stage in ("runtime", "gpu"):
        assert STAGES[stage].all("USER")[-1] not in ("0", "root")


def test_a_worker_starts_beams_boot_with_a_folder_that_any_user_may_write_to(
    tmp_path: Path,
) -> None:
    (entrypoint,) = STAGES["runtime"].all("ENTRYPOINT")
    assert entrypoint == '["/opt/music-genre/boot"]'
    assert "docker/boot /opt/music-genre/boot" in STAGES["runtime"].all("COPY")
    script = ROOT / "docker" / "boot"
    assert os.access(script, os.X_OK)
    stand_in = tmp_path / "boot"
    stand_in.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    stand_in.chmod(0o755)
    code = script.read_text().replace("/opt/apache/beam/boot", str(stand_in))
    given = ["--id=1 2", "--semi_persist_dir=/var/opt/google"]
    done = subprocess.run(["sh", "-c", code, "boot", *given], capture_output=True, text=True)
    assert done.stdout.splitlines() == [*given, "--semi_persist_dir=/tmp"]


def is_sent(path: str) -> bool:
    """Returns whether Docker gets to see a path; the last pattern that fits decides."""
    sent = True
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        pattern = line.lstrip("!").removeprefix("**/")
        names = path.split("/")
        parents = ["/".join(names[:end]) for end in range(1, len(names) + 1)]
        if line.startswith("**/"):
            parents += names
        if any(fnmatch(parent, pattern) for parent in parents):
            sent = line.startswith("!")
    return sent


def test_docker_sees_what_is_copied_and_nothing_else() -> None:
    for stage in STAGES.values():
        for path in copied_from_here(stage):
            assert is_sent(path), path
            assert (ROOT / path).exists()
    kept_back = [
        ".git/config", ".venv/bin/python", "data/demo/a.mp3", "output/demo/report/index.html",
        "tests/stand_ins.py", "docs/vertex.md", "notebooks/slices.ipynb", "key.json", ".env",
        "models/__pycache__/audio.cpython-310.pyc", "requirements/uv.txt",
    ]  # fmt: skip
    assert not [path for path in kept_back if is_sent(path)]
    assert is_sent("components/candidate_ranker/executor.py")
    assert is_sent("report/templates/report.html")


def test_cudas_libraries_are_those_that_the_pinned_tensorflow_names() -> None:
    lines = (ROOT / "requirements" / "cuda.in").read_text().splitlines()
    wanted = {line for line in lines if not line.startswith("#")}
    assert {str(need) for need, _ in locked(ROOT / "requirements" / "cuda.txt")} == wanted
    if PINS["tensorflow"] != f"=={importlib.metadata.version('tensorflow')}":
        pytest.skip("another generation of TensorFlow is installed")
    named = map(Requirement, importlib.metadata.requires("tensorflow") or [])
    extra = [need for need in named if need.marker and need.marker.evaluate({"extra": "and-cuda"})]
    cuda = {f"{need.name}{need.specifier}" for need in extra if need.name.startswith("nvidia-")}
    assert cuda == wanted
    folders = re.findall(r"\$CUDA_PACKAGES/(\w+)", " ".join(STAGES["gpu"].all("ENV")))
    assert {f"nvidia-{name.replace('_', '-')}-cu12" for name in folders} == {
        need.split("==")[0] for need in wanted
    }
