"""FmaExampleGen: FMA audio and `tracks.csv` to raw Examples in train, eval and test."""

from __future__ import annotations

import dataclasses

from tfx.components.example_gen.component import FileBasedExampleGen
from tfx.dsl.components.base import executor_spec
from tfx.proto import example_gen_pb2

from components.fma_example_gen import executor
from dataset.config import SPLITS, AudioConfig, DataConfig

NOTHING = "/dev/null/*"


class FmaExampleGen(FileBasedExampleGen):
    """Ingests an archive: FMA's, a table of one's own or a folder per genre.

    The digests in `DataConfig` stand for the names, sizes and times of the audio files and for the
    content of the tables, so that a changed archive is read again.
    """

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)

    def __init__(
        self,
        data: DataConfig,
        audio: AudioConfig,
        bad_files_path: str,
    ):
        """Builds the component.

        Args:
            data: where the archive is and what is used of it.
            audio: how a clip is cut and resampled.
            bad_files_path: where the bad-file list is left if there are too many.
        """
        splits = [example_gen_pb2.SplitConfig.Split(name=split, hash_buckets=1) for split in SPLITS]
        super().__init__(
            input_base=data.audio_dir,
            # TFX's own fingerprint ends in an exception at a dead link or a name that is not UTF-8,
            # and knows spans one at a time: it is given nothing to see.
            input_config=example_gen_pb2.Input(
                splits=[example_gen_pb2.Input.Split(name="audio", pattern=NOTHING)]
            ),
            # The executor splits by track; the buckets only declare the names to TFX.
            output_config=example_gen_pb2.Output(
                split_config=example_gen_pb2.SplitConfig(splits=splits)
            ),
            custom_config=executor.pack_custom_config(
                {
                    "data": dataclasses.asdict(data),
                    "audio": dataclasses.asdict(audio),
                    "bad_files_path": bad_files_path,
                }
            ),
        )
