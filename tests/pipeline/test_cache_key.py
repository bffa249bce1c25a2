"""The digest changes with the code behind a module, and with nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path

import pytest

from pipeline import cache_key as module
from pipeline.cache_key import code_digest, versions_digest

ROOT = Path(module.__file__).parents[1]
TARGET = "components.fma_example_gen.executor"
ROOMS = [name for name in module._PACKAGES if (ROOT / name).is_dir()]


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the project's packages, which the digest then reads."""
    ignored = shutil.ignore_patterns("__pycache__")
    for package in ROOMS:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=ignored)
    monkeypatch.setattr(module, "_ROOT", tmp_path)
    return tmp_path


def touch(path: Path) -> None:
    """Add a line that computes something to a source file."""
    path.write_bytes(path.read_bytes() + b"\nCHANGED = 1\n")


def test_it_does_not_depend_on_the_place(copy: Path) -> None:
    inside = code_digest(TARGET)
    module._ROOT = ROOT
    assert code_digest(TARGET) == inside


@pytest.mark.parametrize(
    "changed",
    [
        "components/fma_example_gen/executor.py",  # itself
        "components/fma_example_gen/raw_examples.py",  # through staging, from package import module
        "dataset/splits/groups.py",  # through others
        "dataset/audio/child.py",  # through the sandbox, which runs it
        "common/errors.py",  # from module import name
        "components/__init__.py",
    ],
)
def test_it_changes_with_what_is_imported(copy: Path, changed: str) -> None:
    before = code_digest(TARGET)
    touch(copy / changed)
    assert code_digest(TARGET) != before


@pytest.mark.parametrize("changed", ["common/console.py", "models/run_fn.py", "pipeline/config.py"])
def test_it_does_not_change_with_what_is_not_imported(copy: Path, changed: str) -> None:
    before = code_digest(TARGET)
    touch(copy / changed)
    (copy / "components" / "brand_new.py").write_text("x = 1\n")
    assert code_digest(TARGET) == before


@pytest.mark.parametrize(
    "target", [TARGET, "features.preprocessing", "models.run_fn", "models.tuner_fn"]
)
def test_another_model_is_no_reason_to_do_it_again(copy: Path, target: str) -> None:
    before, of_ranker = code_digest(target), code_digest("components.candidate_ranker.component")
    touch(copy / "models" / "registry.py")
    assert code_digest(target) == before
    assert code_digest("components.candidate_ranker.component") != of_ranker


def test_imports_within_functions_count(copy: Path) -> None:
    (copy / "models" / "late.py").write_text("def f():\n    import models.later\n")
    (copy / "models" / "later.py").write_text("x = 1\n")
    before = code_digest("models.late")
    touch(copy / "models" / "later.py")
    assert code_digest("models.late") != before


def test_the_templates_of_a_page_count(copy: Path) -> None:
    report, other = "components.genre_report.executor", "components.candidate_ranker.executor"
    before, unchanged = code_digest(report), code_digest(other)
    template = copy / "report" / "templates" / "style.html"
    template.write_bytes(template.read_bytes() + b"<!-- changed -->")
    assert code_digest(report) != before
    assert code_digest(other) == unchanged


@pytest.mark.parametrize("name", ["models.nowhere", "numpy"])
def test_a_module_that_is_not_here_is_named(name: str) -> None:
    with pytest.raises(FileNotFoundError, match=repr(name)):
        code_digest(name)


SOURCE = """
def shorten(text):
    return text[:30]
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    return", "    # why\n    return"),
        ("    return", '    """What it does."""\n    return'),
        ("def shorten", '"""What is in it."""\ndef shorten'),
        ("text[:30]", "(\n        text[:30]\n    )\n"),
    ],
)
def test_what_computes_nothing_does_not_count(copy: Path, old: str, new: str) -> None:
    assert not changes(copy, old, new)


@pytest.mark.parametrize(("old", "new"), [(":30", ":31"), ("return", "yield")])
def test_any_other_change_counts(copy: Path, old: str, new: str) -> None:
    assert changes(copy, old, new)


def changes(copy: Path, old: str, new: str) -> bool:
    """Return whether the digest of the source changes with a part of it."""
    path = copy / "models" / "edited.py"
    path.write_text(SOURCE)
    before = code_digest("models.edited")
    assert old in SOURCE
    path.write_text(SOURCE.replace(old, new))
    return code_digest("models.edited") != before


Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Return an installer of a distribution, with or without a list of its top-level names."""
    forget()
    site = tmp_path / "site-packages"
    monkeypatch.syspath_prepend(site)

    def put(name: str, version: str, package: str, *, declared: bool = True) -> None:
        for old in site.glob(f"{name}-*"):
            shutil.rmtree(old)
        info = site / f"{name}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "RECORD").write_text(f"{package}/__init__.py,,\n{info.name}/METADATA,,\n")
        if declared:
            (info / "top_level.txt").write_text(f"{package}\n")
        forget()

    yield put
    forget()


def forget() -> None:
    """Forget the versions, as a new process does."""
    module._versions.cache_clear()
    module._distributions.cache_clear()


@pytest.mark.parametrize(
    ("line", "declared"),
    [
        ("import soundkit", True),
        ("from soundkit.io import f", False),
        ("def f():\n    import soundkit.io as io", True),
    ],
)
def test_the_version_of_an_imported_package_counts(
    copy: Path, install: Install, line: str, declared: bool
) -> None:
    install("sound-kit", "1.0", "soundkit", declared=declared)
    (copy / "models" / "user.py").write_text(f"{line}\n")
    (copy / "models" / "other.py").write_text("import json\nfrom models import features\n")
    before, of_other = code_digest("models.user"), code_digest("models.other")
    install("sound-kit", "1.1", "soundkit", declared=declared)
    assert code_digest("models.user") != before
    assert code_digest("models.other") == of_other


def test_the_version_of_tfx_always_counts(copy: Path, install: Install) -> None:
    (copy / "models" / "plain.py").write_text("x = 1\n")
    before = code_digest("models.plain"), versions_digest("keras")
    install("tfx", f"{metadata.version('tfx')}.post1", "tfx")
    assert code_digest("models.plain") != before[0]
    assert versions_digest("keras") != before[1]


@pytest.mark.parametrize(
    ("package", "distribution"),
    [("sklearn", "scikit-learn"), ("librosa", "librosa"), ("keras", "keras"), ("PIL", "pillow")],
)
def test_packages_are_found_under_the_names_that_they_are_imported_by(
    package: str, distribution: str
) -> None:
    assert module._versions(package) == [(distribution, metadata.version(distribution))]
