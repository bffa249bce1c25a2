"""The compiled examples, without what changes from one version to the next.

python -m tests.pipeline.vertex.golden_specs    writes them anew
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = ROOT / "examples"
GOLDEN = Path(__file__).parent / "golden"
NAMES = ("small", "medium", "full")
COMMAND = "python -m tests.pipeline.vertex.golden_specs"
_DIGEST = re.compile(r"\b[0-9a-f]{64}\b")
# TFDV's options for statistics, beside TFX 1.16 only.
_SLICE_SQLS = re.compile(r'\\*"_slice_sqls\\*": null, ')


def compiled(name: str) -> dict[str, Any]:
    """Return the pipeline job of an example, as `vertex_runner.py --config` compiles it."""
    import vertex_runner
    from pipeline.vertex import compile

    flags = vertex_runner.parse(
        [f"--config={EXAMPLES}/vertex-{name}.yaml", "--compile-only", "--output=unused"]
    )
    return compile.compile_pipeline(flags.pipeline, flags.vertex)


def normalised(job: dict[str, Any]) -> str:
    """Return the text of a pipeline job without versions and digests of the code."""
    job = json.loads(_SLICE_SQLS.sub("", _DIGEST.sub("DIGEST", json.dumps(job))))
    job["labels"] = {
        key: "VERSION" if "version" in key else value for key, value in job["labels"].items()
    }
    job["pipelineSpec"]["sdkVersion"] = "VERSION"
    return json.dumps(job, indent=1, sort_keys=True) + "\n"


def path(name: str) -> Path:
    """Return where the golden spec of an example is."""
    return GOLDEN / f"{name}.json"


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    for each in NAMES:
        path(each).write_text(normalised(compiled(each)), encoding="utf-8")
        print(path(each).relative_to(ROOT))
