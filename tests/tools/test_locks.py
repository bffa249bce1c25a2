"""What is read of a lock."""

from __future__ import annotations

from tools.locks import lock_blocks, pinned_versions


def test_lock_blocks_keep_hashes_with_their_package():
    foo = "Foo-bar==1 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n"
    z = "z==2 ; python_full_version < '3.14' \\\n    --hash=sha256:cc\n"
    assert lock_blocks(f"# top\n{foo}    # via x\n{z}") == {"foo-bar": foo, "z": z}


def test_lock_blocks_keep_all_versions_of_a_package():
    old = "z==1 ; python_full_version < '3.13' \\\n    --hash=sha256:aa\n"
    new = "z==2 ; python_full_version >= '3.13' \\\n    --hash=sha256:bb\n"
    assert lock_blocks(f"{old}    # via x\n{new}") == {"z": old + new}


def test_all_pinned_versions_are_known(tmp_path):
    lines = ["a==1.0 \\", "    --hash=sha256:aa", "z==1 ; m \\", "z==2 ; n \\", "    # via a"]
    (tmp_path / "lock.txt").write_text("\n".join(lines))
    assert pinned_versions(tmp_path, "lock.txt") == {"a": ["1.0"], "z": ["1", "2"]}
