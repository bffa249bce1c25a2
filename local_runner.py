#!/usr/bin/env python
"""Runs the pipeline on this machine: flags to configuration, console, results.

Exit status: 0 the model was pushed, 2 usage or bad input, 3 the gate refused the model, 1 a fault
of the program, 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from pathlib import Path
from typing import NoReturn

from pipeline.config import (
    FEATURE_SETS,
    MAX_CREDIBLE_ACCURACY,
    SPLIT_POLICIES,
    SUBSETS,
    AudioConfig,
    ContestConfig,
    DataConfig,
    GateConfig,
    TrainConfig,
)
from pipeline.registry import MODEL_NAMES
from pipeline.run_config import PipelineConfig, TuneConfig

BEAM_RUNNERS = ("DirectRunner", "FlinkRunner", "SparkRunner", "PortableRunner")


class _HelpFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Shows a default where there is one to show."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        if action.default is None or action.default is False or action.default in ([], ()):
            return action.help
        return super()._get_help_string(action)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message} (see --help)\n")


def build_parser() -> argparse.ArgumentParser:
    """Returns the command line."""
    audio, train, tune, gate = AudioConfig(), TrainConfig(), TuneConfig(), GateConfig()
    parser = _Parser(
        description="Train, rank, judge and push music-genre models on an archive in FMA's shape.",
        formatter_class=_HelpFormatter,
        epilog="Exit status: 0 pushed, 2 usage or bad input, 3 the gate refused the model.",
    )
    group = parser.add_argument_group("data")
    group.add_argument("--audio-dir", required=True, help="folder of 000/000002.mp3 …")
    group.add_argument("--metadata-dir", required=True, help="folder of tracks.csv")
    group.add_argument("--output-dir", required=True, help="everything that comes out goes here")
    group.add_argument("--subset", choices=SUBSETS, default="small", help="FMA's subset")
    group.add_argument(
        "--split", choices=SPLIT_POLICIES, default="official",
        help="FMA's own split, or 64/16/20 by a digest of the artist",
    )  # fmt: skip
    group.add_argument(
        "--max-bad-fraction", type=float, default=0.1, metavar="F",
        help="share of tracks whose audio may be unusable",
    )  # fmt: skip
    group.add_argument(
        "--clip-seconds", type=float, default=audio.clip_seconds, metavar="S",
        help="longest clip; of a longer file the middle is taken",
    )  # fmt: skip
    group.add_argument(
        "--min-clip-seconds", type=float, default=audio.min_clip_seconds, metavar="S",
        help="a shorter file is a bad file",
    )  # fmt: skip

    group = parser.add_argument_group("training")
    group.add_argument(
        "--models", type=_names, default=",".join(MODEL_NAMES), metavar="NAME,NAME…",
        help="candidates",
    )  # fmt: skip
    group.add_argument(
        "--feature-set", choices=FEATURE_SETS, default=train.feature_set,
        help="what the classical models read: statistics of the audio, or the columns of FMA's "
        "features.csv, which a model then needs for every clip it is to classify",
    )  # fmt: skip
    group.add_argument(
        "--pca-components", type=int, metavar="N",
        help="principal components for the classical models, 0 for none; default: the model's own",
    )  # fmt: skip
    group.add_argument("--epochs", type=int, metavar="N", help="default: the model's own")
    group.add_argument(
        "--batch-size", type=int, metavar="N", help="a replica; default: the model's"
    )
    group.add_argument("--learning-rate", type=float, metavar="R", help="default: the model's own")
    group.add_argument(
        "--patience", type=int, default=train.patience, metavar="N",
        help="epochs without improvement before training stops",
    )  # fmt: skip
    group.add_argument("--dropout", type=float, metavar="F", help="of a network, default: its own")
    group.add_argument(
        "--label-smoothing", type=float, metavar="F",
        help="share of a target that goes to all genres alike; default: the network's",
    )  # fmt: skip
    group.add_argument(
        "--mixup", type=float, metavar="A",
        help="alpha of mixup's Beta distribution, 0 for none; default: the network's",
    )  # fmt: skip
    group.add_argument(
        "--no-augmentation", action="store_true",
        help="leave pictures and windows as they are: no masks, shifts, gain or mixup",
    )  # fmt: skip
    group.add_argument("--seed", type=int, default=train.seed, metavar="N", help="of all chance")
    group.add_argument(
        "--mobilenet-weights", default=train.mobilenet_weights, metavar="W",
        help="imagenet (downloaded by Keras), none, or the path of a no-top weights file",
    )  # fmt: skip
    group.add_argument(
        "--fine-tune-epochs", type=int, default=train.fine_tune_epochs, metavar="N",
        help="epochs for the top of MobileNetV2, after its head; default: some where its base has "
        "been trained",
    )  # fmt: skip
    group.add_argument(
        "--fine-tune-blocks", type=int, default=train.fine_tune_blocks, metavar="N",
        help="how many of its 16 blocks are fine-tuned",
    )  # fmt: skip

    group = parser.add_argument_group("tuning")
    group.add_argument(
        "--tune", type=_names, default=(), metavar="NAME,NAME…",
        help="networks whose hyperparameters are searched for first; default: none",
    )  # fmt: skip
    group.add_argument(
        "--tuner-trials", type=int, default=tune.trials, metavar="N", help="trials of a network"
    )
    group.add_argument(
        "--tuner-epochs", type=int, default=tune.epochs, metavar="N",
        help="longest stage of a trial",
    )  # fmt: skip

    group = parser.add_argument_group("contest, on the eval split")
    group.add_argument(
        "--push-unservable", action="store_true",
        help="let a model that needs more than audio be the best, and push it",
    )  # fmt: skip
    group.add_argument(
        "--max-credible-accuracy", type=float, metavar="F",
        help="a higher accuracy, on eval or test, raises an alarm, for a leak is likelier than a "
        "good model: published figures on fma_small's official split end at 0.55; 1 raises none; "
        "default: 0.75 for --subset small, 1 for the others",
    )  # fmt: skip

    group = parser.add_argument_group("gate, on the test split")
    group.add_argument(
        "--min-accuracy", type=float, default=gate.min_accuracy, metavar="F", help="least accuracy"
    )
    group.add_argument(
        "--min-macro-f1", type=float, default=gate.min_macro_f1, metavar="F", help="least macro-F1"
    )
    group.add_argument(
        "--min-genre-recall", type=float, default=gate.min_genre_recall, metavar="F",
        help="floor for every single genre",
    )  # fmt: skip
    group.add_argument(
        "--max-drop", type=float, default=gate.max_drop, metavar="F",
        help="how far accuracy and macro-F1 may fall below the last blessed model's",
    )  # fmt: skip
    group.add_argument(
        "--max-genre-drop", type=float, default=gate.max_genre_drop, metavar="F",
        help="how far the recall of any genre may fall below the last blessed model's",
    )  # fmt: skip

    group = parser.add_argument_group("run")
    group.add_argument(
        "--beam-runner", choices=BEAM_RUNNERS, default="DirectRunner", help="Beam's runner"
    )
    group.add_argument(
        "--beam-workers", type=_workers, metavar="N",
        help="worker processes, 1 for none; default: by the number of clips",
    )  # fmt: skip
    group.add_argument(
        "--beam-arg", action="append", default=[], metavar="=--flag=VALUE",
        help="a further flag for Beam; may be repeated",
    )  # fmt: skip
    group.add_argument("--no-cache", action="store_true", help="compute everything again")
    group.add_argument(
        "--no-resume", action="store_true", help="do not go on with an interrupted training"
    )
    group.add_argument(
        "--dry-run", action="store_true", help="check the input, print the plan, stop"
    )
    return parser


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    unknown = [name for name in names if name not in MODEL_NAMES]
    if unknown:
        raise argparse.ArgumentTypeError(
            f"unknown model {unknown[0]!r}, choose from {', '.join(MODEL_NAMES)}"
        )
    return names


def _workers(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1, got {text!r}")
    return int(text)


def make_config(flags: argparse.Namespace) -> PipelineConfig:
    """Returns the configuration that the flags describe, without looking at any file.

    Raises:
        ValueError: naming the value that is out of range.
    """
    output = Path(flags.output_dir).absolute()
    return PipelineConfig(
        data=DataConfig(
            audio_dir=_absolute(flags.audio_dir),
            metadata_dir=_absolute(flags.metadata_dir),
            subset=flags.subset,
            split=flags.split,
            max_bad_fraction=flags.max_bad_fraction,
            fma_features=flags.feature_set == "fma",
        ),
        pipeline_root=str(output / "pipeline"),
        metadata_path=str(output / "pipeline" / "metadata.sqlite"),
        serving_model_dir=str(output / "serving_model"),
        checkpoint_dir=str(output / "checkpoints"),
        bad_files_path=str(output / "bad_files.csv"),
        models=flags.models,
        audio=AudioConfig(clip_seconds=flags.clip_seconds, min_clip_seconds=flags.min_clip_seconds),
        train=TrainConfig(
            epochs=flags.epochs,
            batch_size=flags.batch_size,
            learning_rate=flags.learning_rate,
            patience=flags.patience,
            seed=flags.seed,
            dropout=flags.dropout,
            label_smoothing=flags.label_smoothing,
            mixup=flags.mixup,
            augmentation=not flags.no_augmentation,
            mobilenet_weights=_weights(flags.mobilenet_weights),
            fine_tune_epochs=flags.fine_tune_epochs,
            fine_tune_blocks=flags.fine_tune_blocks,
            feature_set=flags.feature_set,
            pca_components=flags.pca_components,
        ),
        tune=TuneConfig(flags.tune, flags.tuner_trials, flags.tuner_epochs),
        gate=GateConfig(
            min_accuracy=flags.min_accuracy,
            min_macro_f1=flags.min_macro_f1,
            min_genre_recall=flags.min_genre_recall,
            max_drop=flags.max_drop,
            max_genre_drop=flags.max_genre_drop,
        ),
        contest=ContestConfig(
            push_unservable=flags.push_unservable,
            max_credible_accuracy=_credible(flags.max_credible_accuracy, flags.subset),
        ),
        enable_cache=not flags.no_cache,
    )


def _credible(accuracy: float | None, subset: str) -> float:
    return MAX_CREDIBLE_ACCURACY.get(subset, 1.0) if accuracy is None else accuracy


def _absolute(path: str) -> str:
    return path if "://" in path else str(Path(path).absolute())


def _weights(value: str) -> str:
    if value in ("imagenet", "none"):
        return value
    path = Path(value).absolute()
    if not path.is_file():
        raise ValueError(f"mobilenet_weights must be imagenet, none or a file, got {value!r}")
    return str(path)


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line and returns its exit status."""
    parser = build_parser()
    flags = parser.parse_args(arguments)
    try:
        config = make_config(flags)
    except ValueError as error:
        parser.error(str(error))
    # Beam's clients of Google's services warn of this Python version, a screenful each time.
    warnings.simplefilter("ignore", FutureWarning)
    # Only now what takes seconds to import.
    from pipeline import local

    beam = local.BeamChoice(flags.beam_runner, flags.beam_workers, tuple(flags.beam_arg))
    if flags.dry_run:
        return local.show_plan(config, beam)
    return local.run(config, Path(flags.output_dir).absolute(), beam, resume=not flags.no_resume)


if __name__ == "__main__":
    status = main()
    # TensorFlow's destructors complain on stderr while the interpreter goes down.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    sys.exit(status)
