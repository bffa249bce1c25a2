"""The search for hyperparameters, run by TFX's own executor, and its way into a training."""

import dataclasses
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tfx.components.tuner import executor
from tfx.types import standard_artifacts

from models import tuner_fn
from models.config import TrainConfig
from models.networks.network import Network
from models.spec import TrainingContext
from models.training import fit_record
from tests.models import tiny_network
from tests.models.trainer import train_and_export

TRIALS = 2


def tune(transformed: Any, folder: Path, train: TrainConfig) -> dict[str, Any]:
    """Runs a search as TFX does; returns what it found and all of its trials."""
    examples = standard_artifacts.Examples()
    examples.split_names = json.dumps(["train", "eval"])
    examples.uri = str(folder / "examples")
    for split in ("train", "eval"):
        split_folder = folder / "examples" / f"Split-{split}"
        split_folder.mkdir(parents=True)
        (source,) = Path(transformed.pattern[:-1]).parent.glob("examples*")
        (split_folder / "data.gz").symlink_to(source)
    graph = standard_artifacts.TransformGraph()
    graph.uri = transformed.output.transform_savedmodel_dir.rsplit("/", 1)[0]
    best, results = standard_artifacts.HyperParameters(), standard_artifacts.TunerResults()
    best.uri, results.uri = str(folder / "best"), str(folder / "results")
    context = executor.Executor.Context(tmp_dir=str(folder / "tmp"), unique_id="1")
    executor.Executor(context).Do(
        {"examples": [examples], "transform_graph": [graph]},
        {"best_hyperparameters": [best], "tuner_results": [results]},
        {
            "tuner_fn": "models.tuner_fn.tuner_fn",
            "train_args": '{"splits": ["train"]}',
            "eval_args": '{"splits": ["eval"]}',
            "custom_config": json.dumps(
                {
                    "model": tiny_network.NAME,
                    "module": tiny_network.MODULE,
                    "audio": dataclasses.asdict(transformed.config),
                    "train": dataclasses.asdict(train),
                    "trials": TRIALS,
                    "epochs": 1,
                }
            ),
        },
    )
    return {
        "best": json.loads((folder / "best" / "best_hyperparameters.txt").read_text()),
        "trials": json.loads((folder / "results" / "tuner_results.json").read_text()),
    }


def test_a_search_finds_the_best_of_its_trials_and_the_same_one_twice(
    transformed: Any, tmp_path: Path
) -> None:
    train = TrainConfig(batch_size=8, dropout=0.25)
    first = tune(transformed, tmp_path / "first", train)
    names = {"learning_rate", "label_smoothing", "mixup"}  # not what the user has set
    assert set(first["best"]["values"]) == names
    trials = sorted(first["trials"], key=lambda trial: trial["score"])
    assert len(trials) == TRIALS
    assert {name: trials[0][name] for name in names} == first["best"]["values"]
    (defaults,) = (trial for trial in trials if trial["trial_id"] == "0")
    assert {name: defaults[name] for name in names} == {
        name: tiny_network.MODEL.defaults[name] for name in names
    }
    assert len({tuple(trial[name] for name in sorted(names)) for trial in trials}) == TRIALS
    assert tune(transformed, tmp_path / "second", train) == first


def test_what_was_tuned_is_trained_with_and_recorded(transformed: Any, tmp_path: Path) -> None:
    values = {"learning_rate": 0.01, "mixup": 0.0}
    done = train_and_export(
        tiny_network.NAME,
        transformed,
        tmp_path,
        TrainConfig(epochs=1, batch_size=8, mixup=0.4),
        hyperparameters={"space": [], "values": values},
        module=tiny_network.MODULE,
    )
    told = fit_record.read(done.fn_args.serving_model_dir).hyperparameters
    assert told["learning_rate"] == 0.01
    assert told["mixup"] == 0.4  # asked for, which goes before
    assert told["dropout"] == tiny_network.MODEL.defaults["dropout"]
    assert (told["epochs"], told["batch_size"]) == (1, 8)
    assert told["tuned"] == ["learning_rate", "mixup"]


class Trained:
    """Stands for trainings: records the contexts, and answers with losses or errors."""

    def __init__(self, answers: list[Any]):
        self.answers, self.contexts = answers, []

    def __call__(self, context: TrainingContext, network: Any) -> SimpleNamespace:
        self.contexts.append(context)
        answer = self.answers[len(self.contexts) - 1]
        if isinstance(answer, Exception):
            raise answer
        curves = [{"stage": "s", "epochs": [{"val_loss": loss} for loss in answer]}]
        return SimpleNamespace(curves=curves)


def search(answers: list[Any], folder: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    trained = Trained(answers)
    monkeypatch.setattr(Network, "train", lambda network, context: trained(context, network))
    context = TrainingContext("tiny", 3, [], [], None, TrainConfig(), "c", "l", max_epochs=2)  # type: ignore[arg-type]
    found = tuner_fn.search_for(
        context, tiny_network.MODEL, trials=len(answers), directory=str(folder)
    )
    found.search()
    return SimpleNamespace(
        contexts=trained.contexts, best=found.get_best_hyperparameters()[0].values
    )


def test_a_trial_counts_by_its_best_epoch_and_has_folders_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = search([[0.9, 0.8], [0.7, 2.0], [0.75, float("nan")]], tmp_path, monkeypatch)
    assert done.best == done.contexts[1].hyperparameters
    assert {context.max_epochs for context in done.contexts} == {2}
    for folders in (
        [context.checkpoint_dir for context in done.contexts],
        [context.log_dir for context in done.contexts],
    ):
        assert len(set(folders)) == 3


def test_a_trial_that_fails_is_the_worst(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = search([ValueError("no"), [1.5], [float("nan")]], tmp_path, monkeypatch)
    assert done.best == done.contexts[1].hyperparameters


def test_where_all_trials_fail_the_training_tells_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = search([ValueError("no")] * 5, tmp_path, monkeypatch)
    assert set(done.best) == set(tiny_network.MODEL.space)


def test_a_full_disk_ends_the_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Exception, match="No space left"):
        search([OSError(28, "No space left on device"), [1.0]], tmp_path, monkeypatch)
