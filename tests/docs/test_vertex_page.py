"""The commands of docs/vertex.md, as far as this machine knows them."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml

import vertex_runner
from tests.docker.test_image import STAGES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "vertex.md").read_text(encoding="utf-8")
VARIABLES = {
    "PROJECT": "my-project",
    "REGION": "us-central1",
    "BUCKET": "my-bucket",
    "ACCOUNT": "music-genre@my-project.iam.gserviceaccount.com",
    "REPOSITORY": "us-central1-docker.pkg.dev/my-project/music-genre",
}


def with_values(text: str) -> str:
    """Return a text with the values of the page's variables."""
    for name, value in VARIABLES.items():
        text = text.replace(f"${name}", value)
    return text


@pytest.fixture(autouse=True)
def run_yaml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be in a folder that has the file which the page writes."""
    (content,) = re.findall(r"^cat > run.yaml <<END\n(.*?)^END", PAGE, re.M | re.S)
    (tmp_path / "run.yaml").write_text(with_values(content))
    monkeypatch.chdir(tmp_path)


def commands(program: str) -> list[list[str]]:
    """Return the arguments that the page gives to a program, an item a command."""
    blocks = "\n".join(re.findall(r"^```sh\n(.*?)^```", PAGE, re.M | re.S))
    lines = with_values(blocks.replace("\\\n", " ")).splitlines()
    found = [shlex.split(line) for line in lines if line.startswith(program)]
    return [words[len(shlex.split(program)) :] for words in found]


RUNS = commands(".venv/bin/python vertex_runner.py")


@pytest.mark.parametrize("arguments", RUNS, ids=range(len(RUNS)))
def test_the_pages_flags_are_the_runners(arguments: list[str]) -> None:
    flags = vertex_runner.parse(arguments)
    assert flags.vertex.project == "my-project"


def test_the_page_shows_every_kind_of_run() -> None:
    shown = {word for arguments in RUNS for word in arguments}
    wanted = {"--compile-only", "--submit", "--wait", "--deploy", "--schedule", "--network-image"}
    assert wanted <= shown


def test_images_are_built_of_stages_that_there_are() -> None:
    settings = yaml.safe_load((ROOT / "cloudbuild.yaml").read_text())
    assert settings["substitutions"] == {"_TARGET": list(STAGES)[-1]}
    targets, images = {"cpu"}, set()
    for arguments in commands("gcloud builds submit"):
        (given,) = [word for word in arguments if word.startswith("--substitutions=")]
        values = dict(pair.split("=") for pair in given.partition("=")[2].split(","))
        targets.add(values.get("_TARGET", "cpu"))
        images.add(values["_IMAGE"])
    assert targets <= set(STAGES)
    used = {vertex_runner.parse(arguments).vertex.network_image for arguments in RUNS} - {""}
    assert used < images


def test_files_and_sections_that_the_page_names_are_there() -> None:
    for target in re.findall(r"\]\((?!https:)([^)#]*)(?:#[^)]*)?\)", PAGE):
        assert not target or (ROOT / "docs" / target).exists(), target
    headings = {
        re.sub(r"[^\w -]", "", line.lstrip("# ")).lower().replace(" ", "-")
        for line in PAGE.splitlines()
        if line.startswith("## ")
    }
    assert headings == set(re.findall(r"^- \[[^]]*\]\(#([^)]*)\)", PAGE, re.M))
