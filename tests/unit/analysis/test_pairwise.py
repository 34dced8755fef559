from __future__ import annotations

import io
import json
import math
from dataclasses import replace

import numpy as np
import pytest
from made_answers import WORLDS, made
from rich.console import Console

from bench.analysis.frame import BASELINE
from bench.analysis.pairwise import compare_pairwise
from bench.analysis.stats.interval import accuracy_interval
from bench.report.run_files import write_run
from bench.report.table import as_markdown, render
from bench.runs.run_results import RunResults
from bench.training.evaluation import Evaluation
from bench.training.recipe import DEFAULT
from bench.training.record import TrialRecord
from bench.training.spec import TrialSpec
from registry.errors import RunError
from zoo import LENET5

NAMES = tuple(f"{place}.jpg" for place in range(98))
ABOUT = {
    "baseline": [49, 98],
    "title": "made",
    "split": {"test": list(NAMES)},
    "environment": {},
    **dict.fromkeys(("request", "recipe", "data", "classes", "rejects")),
}


def _record(model, seed, **changes):
    spec = TrialSpec(
        model=model,
        architecture=LENET5,
        origin="made",
        recipe=DEFAULT,
        classes=("cat", "dog"),
        split_fingerprint="0",
        seed=seed,
    )
    told = {"status": "ok", "contract": "verified", "test_images": 98, "test_loss": 0.5}
    return TrialRecord(spec=spec, **told | changes)


def _made(seeds=8, apart=0.25, models=("lenet", "alexnet", "vgg11")):
    """Return records and tests of models, the second the best."""
    differences = np.array([0.0, apart, 0.0])[: len(models)]
    world = WORLDS["even"]
    correct = world.correct(np.random.default_rng(1), len(models), seeds, 98, differences)
    records, tests = [], {}
    for model, each in zip(models, correct, strict=True):
        answers = made(each)
        for seed in range(seeds):
            accuracy = float(each[seed].mean())
            records.append(_record(model, seed, test_accuracy=accuracy))
            tests[model, seed] = Evaluation(
                labels=answers.labels,
                probabilities=answers.probabilities[seed].astype(np.float32),
                loss=0.5,
                accuracy=accuracy,
            )
    return records, tests


def _results(tmp_path, **options):
    records, tests = _made(**options)
    return RunResults.from_records(tmp_path, ABOUT, records, planned=len(records), tests=tests)


def test_rows_stand_beside_the_best(tmp_path):
    """The best has 0 and no interval; the others what they lack; letters say who is level."""
    results = _results(tmp_path)
    rows = results.frame.set_index("model")

    assert rows.index[0] == "alexnet"
    assert rows.loc["alexnet", "difference_to_best"] == 0
    assert math.isnan(rows.loc["alexnet", "difference_low"])
    assert rows.loc["lenet", "difference_high"] < 0
    assert rows.loc["lenet", "difference_to_best"] == pytest.approx(
        rows.loc["lenet", "test_accuracy"] - rows.loc["alexnet", "test_accuracy"]
    )
    assert list(rows["group"][:3]) == ["a", "b", "b"]
    assert math.isnan(rows.loc[BASELINE, "difference_to_best"])


def test_several_seeds_have_an_interval(tmp_path):
    """Over seeds and images; without the answers there is none, only the deviation."""
    results = _results(tmp_path)
    row = results.frame.set_index("model").loc["lenet"]
    records, _ = _made()
    without = RunResults.from_records(tmp_path, ABOUT, records, planned=24).frame.set_index("model")
    expected = accuracy_interval(results.pairwise.answers["lenet"].correct)

    assert (row["test_accuracy_low"], row["test_accuracy_high"]) == expected
    assert math.isnan(without.loc["lenet", "test_accuracy_low"])
    assert without.loc["lenet", "test_accuracy_deviation"] > 0


def test_rows_have_the_other_figures(tmp_path):
    """Means over seeds; 0.8 said each time is a log loss known from the accuracy."""
    row = _results(tmp_path).frame.iloc[0]
    accuracy = row["test_accuracy"]

    assert row["test_log_loss"] == pytest.approx(
        -accuracy * math.log(0.8) - (1 - accuracy) * math.log(0.2), abs=1e-6
    )
    assert row["test_balanced_accuracy"] == pytest.approx(accuracy, abs=1e-9)
    assert row["test_roc_auc"] == pytest.approx(accuracy, abs=0.05)
    assert row["test_calibration_bins"] == 9
    assert 0 < row["test_calibration_error"] < 0.3


def test_two_models_are_asked_for_in_any_order(tmp_path):
    """The verdict names the better one; a model that is not there is an error."""
    results = _results(tmp_path)

    assert results.compare("lenet", "alexnet") is results.compare("alexnet", "lenet")
    assert results.compare("lenet", "alexnet").first == "alexnet"
    with pytest.raises(RunError, match="no verdict on 'lenet' and 'resnet'; compared models: ale"):
        results.compare("lenet", "resnet")


def test_wrong_images_are_listed_the_hardest_first(tmp_path):
    """Each has the label, what was said most, and how many seeds were wrong."""
    results = _results(tmp_path)
    wrong = results.wrong("lenet")
    correct = results.pairwise.answers["lenet"].correct

    assert wrong["wrong"].is_monotonic_decreasing
    assert wrong["wrong"].sum() == (~correct).sum()
    assert (wrong["label"] != wrong["predicted"]).all()
    with pytest.raises(
        RunError, match="no predictions of 'resnet'; models with predictions: lenet, alexnet"
    ):
        results.wrong("resnet")


def test_failed_and_marked_trials_are_left_out():
    """A failed seed answers nothing; a model with a mark is in no pair, its interval stays."""
    records, tests = _made()
    records[0] = replace(records[0], status="failed")
    records[-1] = replace(records[-1], marks=("batch size 16",))
    found = compare_pairwise(records, NAMES, tests)

    assert found.answers["lenet"].seeds == (1, 2, 3, 4, 5, 6, 7)
    assert len(found.answers["vgg11"].seeds) == 8
    assert [(each.first, each.second) for each in found.verdicts] == [("alexnet", "lenet")]


def test_a_model_beside_itself_is_paired():
    """`--aa` gives the second other seeds; the first of one meets the first of the other."""
    records, tests = _made(models=("lenet", "lenet_again"), apart=0.0)
    records = [
        replace(each, spec=replace(each.spec, seed=each.spec.seed + 10_000))
        if each.model == "lenet_again"
        else each
        for each in records
    ]
    tests = {(m, s + 10_000 * (m == "lenet_again")): each for (m, s), each in tests.items()}
    (verdict,) = compare_pairwise(records, NAMES, tests).verdicts

    assert (verdict.kind, verdict.found.seeds) == ("level", 8)


def test_the_sentences_stand_under_the_table(tmp_path):
    """On a terminal and in Markdown; two columns more on a wide one; none for one model."""
    results = _results(tmp_path)
    sentences = results.pairwise.sentences
    console = Console(file=io.StringIO(), width=200, force_terminal=False)
    console.print(render(results.frame, "made", 200, sentences))
    shown, text = console.file.getvalue(), as_markdown(results.frame, "made", sentences)
    alone = _results(tmp_path, models=("lenet",))

    assert sentences[0] == "alexnet is the best."
    assert len(sentences) == 4
    assert "alexnet is better than" in shown
    assert "gap" in shown
    assert "- alexnet is better than lenet: +" in text or "- alexnet is better than vgg11" in text
    assert alone.pairwise.sentences == ()
    assert "| gap |" not in as_markdown(alone.frame, "made")


def test_the_files_hold_the_verdicts(tmp_path):
    """comparison.json has each with its kind and sentence, in JSON's own values."""
    results = _results(tmp_path)
    write_run(results, ABOUT)
    told = json.loads((tmp_path / "comparison.json").read_text())

    assert [each["sentence"] for each in told["verdicts"]] == list(results.pairwise.sentences[1:])
    assert told["headline"] == results.pairwise.sentences[0]
    assert told["verdicts"][0]["kind"] == "better"
    assert told["verdicts"][0]["found"]["seeds"] == 8
    assert "test_log_loss" in (tmp_path / "comparison.csv").read_text().splitlines()[0]
