"""The console script `music-genre`, and its subcommand `download` from address to folder."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cli.main import COMMANDS, main
from tests.dataset.fma.conftest import Site, make_zip, sha1, site  # noqa: F401 - a fixture

ROOT = Path(__file__).parents[2]
HEAVY = ("tensorflow", "tfx", "apache_beam", "pandas", "librosa")
MP3S = {f"000/{number:06}.mp3": random.Random(number).randbytes(40_000) for number in (2, 5)}
TABLES = {"tracks.csv": b"track_id,\n2,\n", "genres.csv": b"genre_id,\n1,\n"}


@pytest.fixture
def flags(site: Site, tmp_path: Path) -> list[str]:  # noqa: F811
    """Return the flags of a mirror that has two archives of its own."""
    site.files["/fma/fma_small.zip"] = make_zip(MP3S)
    site.files["/fma/fma_metadata.zip"] = make_zip(TABLES, "fma_metadata")
    sums = {name: sha1(site.files[f"/fma/fma_{name}.zip"]) for name in ("small", "metadata")}
    return [
        f"--base-url={site.url}/fma",
        f"--to={tmp_path / 'data'}",
        *(f"--sha1={name}={value}" for name, value in sums.items()),
    ]


@pytest.mark.parametrize("words", [["--help"], ["to-wav", "--help"], ["predict", "--help"]])
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    script = f"""
import json, sys
from cli.main import main
try:
    main({words!r})
except SystemExit as stop:
    print(json.dumps([stop.code, sorted(set({HEAVY!r}) & set(sys.modules))]))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout.splitlines()[-1]) == [0, []]


def test_help_names_every_command_and_the_version_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for words in (["--help"], ["--version"]):
        with pytest.raises(SystemExit) as stopped:
            main(words)
        assert stopped.value.code == 0
    out = capsys.readouterr().out
    assert all(name in out for name in COMMANDS)
    assert out.rstrip().splitlines()[-1].startswith("music-genre 0.")


@pytest.mark.parametrize(
    ("options", "left"),
    [
        ([], ["fma_metadata", "fma_small"]),
        (["--no-metadata", "--keep-zip"], ["fma_small", "fma_small.zip"]),
    ],
)
def test_small_comes_with_its_metadata_or_without(
    flags: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    left: list[str],
) -> None:
    assert main(["download", "small", *options, *flags]) == 0
    data = tmp_path / "data"
    assert sorted(path.name for path in data.iterdir()) == left
    assert (data / "fma_small" / "000" / "000002.mp3").read_bytes() == MP3S["000/000002.mp3"]
    assert f"{data}/fma_small is complete\n" in capsys.readouterr().out


def test_ctrl_c_ends_with_130_and_the_same_command_continues(
    site: Site,  # noqa: F811
    flags: list[str],
    tmp_path: Path,
) -> None:
    command = [sys.executable, "-m", "cli.main", "download", "metadata", *flags]
    site.before_body = lambda: process.send_signal(signal.SIGINT)
    site.cuts = [len(site.files["/fma/fma_metadata.zip"]) // 2]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        # A script's background job ignores Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "interrupted; the same command continues\n")
    site.before_body = lambda: None
    assert main(["download", "metadata", *flags]) == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "required: COMMAND"),
        (["listen"], "invalid choice: 'listen'"),
        (["download", "tiny", "--to=d"], "invalid choice: 'tiny'"),
        (["download", "small"], "--to"),
        (["download", "small", "--to=d", "--retries=-1"], "a whole number from 0"),
        (["download", "small", "--to=d", "--base-url=ftp://x"], "http or https"),
        (["download", "small", "--to=d", "--sha1=small=12"], "40 hex digits"),
        (["to-wav", "a", "b", "--sample-rate=10"], "from 1000 to 768000 Hz"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(words)
    err = capsys.readouterr().err
    assert (stopped.value.code, err.count("\n")) == (2, 1)
    assert message in err


def test_sums_of_a_mirror_need_the_mirror_and_a_folder_must_be_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["download", "small", f"--to={tmp_path}", f"--sha1=small={'0' * 40}"]) == 2
    assert "needs --base-url" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    assert main(["download", "small", f"--to={tmp_path / 'file'}"]) == 2
    assert "cannot be made" in capsys.readouterr().err
