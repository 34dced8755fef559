"""What a reader of the page sees first: who won, how sure that is, what failed, what is next."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from made_run import alike, make_run

from bench.analysis.sequential import Look
from bench.analysis.until_clear import Outcome
from bench.report.advice import SURE, weakest
from bench.report.page.charts import accuracy, calibration, cost, figures_of, learning_curves
from bench.report.page.encodings import spread
from bench.report.page.figure import PAGE, PAPER, labels, mean_of
from bench.report.page.sections import table_section, verdict_section
from bench.report.page.write import _named
from bench.runs.stored_runs import read_run

_MANY = tuple(f"net{number:02d}" for number in range(14))


def _results(tmp_path, **changes):
    path = make_run(tmp_path / "runs", pictures=False, **{"seeds": 2} | changes)
    return read_run(str(path), path.parent)


def _failed(number, result):
    if result.record.model != "lenet":
        return result
    record = replace(result.record, status="killed", phase="train", error="signal 9")
    return replace(result, record=replace(record, test_accuracy=None), test=None)


def test_a_winner_is_as_sure_as_the_test(tmp_path):
    """The share of runs of equal models that would name one; nothing more is needed."""
    found = verdict_section(_results(tmp_path, seeds=6))

    assert found["headline"] == "alexnet is the best."
    assert found["sure"].startswith(
        "Very: if the models were equally good, at most 1 % of such runs would show so clear a le"
    )
    assert found["next_step"] is None


def test_a_winner_of_two_seeds_is_less_sure(tmp_path):
    """It says so, how small the lead may be, and what makes it surer."""
    results = _results(tmp_path, models=("a", "b"))
    found, least = verdict_section(results), weakest(results)

    assert least.p > SURE
    assert found["sure"].startswith("Just enough: if the models were equally good, at most 5 % of ")
    assert f"is {least.found.low * 100:.1f} to {least.found.high * 100:.1f} po" in found["sure"]
    assert f"+{least.found.high * 100:.1f})" in found["lines"][0]["text"]  # the same figure
    assert found["next_step"][1] == "zoo bench --resume runs/0001-made --seeds 4"


def test_one_seed_has_the_command_for_a_verdict(tmp_path):
    """With its path from where the run was begun, for a page may move."""
    found = verdict_section(_results(tmp_path, seeds=1))

    assert found["sure"].startswith("Not yet: each model has one seed, ")
    assert found["next_step"] == (
        "For a verdict, 2 to 11 more seeds, 2 min to 11 min:",
        "zoo bench --resume runs/0001-made --until-clear",
    )
    assert " has the highest test accuracy, perhaps by chance: " in found["lead"]


def test_an_unfinished_run_has_the_command_that_finishes_it(tmp_path):
    """Before any more seeds."""
    found = verdict_section(_results(tmp_path, change=lambda n, result: result if n else None))

    assert found["next_step"] == ("To finish this run:", "zoo bench --resume runs/0001-made")


def test_failures_are_told_beside_the_verdicts(tmp_path):
    """Not below them, where many verdicts would hide them."""
    found = verdict_section(_results(tmp_path, change=_failed))

    assert [line["kind"] for line in found["failures"]] == ["failed"]
    assert found["failures"][0]["text"].startswith(
        "lenet killed: seed 0 and 1 more, train: signal 9"
    )
    assert "failed" not in {line["kind"] for line in found["lines"]}


def test_one_model_that_is_left_is_no_comparison(tmp_path):
    """The headline and the answer to "How sure?" say so; the next step trains the other again."""
    results = _results(tmp_path, models=("lenet", "lenet5"), change=_failed)
    found = verdict_section(results)

    assert found["headline"] == "No comparison: only lenet5 has results."
    assert found["sure"] == "Not at all: a comparison needs two models with results."
    assert found["next_step"][1] == "zoo bench --config runs/0001-made"


@pytest.mark.parametrize(
    ("chance", "told"),
    [
        (0.9, "That is no better than always predicting the majority class: 90.0 %."),
        (0.55, "That is not clearly better than always predicting the majority class: 55.0 %."),
        (0.1, "Always predicting the majority class gets 10.0 %."),
    ],
)
def test_the_lead_says_what_chance_explains(tmp_path, chance, told):
    """An accuracy below that of the baseline is not told without a word on it."""
    results = _results(tmp_path, models=("lenet5",))
    frame = results.frame.assign(
        test_accuracy=results.frame["test_accuracy"].where(
            results.frame["model"] == "lenet5", chance
        )
    )

    assert verdict_section(replace(results, frame=frame))["lead"].endswith(told)


@pytest.mark.parametrize("seeds", [1, 2])
def test_six_columns_are_shown(tmp_path, seeds):
    """Accuracy, interval, difference, time and size; the others are one click away."""
    table = table_section(_results(tmp_path, seeds=seeds))["table"]
    shown = [name for place, name in enumerate(table["head"]) if place not in table["more"]]

    assert shown == ["model", "accuracy", "95 % interval", "gap", "training", "params"]


@pytest.mark.parametrize(
    ("models", "headline", "sure"),
    [
        (("a", "b"), "No clear winner: ", "Undecided: they may still differ by up to "),
        (("a", "b", "c"), "No clear winner: ", "Undecided: [abc] and [abc] may still differ by "),
    ],
)
def test_a_tie_says_how_much_the_models_may_differ(tmp_path, models, headline, sure):
    """And that is not always little; where there are others, the pair is named."""
    results = _results(tmp_path, models=models, change=alike)
    found = verdict_section(results)
    most = max(abs(end) for each in results.verdicts for end in (each.found.low, each.found.high))

    assert found["headline"].startswith(headline)
    assert re.match(sure, found["sure"])
    assert f" up to {most * 100:.1f} points. A new run with more seeds or images " in found["sure"]


def test_a_tie_of_many_says_that_each_pair_is_harder_to_tell(tmp_path):
    """Among many pairs some differ by chance; no bound of another pair confuses that."""
    found = verdict_section(_results(tmp_path, models=tuple("abcde"), change=alike))

    assert found["headline"] == "No clear winner among 5 models."
    assert found["sure"] == (
        "Undecided: among 10 pairs some differ by chance, so only a large lead is clear. A new "
        "run with fewer models, or with more seeds or images, shows more."
    )


@pytest.mark.parametrize(
    ("ending", "changes", "sure"),
    [
        ("same", {}, "Just enough: if the models differed by 2 points or more, at most 5 % of "),
        (
            "images",
            {"more_images": {("a", "b"): 1200}},
            "Undecided: .*; 1,200 more test images may",
        ),
        ("open", {}, "Undecided: up to 12 seeds hardly show a difference; more test images may"),
        ("open", {"going_on": ("a", "b")}, "Not yet: a and b need more than 3 seeds."),
    ],
)
def test_a_tie_of_looks_is_explained_not_repeated(tmp_path, ending, changes, sure):
    """What its line says does not stand there a second time."""
    results = _results(tmp_path, models=("a", "b"), change=alike)
    look = Look(endings={("a", "b"): ending}, **{"going_on": ()} | changes)
    models, pairwise = results.pairwise.standings.order, results.pairwise
    outcome = Outcome(found=look, number=1, points=2.0, models=models, pairwise=pairwise)
    found = verdict_section(replace(results, outcome=outcome))

    assert re.match(sure, found["sure"])
    assert outcome.sentence not in found["sure"]


def test_the_lead_has_the_whole_name(tmp_path):
    """A sentence wraps; a chart cannot."""
    name = "my_package.networks:VeryLongClassNameOfANetwork"

    assert verdict_section(_results(tmp_path, models=(name,)))["lead"].startswith(f"{name} has ")


def test_long_names_with_one_end_keep_their_starts(tmp_path):
    """A number after equal ends tells nobody which is which."""
    end = "_patch16_224.augreg_in21k_ft_in1k"
    found = labels(_results(tmp_path, models=(f"timm:vit_tiny{end}", f"timm:vit_small{end}")))

    assert {*found.values()} == {"timm:vit_tiny…", "timm:vit_small…"}


def test_one_epoch_has_no_curves_on_the_page(tmp_path):
    """A line of one point is an empty chart; the file has it."""

    def once(number, result):
        first = replace(result.record, history=result.record.history[:1])
        return replace(result, record=first)

    found = {each.name: each.on_page for each in figures_of(_results(tmp_path, change=once))}

    assert not any(found[name] for name in ("learning-curves", "learning-curves-loss"))
    assert not found["accuracy-seconds"]
    assert found["accuracy-training-time"]


def test_a_long_name_keeps_its_end(tmp_path):
    """Version and size are there."""
    name = "timm:tf_mobilenetv3_large_minimal_100"

    assert labels(_results(tmp_path, models=(name,))) == {name: "…bilenetv3_large_minimal_100"}


def test_the_first_models_are_on_the_page_and_all_in_the_file(tmp_path):
    """A chart of 60 bars is no answer."""
    (figure,) = accuracy.figures(_results(tmp_path, models=_MANY))
    of_page, of_file = (figure.draw(look).to_json() for look in (PAGE, PAPER))

    assert [sum(name in text for name in _MANY) for text in (of_page, of_file)] == [12, 14]


@pytest.mark.parametrize(("seeds", "start"), [(1, "Dot: one seed. Bar: "), (2, "Dot: mean over ")])
def test_a_legend_names_what_is_drawn(tmp_path, seeds, start):
    """One seed has no mean, and its interval holds for other images only."""
    (figure,) = accuracy.figures(_results(tmp_path, seeds=seeds))

    assert figure.caption.startswith(start)
    assert ("for other images only." in figure.caption) == (seeds == 1)


def test_the_name_of_an_image_keeps_its_suffix_whole():
    """It breaks after a folder; other letters stay escaped."""
    found = _named("Cat/a<b.217.jpg")

    assert found == 'Cat/<wbr>a&lt;b.217<wbr><i class="whole">.jpg</i>'
    assert _named("no suffix.verylong") == "no suffix.verylong"


def test_titles_say_what_is_found(tmp_path):
    """A figure each: accuracies beside chance, what accuracy costs, and where curves end."""
    results = _results(tmp_path, seeds=6)
    titles = [next(chart.figures(results)).title for chart in (accuracy, cost, learning_curves)]

    assert titles == [
        "Accuracy 58.8 % to 84.3 %, by chance 50.0 %",
        "alexnet: +25.5 points on lenet5 for 1.96 times the training time",
        "Validation accuracy is highest in the last epoch for 2 of 3 models",
    ]


def test_a_gain_without_a_verdict_is_not_clear(tmp_path):
    """The title says so; one model has no gain."""
    several, alone = (
        next(cost.figures(_results(tmp_path / models[-1], seeds=1, models=models))).title
        for models in (("lenet5", "lenet"), ("lenet5",))
    )

    assert " points, not clear, on lenet5 for 1." in several
    assert alone == "Accuracy and training time"


@pytest.mark.parametrize(("images", "there"), [(199, 0), (200, 1)])
def test_few_images_have_no_calibration(tmp_path, images, there):
    """Under 200 its intervals would say nothing; else there are five, with bounds."""
    names = tuple(f"{number}.jpg" for number in range(images))
    found = [*calibration.figures(_results(tmp_path, models=("lenet5",), images=names))]

    assert [len(figure.table) for figure in found] == [5] * there
    assert all(" to " in row[3] for figure in found for row in figure.table)


def test_a_figure_stands_alone_in_its_file(tmp_path):
    """It has title, source and date; on the page, where these are, it has none."""
    figure = figures_of(_results(tmp_path))[0]
    title = figure.draw(PAPER).to_dict()["title"]

    assert title["text"] == [figure.title]
    assert "Source: zoo, photographs: 336/72/72 images (train" in " ".join(title["subtitle"])
    assert title["subtitle"][-1].endswith(", 2026-01-02")
    assert "title" not in figure.draw(PAGE).to_dict()


def test_names_at_the_ends_of_lines_never_overlap():
    """They stay in order, within the chart, and move only where they must."""
    generator = np.random.default_rng(1)
    for _ in range(50):
        places = list(generator.uniform(0, 300, 10) ** generator.uniform(0.5, 1))
        found = spread(places, 15.0, 300.0)
        order = np.argsort(places)

        assert np.diff(np.array(found)[order]).min() >= 15.0 - 1e-9
        assert 0 <= min(found) <= max(found) <= 300.0
    assert spread([10.0, 100.0], 15.0, 300.0) == [10.0, 100.0]
    assert spread([100.0, 100.0], 20.0, 300.0) == [90.0, 110.0]


def test_a_tooltip_has_three_rows(tmp_path):
    """Name and two values."""
    charts = [f.draw(PAGE).to_dict() for f in figures_of(_results(tmp_path)) if f.on_page]
    rows = [layer["encoding"].get("tooltip") for chart in charts
            for layer in chart.get("layer", [chart])]  # fmt: skip
    counts = {len(each) for each in rows if isinstance(each, list)}

    assert counts == {2, 3}


@pytest.mark.parametrize(("seeds", "over"), [(1, ""), (2, "seeds")])
def test_captions_name_means_only_where_there_are_some(tmp_path, seeds, over):
    """One training is its own mean."""
    results = _results(tmp_path, seeds=seeds)
    captions = [figure.caption for figure in figures_of(results)]

    assert mean_of(results) == over
    assert any("over seeds" in caption for caption in captions) == bool(over)


def test_the_folds_of_one_seed_have_means_over_folds(tmp_path):
    """Its trainings are several, its seeds are not."""
    results = _results(tmp_path, seeds=2)
    folds = (
        replace(each, spec=replace(each.spec, seed=0, fold=1 + each.spec.seed))
        for each in results.records
    )

    assert mean_of(replace(results, records=tuple(folds))) == "folds"


def test_each_training_is_within_the_axis(tmp_path):
    """Also one that lies outside the intervals, as that of a small fold may."""
    results = _results(tmp_path, seeds=2)
    first, *others = results.records
    (figure,) = accuracy.figures(
        replace(results, records=(replace(first, test_accuracy=0.01), *others))
    )
    layers = figure.draw(PAGE).to_dict()["layer"]
    (ends,) = [
        each["encoding"]["x"]["scale"]["domain"]
        for each in layers
        if "scale" in each["encoding"].get("x", {})
    ]

    assert ends[0] <= 0.01
