"""The flags that all runners have, and what they configure; standard library only."""

from __future__ import annotations

import argparse
from typing import Any, NoReturn

from common.terminal import visible
from dataset import bad_files
from dataset.config import (
    ALL_SPANS,
    FMA_CLIP_SECONDS,
    LABEL_POLICIES,
    SPLIT_POLICIES,
    SUBSETS,
    AudioConfig,
    DataConfig,
)
from evaluation.config import MAX_CREDIBLE_ACCURACY, ContestConfig, GateConfig
from models.config import FEATURE_SETS, TrainConfig
from models.registry import MODEL_NAMES
from pipeline.config import TuneConfig

# TensorFlow reads all four as a pattern wherever it looks for files, Beam the first three. All
# other characters do no harm.
_PATTERN_CHARACTERS = frozenset("*?[\\")


class HelpFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Shows a default where there is one to show."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        if action.default is None or action.default is False or action.default in ([], (), ""):
            return action.help
        return super()._get_help_string(action)


class Parser(argparse.ArgumentParser):
    """A parser that refuses with one line and status 2, abbreviated flags among the rest."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        self.exit(2, visible(f"{self.prog}: error: {message} (see --help)") + "\n")


def add_switch(
    group: argparse._ArgumentGroup, option: str, *, help: str, default: bool = False
) -> None:
    """Adds a flag that is turned on by its name and off by `--no-` before it.

    So a command line can undo either in a file of flags.
    """
    action = group.add_argument(option, action=argparse.BooleanOptionalAction, help=help)
    action.default = default  # some versions of the class, when told, write it into the help


def add_archive(group: argparse._ArgumentGroup) -> None:
    """Adds the flags of where the archive is."""
    group.add_argument(
        "--audio-dir", required=True,
        help="folder of the audio: FMA's of 000/000002.mp3 …, or with --tracks-csv the one its "
        "paths start from, or with neither table a folder of a folder per genre; {SPAN} in it "
        "stands for the number of a delivery",
    )  # fmt: skip
    group.add_argument("--metadata-dir", default="", help="folder of FMA's tracks.csv")
    group.add_argument(
        "--tracks-csv", default="", metavar="FILE",
        help="a table of one's own instead: path,genre[,artist][,split][,track_id]",
    )  # fmt: skip
    group.add_argument(
        "--span", default=ALL_SPANS, metavar="N",
        help="which deliveries are used: all, latest, a number, or a range such as 2-5",
    )  # fmt: skip
    add_switch(
        group, "--follow-links",
        help="follow links in --audio-dir that lead out of it, as DVC and git-annex make them; "
        "buckets have no links",
    )  # fmt: skip


def add_selection(group: argparse._ArgumentGroup) -> None:
    """Adds the flags of what of the archive is used, how it is split and how a clip is cut."""
    audio, data = AudioConfig(), DataConfig(audio_dir="")
    group.add_argument("--subset", choices=SUBSETS, default=data.subset, help="FMA's subset")
    group.add_argument(
        "--label-policy", choices=LABEL_POLICIES, default=data.labels,
        help="FMA's top genre alone, or where there is none the root in genres.csv that all genres "
        "of the track have in common",
    )  # fmt: skip
    group.add_argument(
        "--license", action="append", default=[], metavar="L",
        help="only tracks of this licence, such as CC-BY or 'Attribution 3.0', or of the presets "
        "redistributable and commercial; may be repeated",
    )  # fmt: skip
    group.add_argument(
        "--genre", action="append", default=[], metavar="G", help="only this genre; may be repeated"
    )
    group.add_argument(
        "--min-clips-per-genre", type=int, default=data.min_clips_per_genre, metavar="N",
        help="a genre with fewer is left out",
    )  # fmt: skip
    group.add_argument(
        "--max-clips-per-genre", type=int, default=data.max_clips_per_genre, metavar="N",
        help="of a genre with more so many are drawn, by --seed, for a quick run; 0 for no bound",
    )  # fmt: skip
    group.add_argument(
        "--split", type=_split_policy, choices=SPLIT_POLICIES, default=data.split,
        help="FMA's own (official), 64/16/20 by whole artists (artist-grouped), or that of "
        "--tracks-csv (file); auto: the archive's own where it has one, else artist-grouped",
    )  # fmt: skip
    add_switch(
        group, "--allow-leaks",
        help="go on, with a warning in the report, where the archive's own splits share an artist "
        "or a recording",
    )  # fmt: skip
    group.add_argument(
        "--on-fault", action="append", default=[], metavar="KIND=POLICY",
        help="what a fault does, by its kind in bad_files.csv: skip leaves the clip out, fail ends "
        "the run, too_short=pad puts silence after it; may be repeated; default: skip, and "
        "near_silent and out_of_phase clips are only listed",
    )  # fmt: skip
    group.add_argument(
        "--pad-floor-seconds", type=float, default=data.pad_floor_seconds, metavar="S",
        help="with too_short=pad: a shorter file is left out all the same",
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
        help="minimum length of a file in seconds; raised to "
        f"{FMA_CLIP_SECONDS:g} for FMA's small, medium and large subsets, whose clips last 30 s",
    )  # fmt: skip


def add_models(parser: argparse.ArgumentParser) -> None:
    """Adds the groups of training, tuning, contest and gate."""
    _add_training(parser)
    _add_tuning(parser)
    _add_contest(parser)
    _add_gate(parser)


def _add_training(parser: argparse.ArgumentParser) -> None:
    train = TrainConfig()
    group = parser.add_argument_group("training")
    group.add_argument(
        "--models", type=_model_names, default=",".join(MODEL_NAMES), metavar="NAME,NAME…",
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
    add_switch(
        group, "--augmentation", default=True,
        help="masks, shifts, gain and mixup, else spectrograms and windows stay as they are",
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


def _add_tuning(parser: argparse.ArgumentParser) -> None:
    tune = TuneConfig()
    group = parser.add_argument_group("tuning")
    group.add_argument(
        "--tune", type=_model_names, default=(), metavar="NAME,NAME…",
        help="networks whose hyperparameters are searched for first; default: none",
    )  # fmt: skip
    group.add_argument(
        "--tuner-trials", type=int, default=tune.trials, metavar="N", help="trials of a network"
    )
    group.add_argument(
        "--tuner-epochs", type=int, default=tune.epochs, metavar="N",
        help="longest stage of a trial",
    )  # fmt: skip


def _add_contest(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("contest, on the eval split")
    add_switch(
        group, "--push-unservable",
        help="let a model that needs more than audio be the best, and push it",
    )  # fmt: skip
    group.add_argument(
        "--max-credible-accuracy", type=float, metavar="F",
        help="a higher accuracy, on eval or test, raises an alarm, for a leak is likelier than a "
        "good model: published figures on fma_small end at 0.64; 1 raises none; "
        "default: 0.75 for FMA's small subset, else 1",
    )  # fmt: skip


def _add_gate(parser: argparse.ArgumentParser) -> None:
    gate = GateConfig()
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


def _model_names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    unknown = [name for name in names if name not in MODEL_NAMES]
    if unknown:
        raise argparse.ArgumentTypeError(
            f"unknown model {unknown[0]!r}, choose from {', '.join(MODEL_NAMES)}"
        )
    return names


def _split_policy(name: str) -> str:
    return "artist-grouped" if name == "artist-hash" else name  # its former name, for one release


def positive(text: str) -> int:
    """Returns a whole number from 1; the type of a flag."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1, got {text!r}")
    return int(text)


def check_output_path(name: str, path: str) -> None:
    """Raises ValueError for a path below which TFX cannot write and read.

    Args:
        name: of the value.
        path: whole path, `gs://…` or of a disk.
    """
    if set(path) & _PATTERN_CHARACTERS:
        raise ValueError(
            f"{name} must not have * ? [ or \\ in its path, which TensorFlow takes for a pattern, "
            f"got {path!r}"
        )
    try:
        path.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(f"{name} must be UTF-8, which TensorFlow needs, got {path!r}") from error


def configured(
    flags: argparse.Namespace,
    *,
    audio_dir: str,
    metadata_dir: str,
    tracks_csv: str,
    mobilenet_weights: str,
) -> dict[str, Any]:
    """Returns the fields of `PipelineConfig` that the flags above describe.

    The paths are those of the platform that runs the pipeline.

    Raises:
        ValueError: naming the value that is out of range.
    """
    bad_files.policies(flags.on_fault)
    return dict(
        data=DataConfig(
            audio_dir=audio_dir,
            metadata_dir=metadata_dir,
            tracks_csv=tracks_csv,
            follow_links=flags.follow_links,
            subset=flags.subset,
            labels=flags.label_policy,
            split=flags.split,
            allow_leaks=flags.allow_leaks,
            licenses=tuple(flags.license),
            genres=tuple(flags.genre),
            min_clips_per_genre=flags.min_clips_per_genre,
            max_clips_per_genre=flags.max_clips_per_genre,
            # A seed that changes nothing must not have the archive read again.
            seed=flags.seed if flags.max_clips_per_genre else 0,
            span=flags.span,
            on_fault=tuple(flags.on_fault),
            pad_floor_seconds=flags.pad_floor_seconds,
            max_bad_fraction=flags.max_bad_fraction,
            fma_features=flags.feature_set == "fma",
        ),
        models=flags.models,
        audio=AudioConfig(clip_seconds=flags.clip_seconds, min_clip_seconds=flags.min_clip_seconds),
        train=_train_config(flags, mobilenet_weights),
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
            max_credible_accuracy=_credible(
                flags.max_credible_accuracy, flags.subset if metadata_dir else "own"
            ),
        ),
    )


def _train_config(flags: argparse.Namespace, mobilenet_weights: str) -> TrainConfig:
    return TrainConfig(
        epochs=flags.epochs,
        batch_size=flags.batch_size,
        learning_rate=flags.learning_rate,
        patience=flags.patience,
        seed=flags.seed,
        dropout=flags.dropout,
        label_smoothing=flags.label_smoothing,
        mixup=flags.mixup,
        augmentation=flags.augmentation,
        mobilenet_weights=mobilenet_weights,
        fine_tune_epochs=flags.fine_tune_epochs,
        fine_tune_blocks=flags.fine_tune_blocks,
        feature_set=flags.feature_set,
        pca_components=flags.pca_components,
    )


def _credible(accuracy: float | None, subset: str) -> float:
    return MAX_CREDIBLE_ACCURACY.get(subset, 1.0) if accuracy is None else accuracy
