"""What README, docs and Makefile say of the models that there are."""

from __future__ import annotations

import re
from pathlib import Path

from models.registry import MODEL_NAMES

ROOT = Path(__file__).parents[2]
NUMBERS = {10: "ten", 11: "eleven", 12: "twelve", 13: "thirteen"}


def found(file: str, pattern: str) -> list[str]:
    matches = re.findall(pattern, (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)
    assert matches, f"{file} has nothing like {pattern}"
    return matches


def test_docs_have_a_row_for_each_registered_model() -> None:
    # The page's first table; its first column names the models.
    (table,) = found("docs/models.md", r"\A# Models\n\n((?:\|.*\n)+)")
    names = [
        name for row in table.splitlines() for name in re.findall("`(.+?)`", row.split("|")[1])
    ]
    assert sorted(names) == sorted(MODEL_NAMES)


def test_readme_counts_the_registered_models() -> None:
    assert found("README.md", r"up to (\w+) models") == [NUMBERS[len(MODEL_NAMES)]]


def test_the_demo_trains_registered_models() -> None:
    (names,) = found("Makefile", r"^DEMO_MODELS := (.+)$")
    assert set(names.split(",")) <= set(MODEL_NAMES)
