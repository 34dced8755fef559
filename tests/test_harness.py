from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

import bench
import registry
from bench.report.frame import BASELINE
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


def test_a_notebook_gets_a_frame(drawn, tmp_path):
    """`bench.run` does what the command does and returns rows with units in their names."""
    results = _run(["lenet5"], drawn, tmp_path)

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


def test_every_model_sees_the_same_split(drawn, tmp_path):
    """The digest of images, labels and order is one for all trials and all runs."""
    first = _run(["lenet5", replace(LENET5, name="other")], drawn, tmp_path)
    second = _run(["lenet5"], drawn, tmp_path)
    digests = {record.spec.split_fingerprint for record in first.records + second.records}

    assert len(digests) == 1


def test_equal_networks_get_equal_results(drawn, tmp_path):
    """One architecture under two names ends with the same figures: nothing favours a place."""
    results = _run(["lenet5", replace(LENET5, name="other")], drawn, tmp_path)
    first, second = (record.history[0] for record in results.records)

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


def test_the_majority_class_stands_beside(drawn, tmp_path):
    """Half of the test images are cats: always saying cat is right for half."""
    assert _run(["lenet5"], drawn, tmp_path).frame.iloc[-1]["test_accuracy"] == 0.5


def test_run_folders_are_numbered(drawn, tmp_path):
    """A second run does not write into the first one's folder."""
    names = [_run(["lenet5"], drawn, tmp_path).folder.name for _ in range(2)]

    assert names == ["0001-lenet5", "0002-lenet5"]


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
    with pytest.raises(RunError, match="--aa compares one model with itself, not 2"):
        _run(["lenet5", FAILING], drawn, tmp_path, aa=True)
