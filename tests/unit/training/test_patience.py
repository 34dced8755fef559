"""Training that ends where validation gets no better, and what is tested then."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_records import made_epoch, made_record, made_spec
from restless import require_same, restless_spec, train_resumed, train_stopped

from bench.analysis.columns import informative_columns
from bench.analysis.frame import comparison
from bench.analysis.setup_columns import _epochs_cell
from bench.report.table import as_markdown, disclosure_lines
from bench.runs.progress import Progress
from bench.training.callbacks import TrialContext
from bench.training.checkpoint import digest_of
from bench.training.evaluation import Evaluation
from bench.training.recipe import DEFAULT
from bench.training.trial import run_trial

_PATIENT = replace(DEFAULT, patience=2)


@pytest.fixture
def validations(monkeypatch):
    """Accuracies that validation gives, one epoch after the other; the test gives its own."""
    found = [0.5, 0.75, 0.25, 0.75, 0.5, 1.0]

    def scripted(self):
        real = self._validate_really()
        epoch = len(self._builder.record.history)
        return Evaluation(
            labels=real.labels,
            probabilities=real.probabilities,
            loss=real.loss,
            accuracy=found[epoch],
        )

    from bench.training import loop as training

    begin = training.TrainingLoop.__init__

    def scripted_begin(self, steps, batches, validate, *rest):
        self._validate_really = validate
        begin(self, steps, batches, lambda: scripted(self), *rest)

    monkeypatch.setattr(training.TrainingLoop, "__init__", scripted_begin)
    return found


def _patient(epochs=6, **changes):
    spec = restless_spec(_PATIENT)
    return replace(spec, recipe=replace(spec.recipe, epochs=epochs, **changes))


def _trained(spec, split, **context):
    return run_trial(spec, split, Progress(shown=False), TrialContext(**context))


def test_training_ends_after_so_many_epochs_without_a_better_one(split, validations):
    """An equal one is no better: the best is the second, so the fourth is the last."""
    result = _trained(_patient(), split)

    assert [e.validation_accuracy for e in result.record.history] == validations[:4]
    assert result.record.tested_epoch == 2


def test_the_weights_of_the_best_epoch_are_tested_and_saved(split, validations):
    """They are those that a training of two epochs of the same steps has; the last are not."""
    result = _trained(_patient(schedule="constant"), split)
    short = _trained(_patient(2, patience=None, schedule="constant"), split)
    long = _trained(_patient(4, patience=None, schedule="constant"), split)

    tested = digest_of(result.last_weights.state)
    assert result.last_weights.epoch == 2
    assert tested == digest_of(short.last_weights.state) != digest_of(long.last_weights.state)
    assert np.array_equal(result.test.probabilities, short.test.probabilities)


def test_the_best_epoch_is_tested_though_patience_was_not_lost(split, validations):
    """One rule, however training ends; and though no weights are kept."""
    record = _trained(_patient(3), split, weights=False).record

    assert (len(record.history), record.tested_epoch) == (3, 2)


def test_without_patience_the_last_epoch_is_tested(split, validations):
    """The best one is shown, not used."""
    record = _trained(_patient(3, patience=None), split).record

    assert (len(record.history), record.tested_epoch, record.best.epoch) == (3, 3, 2)


@pytest.mark.parametrize("when", [{"step": 7}, {"step": 13}, {"step": 16}, {"phase": "inference"}])
def test_an_early_stopped_trial_that_was_killed_ends_like_an_unbroken_one(
    split, tmp_path, validations, when
):
    """The best weights are in the checkpoint."""
    spec = _patient()
    stopped = train_stopped(spec, split, tmp_path, **when)
    result, _ = train_resumed(spec, split, tmp_path)

    assert stopped.record.status == "interrupted"
    assert result.record.tested_epoch == 2
    require_same(_trained(spec, split), result)


def _rows(**recipe):
    spec = replace(made_spec(), recipe=replace(DEFAULT, **recipe))
    history = tuple(made_epoch(n, validation_accuracy=0.9 if n == 4 else 0.5) for n in range(1, 8))
    record = made_record(spec=spec, history=history, tested_epoch=4, steps=1234)
    return comparison([record], (1, 2))


def test_a_row_says_how_long_it_was_and_which_epoch_was_tested():
    """With a line that declares the selection."""
    frame = _rows(epochs=20, patience=3)
    markdown = as_markdown(frame, "made")

    assert frame["selection"][0] == "validation accuracy"
    assert "| 7 of 20, best 4 |" in markdown
    assert "the validation accuracy is too high by selection, the test accuracy is not" in markdown


def test_a_row_of_a_budget_says_its_seconds():
    """Beside the epochs; with the steps that were made in them."""
    frame = _rows(epochs=None, seconds=60.0)
    markdown = as_markdown(frame, "made")

    assert (frame["budget_seconds"][0], frame["steps_trained"][0]) == (60.0, 1234)
    assert frame["epochs"].isna().all()
    assert " in 60 s |" in markdown
    assert "| 1,234 |" in markdown
    assert "the number of steps depends on the machine" in markdown


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"epochs": 10, "epochs_trained": 10.0}, "10"),
        ({"budget_seconds": 60.0, "epochs_trained": 7.5}, "7.5 in 60 s"),
        ({"budget_seconds": 60.0}, "60 s"),
        (
            {"epochs": 20, "epochs_trained": 7.0, "selection": "yes", "tested_epoch": 4},
            "7 of 20, best 4",
        ),
        (
            {"budget_seconds": 60.0, "epochs_trained": 7.0, "selection": "yes", "tested_epoch": 4},
            "7 in 60 s, best 4",
        ),
    ],
)
def test_a_cell_has_the_length_of_training(row, expected):
    """A budget stands beside the epochs that were trained in it."""
    assert _epochs_cell({"epochs": None, "budget_seconds": None} | row) == expected


def test_a_row_of_epochs_says_nothing_of_that():
    """The title has them, and nothing was chosen."""
    frame = _rows(epochs=7)

    assert "epochs" not in [column.name for column in informative_columns(frame)]
    assert disclosure_lines(frame) == []
