"""The generations, as they are found and named."""

from __future__ import annotations

import pytest

from tools.generations import GENERATIONS, generation_of


def test_the_generations_are_named_by_their_pythons():
    assert [known.pythons for known in GENERATIONS] == ["Python 3.11 to 3.13", "Python 3.10"]


@pytest.mark.parametrize(
    ("version", "tfx"),
    [("3.10.13", "1.16"), ("3.11.7", "1.21"), ("3.12.1", "1.21"), ("3.13.0", "1.21")],
)
def test_each_python_has_its_generation(version, tfx):
    assert generation_of(version).tfx == tfx


@pytest.mark.parametrize("version", ["2.7.18", "3.1.5", "3.9.18", "3.14.0", "3.100.0"])
def test_another_python_has_none(version):
    with pytest.raises(KeyError):
        generation_of(version)
