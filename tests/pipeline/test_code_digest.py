"""The digest changes with the code behind a module, and with nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipeline import code_digest as module
from pipeline.code_digest import code_digest

ROOT = Path(module.__file__).parents[1]
TARGET = "components.fma_example_gen.executor"


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the project's packages, which the digest then reads."""
    for package in ("pipeline", "components", "models", "report"):
        shutil.copytree(
            ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    monkeypatch.setattr(module, "_ROOT", tmp_path)
    return tmp_path


def touch(path: Path) -> None:
    """Add a comment to a source file."""
    path.write_bytes(path.read_bytes() + b"\n# changed\n")


def test_it_is_a_sha_256_that_does_not_depend_on_the_place(copy: Path) -> None:
    inside = code_digest(TARGET)
    assert len(bytes.fromhex(inside)) == 32
    (copy / "moved").mkdir()
    for package in ("pipeline", "components", "models", "report"):
        (copy / package).rename(copy / "moved" / package)
    module._ROOT = copy / "moved"
    assert code_digest(TARGET) == inside


@pytest.mark.parametrize(
    "changed",
    [
        "components/fma_example_gen/executor.py",  # itself
        "components/fma_example_gen/raw_examples.py",  # through staging, from package import module
        "components/fma_example_gen/splits/groups.py",  # through others
        "components/fma_example_gen/audio/child.py",  # through the sandbox, which runs it
        "pipeline/errors.py",  # from module import name
        "components/__init__.py",
    ],
)
def test_it_changes_with_what_is_imported(copy: Path, changed: str) -> None:
    before = code_digest(TARGET)
    touch(copy / changed)
    assert code_digest(TARGET) != before


@pytest.mark.parametrize(
    "changed", ["pipeline/console.py", "models/trainer.py", "pipeline/run_config.py"]
)
def test_it_does_not_change_with_what_is_not_imported(copy: Path, changed: str) -> None:
    before = code_digest(TARGET)
    touch(copy / changed)
    (copy / "components" / "brand_new.py").write_text("x = 1\n")
    assert code_digest(TARGET) == before


@pytest.mark.parametrize(
    "target", [TARGET, "models.preprocessing", "models.trainer", "models.tuner", "models.knn"]
)
def test_another_model_is_no_reason_to_do_it_again(copy: Path, target: str) -> None:
    before, of_ranker = code_digest(target), code_digest("components.candidate_ranker.component")
    touch(copy / "pipeline" / "registry.py")
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


def test_modules_that_import_each_other_end(copy: Path) -> None:
    (copy / "models" / "hen.py").write_text("from models import egg\n")
    (copy / "models" / "egg.py").write_text("from models import hen\n")
    assert code_digest("models.hen") == code_digest("models.egg")


def test_the_order_of_the_modules_is_nothing() -> None:
    one, other = "models.features", "pipeline.errors"
    assert code_digest(one, other) == code_digest(other, one, one)
    assert code_digest(one) != code_digest(one, other)


@pytest.mark.parametrize("name", ["models.nowhere", "numpy", ""])
def test_a_module_that_is_not_here_is_named(name: str) -> None:
    with pytest.raises(FileNotFoundError, match=repr(name)):
        code_digest(name)


def test_the_init_file_of_a_package_counts(copy: Path) -> None:
    before = code_digest("models.trainer")
    touch(copy / "pipeline" / "__init__.py")
    assert code_digest("models.trainer") != before
