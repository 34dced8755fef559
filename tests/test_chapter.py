from __future__ import annotations

from dataclasses import fields, replace
from itertools import pairwise

import chapter
import pytest
from chapter_page import page
from conftest import draw_folder
from made_runs import altered, correct, make_run

from bench.recipe import DEFAULT, TEXTBOOK
from bench.record import EpochRecord
from bench.runs import read_run
from registry.verify import verify
from zoo import ALEXNET, LENET


def _validated(accuracy):
    """Return a `change` that gives each trial an epoch that validated so well."""
    epoch = EpochRecord(
        epoch=1, train_loss=1, train_accuracy=0.5, validation_loss=1, validation_accuracy=accuracy,
        learning_rate=1, train_seconds=1, data_wait_seconds=0,
    )  # fmt: skip
    return lambda result: replace(result, record=replace(result.record, history=(epoch,)))


@pytest.fixture
def results(tmp_path):
    """Two steps: lenet at 60 % and then at 80, alexnet at the majority in both."""
    found = {}
    for name, lenet, recipe in (("before", 0.6, TEXTBOOK), ("after", 0.8, DEFAULT)):
        models = {"lenet": correct(accuracy=lenet, images=600),
                  "alexnet": correct(accuracy=0.6, images=600)}  # fmt: skip
        made = make_run(tmp_path / f"made-{name}", models, recipe=recipe)
        whole = altered(made, tmp_path / "runs" / name, _validated(47 / 92))
        found[name] = read_run(str(whole), tmp_path / "runs")
    return found


def _steps():
    both = (LENET, ALEXNET)
    return [
        chapter.Step(name="before", what="printed", networks=both, recipe=TEXTBOOK),
        chapter.Step(name="after", what="mended", networks=both, recipe=DEFAULT),
    ]


def test_gains_are_those_of_the_network_itself(results):
    """20 points are a gain where they are planted, and none where nothing was changed."""
    text = page(_steps(), results, [46, 47])
    lenet, alexnet = text.split("### alexnet")

    (line,) = [line for line in lenet.splitlines() if line.startswith("| mended")]
    assert "| +2" in line
    assert " better |" in line
    (line,) = [line for line in alexnet.splitlines() if line.startswith("| mended")]
    assert "better" not in line
    (whole,) = [line for line in lenet.splitlines() if line.startswith("**From")]
    assert "the network unchanged: +2" in whole
    assert "better on the others; on the 92 +0.0, of single seeds +0.0 to +0.0." in whole


def test_the_majority_and_the_draws_are_counted(results):
    """The chapter's two figures are named by the seeds and trainings that give them, if any do."""
    text = page(_steps(), results, [46, 47, 47, 46])
    other = page(_steps(), results, [45, 47])

    assert "seeds 0, 3 give just that" in text
    assert "in 6 of 6 trainings" in text
    assert "| 47 | 2 |" in text
    assert "no seed gave just that" in other


def test_each_step_changes_one_thing():
    """Between two lines of a table the recipe differs in one setting, or the network does."""
    steps = [step for step in chapter.steps() if step.name != "more"]
    for one, other in pairwise(steps):
        names = [field.name for field in fields(one.recipe)]
        changed = {n for n in names if getattr(one.recipe, n) != getattr(other.recipe, n)}
        rest = changed - {"name", "learning_rate", "momentum"}  # the last two with the optimiser
        assert len(rest) + (one.networks[0] != other.networks[0]) == 1, (one.name, other.name)


def test_the_steps_end_with_the_default_recipe():
    """What the page explains is what `zoo bench` does."""
    assert DEFAULT in [step.recipe for step in chapter.steps()]


@pytest.mark.parametrize("network", {n for step in chapter.steps() for n in step.networks})
def test_networks_between_keep_their_contract(network):
    """Without softmax or with a ReLU, the LeNet has as many parameters as the printed one."""
    assert verify(network)


def test_a_step_that_was_stopped_is_the_last(monkeypatch):
    """Ctrl-C ends all of it, with its own exit code, and no page is written."""
    asked = []

    class Stopped:
        exit_code = 130

    def stopped(step, *_):
        asked.append(step.name)
        return Stopped()

    monkeypatch.setattr(chapter, "result_of", stopped)

    assert chapter.main([]) == 130
    assert asked == ["trained"]


def test_the_printed_loop_trains_nothing(tmp_path, monkeypatch):
    """An untrained network is validated; nothing else happens, so each seed has one figure."""
    monkeypatch.setattr("bench.data.split._TEXTBOOK_TRAIN", 12)
    monkeypatch.setattr(chapter, "_UNTRAINED_SEEDS", 2)
    draw_folder(tmp_path / chapter._CHAPTER)
    found = chapter.untrained(LENET, tmp_path)

    assert len(found) == 2
    assert all(0 <= right <= 2 for right in found)
