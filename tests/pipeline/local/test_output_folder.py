"""What is asked of an output folder before a run."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

import local_runner
from common.errors import InputError
from dataset.config import AudioConfig
from pipeline.config import PipelineConfig
from pipeline.local import output_folder, prune

WriteArchive = Callable[..., list[str]]


def configuration(flags: list[str]) -> PipelineConfig:
    """Return the configuration of a command line."""
    return local_runner.parse(flags)[0]


def disk_with(free: int) -> Callable[[Path], SimpleNamespace]:
    """Return what tells the free bytes of a disk."""
    return lambda _: SimpleNamespace(free=free)


def refused_output(output: Path, *flags: str) -> str:
    """Return why an output folder is refused before anything is written."""
    config = configuration([*flags, f"--output-dir={output}"])
    with pytest.raises(InputError) as caught:
        output_folder.check_output(output, config)
    return str(caught.value)


def test_the_output_folder_is_made_and_left_clean(tmp_path: Path) -> None:
    output = tmp_path / "deep" / "output"
    for _ in range(2):
        output_folder.prepare_output(output)
        assert [path.relative_to(output).as_posix() for path in output.rglob("*")] == ["logs"]


def test_a_disk_that_is_too_small_is_refused_with_what_can_be_freed(
    write_archive: WriteArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, output = configuration(write_archive()), tmp_path / "output"
    monkeypatch.setattr(shutil, "disk_usage", disk_with(free=1_000_000))
    found = prune.Survey({output / "stale": 2_000_000}, total_bytes=3_000_000)
    monkeypatch.setattr(prune, "survey", lambda *_: found)
    with pytest.raises(InputError) as caught:
        output_folder.check_disk(config, output, needed_bytes=2_500_000)
    message = str(caught.value)
    assert f"--output-dir {output} has 0.0 GB free" in message
    assert "stale artifacts hold 2.00 MB; --prune removes them" in message
    output_folder.check_disk(config, output, needed_bytes=2_000_000)


def test_what_a_training_goes_on_from_is_not_needed_again(
    write_archive: WriteArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, output = configuration(write_archive()), tmp_path / "output"
    monkeypatch.setattr(shutil, "disk_usage", disk_with(free=1_000_000))
    clips = Path(config.checkpoint_dir) / "clips"
    clips.mkdir(parents=True)
    (clips / "train").write_bytes(b"x" * 2_000_000)
    output_folder.check_disk(config, output, needed_bytes=3_000_000)
    with pytest.raises(InputError, match="1000000.0 GB"):
        output_folder.check_disk(config, output, needed_bytes=10**15 + 2_000_000)


def test_the_need_grows_with_clips_length_and_models() -> None:
    audio = AudioConfig(clip_seconds=10.0)
    base = output_folder.bytes_needed(100, ["svm"], audio)
    more = output_folder.bytes_needed(200, ["svm"], audio)
    assert more - base == 100 * (2 * 220_500 + 250_000)
    with_windows = output_folder.bytes_needed(100, ["cnn1d"], audio)
    assert with_windows - base == 100 * 4 * 220_500
    assert output_folder.bytes_needed(100, ["svm", "knn"], audio) > base
    assert output_folder.bytes_needed(100, ["svm"], AudioConfig(clip_seconds=20.0)) > base


@pytest.mark.parametrize(
    ("output", "is_refused"),
    [
        ("music", False),
        ("music/out", False),
        ("music/1", True),
        ("music/2/out", True),  # a delivery that is a link
        ("elsewhere/out", True),
        ("music/7/out", True),  # it would become a delivery
        ("link/7", True),
        ("music/7th", False),
    ],
)
def test_an_output_folder_in_a_delivery_is_refused(
    tmp_path: Path, output: str, is_refused: bool
) -> None:
    for folder in ("music/1", "elsewhere"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "music" / "2").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "link").symlink_to(tmp_path / "music")
    flags = [f"--audio-dir={tmp_path}/music/{{SPAN}}"]
    if is_refused:
        assert "is in the audio folder" in refused_output(tmp_path / output, *flags)
    else:
        config = configuration([*flags, f"--output-dir={tmp_path / output}"])
        output_folder.check_output(tmp_path / output, config)


@pytest.mark.parametrize("below", ["", "000/out", "../audio/out", "../link/out"])
def test_an_output_folder_in_the_archive_is_refused(
    write_archive: WriteArchive, tmp_path: Path, below: str
) -> None:
    flags = write_archive()[:2]
    (tmp_path / "link").symlink_to(tmp_path / "audio")
    output = tmp_path / "audio" / below
    assert f"{output} is in the audio folder {tmp_path}/audio" in refused_output(output, *flags)
