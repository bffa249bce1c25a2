"""Which way of splitting fits an archive."""

from __future__ import annotations

from common.errors import InputError

# What to say where a policy and a kind of archive do not fit: (policy, kind) → sentence.
_UNFIT = {
    ("official", "table"): "--split official is FMA's own split and needs --metadata-dir: for "
    "--tracks-csv use --split file, which is its split column, or --split artist-hash",
    ("official", "folders"): "--split official is FMA's own split and needs --metadata-dir: for "
    "folders of genres use --split artist-hash",
    ("file", "fma"): "--split file is the split column of --tracks-csv: for FMA's metadata use "
    "--split official or --split artist-hash",
    ("file", "folders"): "--split file is the split column of --tracks-csv, and none is given: "
    "give one, or use --split artist-hash",
}
# Likewise where the archive could have splits, but has none.
_NO_SPLITS = {
    "official": "--split official needs FMA's own split, which no track has: use --split "
    "artist-hash",
    "file": "--split file needs a split column in --tracks-csv, and it has none: add one of train, "
    "eval and test, or use --split artist-hash",
}
_OWN_SPLITS = {"fma": "official", "table": "file"}


def split_policy(wanted: str, *, kind: str, has_splits: bool) -> str:
    """Returns `official`, `file` or `artist-hash`.

    Args:
        wanted: one of these, or `auto`: the archive's own splits, `artist-hash` where it has none.
        kind: of the archive: `fma`, `table` or `folders`.
        has_splits: whether it has splits of its own.

    Raises:
        InputError: where the archive has no such splits, with what to use.
    """
    if wanted == "auto":
        return _OWN_SPLITS.get(kind, "artist-hash") if has_splits else "artist-hash"
    if (wanted, kind) in _UNFIT:
        raise InputError(_UNFIT[wanted, kind])
    if wanted in _NO_SPLITS and not has_splits:
        raise InputError(_NO_SPLITS[wanted])
    return wanted
