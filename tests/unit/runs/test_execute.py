from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from drawn_folder import draw_folder
from torch import nn

import bench
import registry
from bench.analysis.frame import BASELINE
from bench.data.check import check
from bench.data.find import find
from bench.data.folds import Splits
from bench.data.split import Split
from bench.runs.description import _baseline
from bench.runs.execute import _say_note
from bench.runs.run_folder import RunFolder
from registry.errors import RunError
from zoo import LENET5


class Failing(nn.Module):
    """A network that can be checked but not trained."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.fc = nn.Linear(1024, num_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Fail in training mode."""
        if self.training:
            raise RuntimeError("no luck | <b>")
        return self.fc(images.flatten(1))


FAILING = replace(
    LENET5,
    name="failing",
    constructor=f"{__name__}:Failing",
    contract=replace(LENET5.contract, parameters=2050),
)


def _run(models, drawn, tmp_path, **options):
    given = {"progress": False, "epochs": 1, "runs": tmp_path / "runs", "isolate": False}
    return bench.run(models, drawn, **given | options)


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory):
    """The results of one model under two names, and of a second run of the one."""
    folder = tmp_path_factory.mktemp("two")
    drawn = draw_folder(folder / "drawn")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bench.runs.stored_runs.write_page", lambda *arguments: None)
        return [
            _run(models, drawn, folder)
            for models in (["lenet5", replace(LENET5, name="other")], ["lenet5"])
        ]


def test_a_notebook_gets_a_frame(two_runs):
    """`bench.run` does what the command does and returns rows with units in their names."""
    results = two_runs[1]

    assert results.exit_code == 0
    assert list(results.frame["model"]) == ["lenet5", BASELINE]
    assert results.frame["parameters"][0] == 61_026
    assert results.frame["train_seconds"][0] > 0
    assert results.frame["test_images"][0] == 4


def test_one_failure_does_not_stop_the_others(drawn, tmp_path):
    """It is a row with its reason, the other model is measured, the exit code is 4."""
    results = _run(["lenet5", FAILING], drawn, tmp_path)
    rows = results.frame.set_index("model")

    assert results.exit_code == 4
    assert rows.loc["lenet5", "status"] == "ok"
    assert rows.loc["failing", "status"] == "failed"
    assert "RuntimeError: no luck" in rows.loc["failing", "error"]
    assert "no luck \\| &lt;b&gt;" in (results.folder / "comparison.md").read_text()


def test_only_failures_measure_nothing(drawn, tmp_path):
    """Exit code 6 says that there is no result at all; the files are there all the same."""
    results = _run([FAILING], drawn, tmp_path)

    assert results.exit_code == 6
    assert (results.folder / "comparison.json").exists()


def test_a_wrong_contract_is_refused(drawn, tmp_path):
    """The row says broken, names promised and built, and has no epoch."""
    liar = replace(LENET5, name="liar", contract=replace(LENET5.contract, parameters=5))
    results = _run([liar, "lenet5"], drawn, tmp_path)
    row = results.frame.set_index("model").loc["liar"]

    assert (results.exit_code, row["contract"]) == (4, "broken")
    assert "61,026 parameters, promised 5" in row["error"]
    assert list(results.history["model"].unique()) == ["lenet5"]


def test_every_model_sees_the_same_split(two_runs):
    """The digest of images, labels and order is one for all trials and all runs."""
    records = [record for each in two_runs for record in each.records]

    assert len(records) == 3
    assert len({record.spec.split_fingerprint for record in records}) == 1


def test_equal_networks_get_equal_results(two_runs):
    """One architecture under two names ends with the same figures: nothing favours a place."""
    first, second = (record.history[0] for record in two_runs[0].records)

    assert first.train_loss == second.train_loss
    assert first.validation_loss == second.validation_loss


def test_seeds_become_a_mean_and_a_deviation(drawn, tmp_path):
    """Three seeds are one row, with an interval over seeds and images."""
    row = _run(["lenet5"], drawn, tmp_path, seeds=(0, 1, 2)).frame.iloc[0]

    assert row["seeds"] == 3
    assert row["test_accuracy_low"] <= row["test_accuracy"] <= row["test_accuracy_high"]
    assert row["test_accuracy_deviation"] >= 0


def test_two_models_of_one_name_are_refused(drawn, tmp_path):
    """Two rows could not be told apart."""
    with pytest.raises(RunError, match="two models are called 'lenet5'"):
        _run(["lenet5", registry.get("lenet5")], drawn, tmp_path)


def test_the_majority_class_stands_beside(two_runs):
    """Half of the test images are cats: always saying cat is right for half."""
    assert two_runs[1].frame.iloc[-1]["test_accuracy"] == 0.5


def test_run_folders_are_numbered(two_runs):
    """A second run does not write into the first one's folder, nor one of the same models."""
    again = RunFolder.create(two_runs[0].folder.parent, ("lenet5",))

    assert [each.folder.name for each in two_runs] == ["0001-lenet5-other", "0002-lenet5"]
    assert again.path.name == "0003-lenet5"


def test_a_model_is_compared_with_itself(drawn, tmp_path):
    """Two names, one architecture, other seeds: all that differs is noise."""
    results = _run(["lenet5"], drawn, tmp_path, seeds=(0, 1), aa=True)
    trials = [(record.model, record.spec.seed) for record in results.records]

    assert trials == [
        ("lenet5", 0),
        ("lenet5_again", 10_000),
        ("lenet5", 1),
        ("lenet5_again", 10_001),
    ]
    assert len({record.digest for record in results.records}) == 4


def test_only_one_model_can_be_compared_with_itself(drawn, tmp_path):
    """Two are refused before anything is trained."""
    with pytest.raises(RunError, match="--aa compares one model with itself: name one, not 2"):
        _run(["lenet5", FAILING], drawn, tmp_path, aa=True)


def test_weights_that_can_not_be_written_leave_the_trial_to_be_gone_on_with(
    drawn, tmp_path, monkeypatch
):
    """A full disk: it is no result, since its weights would be missing for good."""

    def full(result, folder):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("bench.engines.in_process.publish", full)
    results = _run(["lenet5"], drawn, tmp_path)
    (record,) = results.records

    assert (record.status, record.phase) == ("interrupted", "publish")
    assert "No space left on device" in record.error
    assert (results.unfinished, results.exit_code) == (1, 4)


def test_the_majority_class_is_that_of_the_training_images(drawn):
    """Not that of the test, which nobody may look at."""
    cat, dog = (next(i for i in check(find(drawn)).images if i.file.label == n) for n in (0, 1))
    parts = {"train": (dog, dog, cat), "validation": (cat,), "test": (cat, cat, cat, dog)}

    assert _baseline(Splits(name="made", each=(Split(name="made", **parts),))) == (1, 4)


@pytest.mark.parametrize(("data", "said"), [(None, 0), ("animals", 1)])
def test_drawings_are_for_no_contest(data, said):
    """What the ids of a submission are is said of given images alone."""
    test, lines = ("cat/1.jpg", "dog/1.jpg"), []
    request = SimpleNamespace(data=data)
    plan = SimpleNamespace(about={"split": {"test": test}})
    _say_note(request, plan, SimpleNamespace(say=lines.append))

    assert len(lines) == said
