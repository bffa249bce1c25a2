"""A digest of the project's code behind a module, so that TFX's cache sees a changed line.

Components are given import paths, which leave the cache key blind to code; the digest among their
execution properties mends that.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
_PACKAGES = ("pipeline", "components", "models", "report", "system")
_TEMPLATES = "templates/*.html"  # code of a package, too
# Of a component's execution properties.
CODE_DIGEST = "code_digest"


def code_digest(*modules: str) -> str:
    """Returns a SHA-256 hex digest of the source of `modules` and of all they import here.

    The templates of a package belong to its source.

    Args:
        *modules: dotted names of modules of this project, such as `models.trainer`.

    Raises:
        FileNotFoundError: where a module is not of this project.
    """
    sources: dict[str, bytes] = {}
    todo = list(modules)
    while todo:
        module = todo.pop()
        if module in sources:
            continue
        path = _source_path(module)
        if path is None:
            raise FileNotFoundError(f"no source file for module {module!r} under {_ROOT.name}")
        sources[module] = path.read_bytes()
        todo += _imports(sources[module])
        if path.name == "__init__.py":
            for template in path.parent.glob(_TEMPLATES):
                sources[f"{module}/{template.name}"] = template.read_bytes()
        package, dot, _ = module.rpartition(".")
        todo += [package] if dot else []  # its __init__ runs too
    digest = hashlib.sha256()
    for module in sorted(sources):
        digest.update(f"{module}\0{len(sources[module])}\0".encode())
        digest.update(sources[module])
    return digest.hexdigest()


def _source_path(module: str) -> Path | None:
    base = _ROOT.joinpath(*module.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None


def _imports(source: bytes) -> Iterator[str]:
    """Yields the project's own modules that `source` imports, wherever in the file it does."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            if name.split(".")[0] in _PACKAGES and _source_path(name):
                yield name
