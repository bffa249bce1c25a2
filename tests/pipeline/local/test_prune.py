"""What pruning removes and what it leaves, after real runs of a small DAG like the pipeline's."""

import dataclasses
import shutil
from pathlib import Path

import pytest
from ml_metadata.proto import metadata_store_pb2
from tfx import v1 as tfx
from tfx.types import standard_artifacts

from pipeline import metadata_store
from pipeline.local import prune
from pipeline.platforms import ThisMachine
from pipeline.runs import past_runs
from report.data import PAGE_NAME

NAME = "tiny"
ALL = ["FmaExampleGen", "Trainer", "CandidateRanker", "Evaluator", "GenreReport"]
AFTER_EXAMPLES = ALL[1:]
N_BYTES = 1000


def write(artifact: object, log: str, node: str, name: str = "data") -> None:
    """Leave a file, and note that the node was not taken from the cache."""
    Path(artifact.uri, name).write_bytes(b"x" * N_BYTES)  # type: ignore[attr-defined]
    with open(log, "a") as file:
        file.write(f"{node}\n")


@tfx.dsl.components.component
def FmaExampleGen(  # noqa: N802 - a component's name
    examples: tfx.dsl.components.OutputArtifact[standard_artifacts.Examples],
    data: tfx.dsl.components.Parameter[int],
    log: tfx.dsl.components.Parameter[str],
) -> None:
    """Stand for the node that reads the archive."""
    write(examples, log, "FmaExampleGen")


@tfx.dsl.components.component
def Trainer(  # noqa: N802 - a component's name
    examples: tfx.dsl.components.InputArtifact[standard_artifacts.Examples],
    model: tfx.dsl.components.OutputArtifact[standard_artifacts.Model],
    rate: tfx.dsl.components.Parameter[int],
    log: tfx.dsl.components.Parameter[str],
) -> None:
    """Stand for a training, which needs its Examples."""
    assert Path(examples.uri, "data").exists()
    write(model, log, "Trainer")


@tfx.dsl.components.component
def CandidateRanker(  # noqa: N802 - a component's name
    model: tfx.dsl.components.InputArtifact[standard_artifacts.Model],
    best_model: tfx.dsl.components.OutputArtifact[standard_artifacts.Model],
    leaderboard: tfx.dsl.components.OutputArtifact[standard_artifacts.HyperParameters],
    log: tfx.dsl.components.Parameter[str],
) -> None:
    """Copy the only candidate, as the ranker does with the best."""
    shutil.copy(Path(model.uri, "data"), Path(best_model.uri, "data"))
    write(leaderboard, log, "CandidateRanker")


@tfx.dsl.components.component
def Evaluator(  # noqa: N802 - a component's name
    model: tfx.dsl.components.InputArtifact[standard_artifacts.Model],
    blessing: tfx.dsl.components.OutputArtifact[standard_artifacts.ModelBlessing],
    log: tfx.dsl.components.Parameter[str],
    bless: tfx.dsl.components.Parameter[int],
    baseline_model: tfx.dsl.components.InputArtifact[standard_artifacts.Model] = None,
) -> None:
    """Bless or refuse the model, and note the baseline, which has to be there."""
    assert Path(model.uri, "data").exists()
    if baseline_model:
        assert Path(baseline_model.uri, "data").exists()
        Path(log).with_name("baseline").write_text(baseline_model.uri)
    blessing.set_int_custom_property("blessed", bless)
    blessing.set_int_custom_property("current_model_id", model.id)
    write(blessing, log, "Evaluator")


@tfx.dsl.components.component
def GenreReport(  # noqa: N802 - a component's name
    blessing: tfx.dsl.components.InputArtifact[standard_artifacts.ModelBlessing],
    report: tfx.dsl.components.OutputArtifact[standard_artifacts.HyperParameters],
    log: tfx.dsl.components.Parameter[str],
) -> None:
    """Write a page."""
    write(report, log, "GenreReport", PAGE_NAME)


@dataclasses.dataclass(frozen=True)
class Output:
    """An output folder and runs in it; a run is known by its data, its training and its gate."""

    folder: Path

    @property
    def root(self) -> Path:
        return self.folder / "pipeline"

    @property
    def metadata(self) -> str:
        return str(self.root / "metadata.sqlite")

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def dag(self, data: int = 1, rate: int = 1, bless: int = 1) -> tfx.dsl.Pipeline:
        log = str(self.log)
        example_gen = FmaExampleGen(data=data, log=log)
        examples = example_gen.outputs["examples"]
        trainer = Trainer(examples=examples, rate=rate, log=log)
        ranker = CandidateRanker(model=trainer.outputs["model"], log=log)
        best_model = ranker.outputs["best_model"]
        baseline = ThisMachine().baseline(best_model).with_id("LatestBlessedModel")
        evaluator = Evaluator(
            model=best_model, baseline_model=baseline.outputs["model"], bless=bless, log=log
        )
        report = GenreReport(blessing=evaluator.outputs["blessing"], log=log)
        return tfx.dsl.Pipeline(
            pipeline_name=NAME,
            pipeline_root=str(self.root),
            components=[example_gen, trainer, ranker, baseline, evaluator, report],
            enable_cache=True,
            metadata_connection_config=tfx.orchestration.metadata.sqlite_metadata_connection_config(
                self.metadata
            ),
        )

    def run(self, **configuration: int) -> list[str]:
        """Run the DAG; return the nodes that did not come from the cache."""
        self.log.write_text("")
        tfx.orchestration.LocalDagRunner().run(self.dag(**configuration))
        return self.log.read_text().split()

    def survey(self) -> prune.Survey:
        return prune.survey(str(self.root), self.metadata)

    def prune(self) -> None:
        prune.remove(self.metadata, self.survey())

    def folders(self, *place: str) -> list[Path]:
        """Return the folders of a node's output, the oldest first."""
        return sorted(self.root.joinpath(*place).iterdir(), key=lambda path: int(path.name))

    def states(self) -> dict[str, int]:
        """Return the state of each artifact by its URI."""
        store = metadata_store.open_store(self.metadata)
        return {artifact.uri: artifact.state for artifact in store.get_artifacts()}


LIVE, DELETED = metadata_store_pb2.Artifact.LIVE, metadata_store_pb2.Artifact.DELETED


@pytest.fixture
def output(tmp_path: Path) -> Output:
    """Return an empty output folder."""
    (tmp_path / "output" / "pipeline").mkdir(parents=True)
    return Output(tmp_path / "output")


def test_superseded_artifacts_are_removed_and_computed_again_when_they_are_needed(
    output: Output,
) -> None:
    assert output.run(rate=1, bless=0) == ALL
    assert output.run(rate=2, bless=0) == AFTER_EXAMPLES
    old, new = output.folders("Trainer", "model")
    output.prune()
    assert not old.exists() and new.exists()
    assert output.states()[str(old)] == DELETED
    assert output.run(rate=2, bless=0) == []  # the cache of the latest run has survived
    assert output.run(rate=1, bless=0) == AFTER_EXAMPLES


def test_a_run_that_was_broken_off_does_not_cost_what_the_one_before_has_computed(
    output: Output,
) -> None:
    output.run(data=1, bless=0)
    store = metadata_store.open_store(output.metadata)
    (pipeline_run,) = store.get_context_types_by_id(
        [run.type_id for run in store.get_contexts_by_type("pipeline_run")]
    )
    store.put_contexts([metadata_store_pb2.Context(type_id=pipeline_run.id, name="broken off")])
    output.prune()
    assert output.run(data=1, bless=0) == []


def test_the_last_blessed_model_stays_for_the_next_evaluator(output: Output) -> None:
    for rate, bless in ((1, 1), (2, 1), (3, 0), (4, 0)):
        output.run(rate=rate, bless=bless)
    first, blessed, refused, latest = output.folders("CandidateRanker", "best_model")
    output.prune()
    assert [path.exists() for path in (first, blessed, refused, latest)] == [0, 1, 0, 1]
    output.run(rate=5, bless=0)
    assert output.log.with_name("baseline").read_text() == str(blessed)
    # Its configuration can be run again, where it competes with the models before it.
    assert output.run(rate=2, bless=1) == AFTER_EXAMPLES


def test_the_baseline_of_an_older_candidate_stays_with_it(output: Output) -> None:
    for rate in (1, 2, 3, 2):
        output.run(rate=rate)
    first, *_ = output.folders("CandidateRanker", "best_model")
    output.prune()
    assert output.run(rate=2, bless=0) == ["Evaluator", "GenreReport"]  # at another gate
    assert output.log.with_name("baseline").read_text() == str(first)


def test_the_reports_and_leaderboards_of_every_run_stay(output: Output) -> None:
    for rate in (1, 2, 3):
        output.run(rate=rate, bless=0)
    output.prune()
    assert [run.number for run in past_runs(output.folder)] == [1, 2, 3]
    assert len(output.folders("CandidateRanker", "leaderboard")) == 3
    assert len(output.folders("Trainer", "model")) == 1


def test_what_died_runs_have_left_is_removed_and_nothing_else(
    output: Output, tmp_path: Path
) -> None:
    output.run()
    root, elsewhere = output.root, tmp_path / "elsewhere"
    unfinished = root / "Trainer" / "model" / "999"
    temporary = root / "Trainer" / ".system" / "executor_execution" / "999" / ".temp"
    mine = root / "Trainer" / "notes"
    copied = root / "Trainer-good" / "model" / "7"
    for folder in (unfinished, temporary, mine, copied, elsewhere / "model" / "7"):
        folder.mkdir(parents=True)
        (folder / "file").write_bytes(b"x" * N_BYTES)
    # Links to elsewhere: of a node, of an output, of an artifact, and within an artifact.
    (root / "Linked").symlink_to(elsewhere)
    (root / "Trainer" / "linked").symlink_to(elsewhere / "model")
    (root / "Trainer" / "model" / "998").symlink_to(elsewhere / "model" / "7")
    (unfinished / "link").symlink_to(elsewhere)
    before = output.survey()
    assert before.stale_bytes >= 2 * N_BYTES
    output.prune()
    assert not unfinished.exists() and not temporary.exists()
    assert (elsewhere / "model" / "7" / "file").exists()
    assert (root / "Linked").is_symlink() and (mine / "file").exists()
    assert (copied / "file").exists()
    assert output.survey().stale == {}
    assert output.run() == []


def test_a_prune_that_is_killed_leaves_nothing_that_the_cache_would_serve(
    output: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    output.run(data=1, bless=0)
    output.run(data=2, bless=0)
    started: list[Path] = []

    def die_halfway(folder: Path) -> None:
        started.append(folder)
        (folder / "data").unlink()
        if len(started) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", die_halfway)
        with pytest.raises(KeyboardInterrupt):
            output.prune()
    assert all(folder.exists() for folder in started)
    # The store has not a live artifact whose files are gone, removed already or not.
    assert output.run(data=1, bless=0) == ALL
    assert set(started) <= output.survey().stale.keys()
    output.prune()
    assert not any(folder.exists() for folder in started)


def test_on_a_full_disk_goes_first_what_the_store_does_not_know(
    output: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    output.run(rate=1, bless=0)
    output.run(rate=2, bless=0)
    leftover = output.root / "Trainer" / "model" / "999"
    leftover.mkdir(parents=True)
    found = output.survey()

    def no_disk(_: str) -> None:
        raise RuntimeError("database or disk is full")

    monkeypatch.setattr(metadata_store, "open_store", no_disk)
    with pytest.raises(RuntimeError, match="is full"):
        prune.remove(output.metadata, found)
    assert [folder for folder in found.stale if not folder.exists()] == [leftover]


def test_an_output_folder_that_was_moved_keeps_what_its_latest_run_has_left(
    output: Output, tmp_path: Path
) -> None:
    output.run(rate=1, bless=0)
    output.run(rate=2, bless=0)
    moved = Output(Path(shutil.move(output.folder, tmp_path / "moved")))
    moved.prune()
    assert len(moved.folders("Trainer", "model")) == 1
    assert len(moved.folders("FmaExampleGen", "examples")) == 1
    assert len(past_runs(moved.folder)) == 2


def test_without_its_store_nothing_is_stale(output: Output) -> None:
    assert output.survey().total_bytes == 0
    output.run()
    Path(output.metadata).rename(output.folder / "set_aside")
    assert output.survey().stale == {}
    assert not Path(output.metadata).exists()


@pytest.mark.parametrize(
    ("stale", "total", "expected"),
    [
        (0, 0, False),
        (10, 1000, False),
        (200, 1000, True),
        (900_000_000, 10**12, False),
        (1_100_000_000, 10**12, True),
    ],
)
def test_much_stale_data_is_reported(stale: int, total: int, expected: bool) -> None:
    assert prune.Survey({Path("a"): stale}, {}, total).is_worth_telling is expected
