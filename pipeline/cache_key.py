"""A digest of the code behind a module, so that TFX's cache sees what computes something else.

Components are given import paths, which leave the cache key blind to code; the digest among their
execution properties puts that right. It covers the project's modules, without what does not compute
anything, and the versions of the packages that they import.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import sys
from collections import defaultdict
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

_ROOT = Path(__file__).resolve().parent.parent
_PACKAGES = (
    "pipeline",
    "components",
    "evaluation",
    "report",
    "models",
    "features",
    "dataset",
    "common",
    "system",
)
# Of two dozen distributions of clients and protocols, none of which computes a feature or a model.
_SHARED_NAMES = ("google",)
_TEMPLATES = "templates/*.html"  # code of a package, too
# An execution property of a component.
CODE_DIGEST = "code_digest"


class _Source(NamedTuple):
    """What of a source file computes, and the dotted names that it imports."""

    computes: bytes
    imports: frozenset[str]


def code_digest(*modules: str) -> str:
    """Returns a SHA-256 hex digest of what `modules` and all that they import here compute.

    Comments, formatting and docstrings do not count. A package's templates count as they are. Of
    TFX, and of every other third-party package that is imported, also within a function, the
    version counts.

    Args:
        *modules: dotted names of modules of this project, such as `models.run_fn`.

    Raises:
        FileNotFoundError: where a module is not of this project.
    """
    found: dict[str, bytes] = {}
    packages: set[str] = set()
    todo = list(modules)
    while todo:
        module = todo.pop()
        if module in found:
            continue
        path = _source_path(module)
        if path is None:
            raise FileNotFoundError(f"no source file for module {module!r} under {_ROOT.name}")
        source = _parse(path.read_bytes())
        found[module] = source.computes
        for name in source.imports:
            top_level = name.partition(".")[0]
            if top_level not in (*_PACKAGES, *_SHARED_NAMES):
                packages.add(top_level)
            elif _source_path(name):
                todo.append(name)
        if path.name == "__init__.py":
            for template in path.parent.glob(_TEMPLATES):
                found[f"{module}/{template.name}"] = template.read_bytes()
        package, dot, _ = module.rpartition(".")
        todo += [package] if dot else []  # its __init__ runs too
    found["versions"] = versions_digest(*packages).encode()
    digest = hashlib.sha256()
    for name in sorted(found):
        digest.update(f"{name}\0{len(found[name])}\0".encode())
        digest.update(found[name])
    return digest.hexdigest()


def versions_digest(*packages: str) -> str:
    """Returns a SHA-256 hex digest of the versions of packages, TFX and Python, the last as 3.13.

    Args:
        *packages: top-level names as they are imported, such as `sklearn`; what comes with Python
            or is not installed has no version.
    """
    found = {name: _versions(name) for name in {"tfx", *packages}}
    text = repr((sys.version_info[:2], sorted(found.items())))
    return hashlib.sha256(text.encode()).hexdigest()


@functools.cache
def _versions(package: str) -> list[tuple[str, str]]:
    """Returns name and version of the distributions that a top-level name is installed from."""
    # Of two of one name the first is imported.
    found = {each.metadata["Name"]: each.version for each in reversed(_distributions()[package])}
    return sorted(found.items())


@functools.cache
def _distributions() -> Mapping[str, list[metadata.Distribution]]:
    """Returns the distributions that each top-level name is installed from.

    `importlib.metadata.packages_distributions` of Python 3.10 knows only those that list their
    names, which scikit-learn and NumPy do not.
    """
    found = defaultdict(list)
    for distribution in metadata.distributions():
        names = set((distribution.read_text("top_level.txt") or "").split())
        if not names:
            files = (distribution.read_text("RECORD") or "").splitlines()
            names = {file.partition("/")[0].partition(".")[0] for file in files}
        for name in names:
            found[name].append(distribution)
    return found


def _source_path(module: str) -> Path | None:
    base = _ROOT.joinpath(*module.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None


@functools.cache
def _parse(source: bytes) -> _Source:
    tree = ast.parse(source)
    imports: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            imports.add(node.module)
            imports.update(f"{node.module}.{alias.name}" for alias in node.names)
    return _Source(ast.dump(_WithoutDocstrings().visit(tree)).encode(), frozenset(imports))


class _WithoutDocstrings(ast.NodeTransformer):
    """Removes strings that stand alone, at the top or below what they describe."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:  # noqa: N802 - ast's name
        is_text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if is_text else node
