from __future__ import annotations

from dataclasses import fields, replace
from itertools import pairwise

import chapter
import numpy as np
import pytest
import torch
from chapter_networks import LOGITS, PRINTED
from chapter_outcome import Chapter, Outcome, outcome_of, plain, read, write
from chapter_page import page
from chapter_photographs import chapters, packed, places, unpacked
from chapter_steps import Step, all_steps, budgets, steps
from drawn_folder import draw_folder
from made_runs import correct, make_run

from bench.runs.stored_runs import stored_run
from bench.training.recipe import DEFAULT, TEXTBOOK
from registry.catalog import Catalog
from registry.errors import RunError
from registry.verify import verify
from zoo import ALEXNET, LENET

_MODELS = ("lenet", "alexnet")


def _steps():
    return [
        Step(name=name, what=f"{name}, told", network=network, recipe=recipe)
        for network in (LENET, ALEXNET)
        for name, recipe in (("before", TEXTBOOK), ("after", DEFAULT))
    ]


def _elsewhere(name):
    return replace(_steps()[0], name=name, what=name, table="elsewhere")


def _others():
    """Return the steps of other networks; those of families take a second to be looked up."""
    return [step for step in all_steps() if step.table == "elsewhere"]


def _outcome(right, recipe, validated=47, tested=None):
    """Return what came of trainings that answered `tested` of 601 photographs, or the first."""
    which = np.arange(601) < right.shape[1] if tested is None else tested
    return Outcome(
        network="made",
        recipe=plain(recipe),
        split="0" * 64,
        validated=(validated,) * len(right),
        validating=92,
        seconds=(10.0,) * len(right),
        threads=1,
        epochs=(10,) * len(right),
        photographs=601,
        tested=packed(which),
        right=tuple(packed(row) for row in right),
        majority=right.shape[1] // 2 + 1,
        machine="made",
    )


def _page(lines, outcomes, untrained):
    known = packed(np.arange(601) < 101)
    return page(lines, Chapter(outcomes=outcomes, untrained=tuple(untrained), chapters=known))


@pytest.fixture
def outcomes():
    """Two steps: lenet at 60 % and then at 80, alexnet at the majority in both."""
    still = correct(accuracy=0.6, images=601)
    return {
        "before/lenet": _outcome(still, TEXTBOOK),
        "after/lenet": _outcome(correct(accuracy=0.8, images=601), DEFAULT),
        "before/alexnet": _outcome(still, TEXTBOOK),
        "after/alexnet": _outcome(still, DEFAULT),
    }


def _line(text, begin):
    (line,) = [line for line in text.splitlines() if line.startswith(begin)]
    return line


def test_gains_are_those_of_the_network_itself(outcomes):
    """20 points are a gain where they are planted, and none where nothing was changed."""
    lenet, alexnet = _page(_steps(), outcomes, [46, 47]).split("### alexnet")

    line = _line(lenet, "| after, told")
    assert "| +2" in line
    assert line.endswith(" better |")
    assert "better" not in _line(alexnet, "| after, told")
    assert "**Clear gains or losses among 1 changes**, in points:\n\n- after, told: +2" in lenet
    assert "**Clear gains or losses among 1 changes**, in points:\n\n- none\n" in alexnet
    whole = lenet[lenet.index("**From") :].replace("\n", " ")
    assert "the network unchanged: +2" in whole
    assert "better on the others; on the 92 +0.0, of single seeds +0.0 to +0.0." in whole


def test_a_line_that_was_not_run_says_so(outcomes):
    """A page of a part of the runs has no figure for the others, and no gain against them."""
    del outcomes["before/lenet"]
    lenet, alexnet = _page(_steps(), outcomes, [46]).split("### alexnet")

    assert _line(lenet, "| before, told") == "| before, told | not run yet |  |  |  |"
    assert _line(lenet, "| after, told").endswith("|  |")
    assert "not run yet" in _line(lenet, "**From")
    assert "not run yet" not in alexnet


def test_the_majority_and_the_draws_are_counted(outcomes):
    """The chapter's two figures are named by the seeds and trainings that give them, if any do."""
    text = _page(_steps(), outcomes, [46, 47, 47, 46])
    other = _page(_steps(), outcomes, [45, 47])

    assert "seeds 0, 3 give just that" in text
    assert "in 6 of 6 trainings" in text.replace("\n", " ")
    assert "| 47 | 2 |" in text
    assert "no seed gave just that" in other


def test_what_is_no_better_than_the_majority_is_told(outcomes):
    """Other networks are above chance where their whole interval is."""
    lines = [_elsewhere(name) for name in ("sure", "chance", "absent")]
    kept = {
        "sure/lenet": _outcome(correct(accuracy=0.8, images=601)[:1], DEFAULT),
        "chance/lenet": _outcome(correct(accuracy=0.52, images=601)[:1], DEFAULT),
    }
    text = _page([*_steps(), *lines], outcomes | kept, [46])

    assert _line(text, "| lenet | sure").endswith(" of 500 | 51.1% | 10.0 | yes |")
    assert _line(text, "| lenet | chance").endswith(" of 500 | 51.1% | 10.0 | **no** |")
    assert _line(text, "| lenet | absent") == "| lenet | absent | not run yet |  |  |  |  |"
    assert "**`lenet` is not above chance**: the reason is unknown.\n" in text


def test_photographs_that_the_recipe_was_chosen_on_are_told_apart(outcomes):
    """A network that is right on the chapter's 101 alone is right for none of the others."""
    right = np.tile(np.arange(601) < 101, (6, 1))
    kept = {"minutes/lenet": _outcome(right, DEFAULT)}
    line = replace(_elsewhere("minutes"), table="budgets")

    assert "| 0.0% of 500 |" in _line(
        _page([*_steps(), line], outcomes | kept, [46]), "| lenet | minutes"
    )


def test_a_gain_is_on_the_photographs_that_both_were_tested_on(outcomes):
    """What was tested on the last 300 is no better there, however bad it was on the first 301."""
    last = np.arange(601) >= 301
    right = correct(accuracy=0.8, images=601)
    kept = {
        "after/lenet": _outcome(right & last, DEFAULT),
        "more/lenet": _outcome(right[:, last], DEFAULT, tested=last),
    }
    line = replace(_elsewhere("more"), table="beyond")
    text = _page([*_steps(), line], outcomes | kept, [46])

    assert _line(text, "| more").endswith(") of 300 | 10 to 10 | +0.0 (-0.7 to +0.7) |")
    assert _line(text, "| `default` with more | +0.0 (-0.7 to +0.7) |")


def test_the_head_says_what_the_recipe_gives(outcomes):
    """Of each network what its own table says of `textbook` and `default`."""
    head, *tables = _page(_steps(), outcomes, [46]).split("\n### ")
    _, _, lenet, alexnet, _ = _line(head, "| `default` instead of `textbook`").split("|")

    assert _line(tables[0], "| after, told").endswith(f"|{lenet}|")
    assert _line(tables[1], "| after, told").endswith(f"|{alexnet}|")
    assert "better" in lenet
    assert "better" not in alexnet


def test_what_is_kept_is_read_again(outcomes, tmp_path):
    """Which photographs were right, of a number that no byte divides, is the same after all."""
    write(tmp_path / "kept.json", Chapter(outcomes=outcomes, untrained=(46, 47), chapters="80"))
    found = read(tmp_path / "kept.json")

    assert found.outcomes == dict(sorted(outcomes.items()))
    assert (found.untrained, found.chapters) == ((46, 47), "80")
    assert np.array_equal(found.outcomes["after/lenet"].correct, correct(accuracy=0.8, images=601))
    assert read(tmp_path / "none.json").outcomes == {}


def test_a_run_gives_what_is_kept(tmp_path):
    """Answers, validation and machine are those of the run; answers are in the order of names."""
    right = correct(accuracy=0.8, images=300)
    folder = make_run(tmp_path / "0001-lenet", {"lenet": right}, recipe=TEXTBOOK)
    run = stored_run(str(folder), tmp_path)
    names = run.results.pairwise.answers["lenet"].images
    known = {name: 2 * (299 - place) + 1 for place, name in enumerate(names)}
    found = outcome_of(run, known | {f"Dog/{place}.jpg": 2 * place for place in range(300)})

    assert np.array_equal(found.correct, right[:, ::-1])
    assert np.flatnonzero(found.was_tested).tolist() == list(range(1, 600, 2))
    assert found.is_of("nowhere:Network", TEXTBOOK, 6)
    assert found.machine == "made, torch 2.14.1"
    assert found.majority == 150


def test_the_chapters_photographs_are_found_by_name_and_content(tmp_path):
    """Each has its place among all; one that is another picture of that name is an error."""
    for name in ("few/Cat/2.jpg", "few/Dog/1.jpg", "many/Cat/1.jpg", "many/Cat/2.jpg",
                 "many/Dog/1.jpg"):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name[-9:])
    few, many = tmp_path / "few", tmp_path / "many"
    found = chapters(few, many)
    (few / "Dog" / "1.jpg").write_text("another")

    assert places(many) == {"Cat/1.jpg": 0, "Cat/2.jpg": 1, "Dog/1.jpg": 2}
    assert found.tolist() == [False, True, True]
    with pytest.raises(ValueError, match=r"has not the Dog/1\.jpg of"):
        chapters(few, many)


def test_too_few_digits_are_an_error():
    """Bits that nobody has kept are not made up."""
    assert unpacked(packed(np.array([True, False, True])), 3).tolist() == [True, False, True]
    with pytest.raises(ValueError, match="2 hexadecimal digits are no 9 bits"):
        unpacked("a0", 9)


def test_a_run_begun_otherwise_is_not_gone_on_with(tmp_path):
    """A run of fewer seeds or of another network is not what the step asks for."""
    (step, *_) = _steps()
    network = replace(LENET, constructor="nowhere:Network")
    step = replace(step, recipe=TEXTBOOK, network=network)

    def begun(seeds, name):
        right = correct(accuracy=0.8, images=30)[:seeds]
        folder = make_run(tmp_path / name, {"lenet": right}, recipe=TEXTBOOK)
        return stored_run(str(folder), tmp_path)

    assert chapter._is_of(step, begun(6, "0001-lenet"))
    assert not chapter._is_of(step, begun(3, "0002-lenet"))
    assert not chapter._is_of(replace(step, network=LENET), begun(6, "0003-lenet"))
    assert not chapter._is_of(replace(step, recipe=DEFAULT), begun(6, "0004-lenet"))


def test_an_outcome_of_another_recipe_is_run_again(outcomes):
    """What is kept stands for its own network, recipe and number of seeds alone."""
    kept = outcomes["after/lenet"]

    assert kept.is_of("made", DEFAULT, 6)
    assert not kept.is_of("made", replace(DEFAULT, learning_rate=1e-3), 6)
    assert not kept.is_of("other", DEFAULT, 6)
    assert not kept.is_of("made", DEFAULT, 7)


def test_what_is_of_an_older_recipe_is_left_out(tmp_path):
    """The page has no figure of a recipe that its line no longer names."""
    (step, *_) = [step for step in steps("lenet") if step.name == "crops"]
    right = correct(accuracy=0.8, images=300)
    kept = replace(_outcome(right, step.recipe), network=step.network.constructor)
    older = replace(kept, recipe=plain(replace(step.recipe, learning_rate=1e-3)))

    assert list(chapter.current({step.key: kept})) == [step.key]
    assert chapter.current({step.key: older}) == {}


def test_the_page_is_made_of_what_is_kept(tmp_path):
    """The page in the repository is the one that its own figures give."""
    chapter.main(["--page-only", "--page", str(tmp_path / "chapter.md")])

    made = (tmp_path / "chapter.md").read_text(encoding="utf-8")
    assert made == chapter._PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("model", _MODELS)
def test_each_step_changes_one_thing(model):
    """Between two lines of a table the recipe differs in one setting, or the network does."""
    changes = [step for step in steps(model) if step.table == "changes"]
    longer, more = [step for step in steps(model) if step.table == "beyond"]
    for one, other in [*pairwise(changes), (changes[-1], longer)]:
        names = [field.name for field in fields(one.recipe)]
        changed = {n for n in names if getattr(one.recipe, n) != getattr(other.recipe, n)}
        rest = changed - {"name", "learning_rate", "momentum", "batch_size"}  # the optimiser's
        assert len(rest) + (one.network != other.network) == 1, (one.key, other.key)
    assert (more.more, plain(more.recipe)) == (True, plain(changes[-1].recipe))


@pytest.mark.parametrize("model", _MODELS)
def test_the_steps_end_with_the_default_recipe(model):
    """What the page explains is what `zoo bench` does; lenet takes one size of images alone.

    Neither network has batch normalisation, for which `fresh_statistics` are.
    """
    last = [step.recipe for step in steps(model) if step.table == "changes"][-1]
    side = DEFAULT.train_resolution if model == "alexnet" else 1.0

    default = replace(DEFAULT, train_resolution=side, fresh_statistics=False)
    assert plain(last) == plain(default)
    assert {plain(step.recipe)["seconds"] for step in budgets(model)} == {60, 300, 600}


def test_each_built_in_network_is_tried():
    """All that are built in are on the page, and eight that are not."""
    tried = {step.network.name for step in all_steps()}

    entries = Catalog.installed().entries()
    assert tried >= {each.name for each in entries if each.origin.distribution == "zoo-bench"}
    assert len([step for step in _others() if ":" in step.network.name]) == 8
    assert len({step.key for step in all_steps()}) == len(all_steps())


@pytest.mark.parametrize("network", [PRINTED, LOGITS, LENET, ALEXNET])
def test_networks_between_keep_their_contract(network):
    """Without softmax or with a ReLU, the LeNet has as many parameters as the printed one."""
    assert verify(network)


def test_an_amended_network_keeps_its_contract():
    """A SqueezeNet without its last ReLU has as many parameters, and can put out less than 0."""
    (squeezenet,) = [step.network for step in _others() if "with_logits" in step.network.name]
    network = squeezenet.build(num_classes=2).eval()
    with torch.no_grad():
        network.classifier[1].weight.zero_()
        network.classifier[1].bias.copy_(torch.tensor([-1.0, 1.0]))

    assert verify(squeezenet)
    assert network(torch.zeros(1, 3, 64, 64)).tolist() == [[-1.0, 1.0]]


def test_a_step_that_was_stopped_is_the_last(monkeypatch, tmp_path):
    """Ctrl-C ends all of it, with its own exit code; what was done before is on the page."""
    asked = []

    def stopped(step, _options):
        asked.append(step.key)
        right = correct(accuracy=0.8, images=300)
        return _outcome(right, TEXTBOOK) if len(asked) == 1 else 130

    monkeypatch.setattr(chapter, "outcome", stopped)
    kept, written = tmp_path / "kept.json", tmp_path / "page.md"

    options = ["--kept", str(kept), "--page", str(written), "--data", str(tmp_path)]

    assert chapter.main(options) == 130
    assert asked == ["trained/lenet", "logits/lenet"]
    assert list(read(kept).outcomes) == ["trained/lenet"]
    assert "79.1%" in _line(written.read_text("utf-8").split("### alexnet")[0], "| as printed")


def test_a_step_that_fails_leaves_the_others(monkeypatch, tmp_path, capsys):
    """A training that failed is named, with where to look, and the next step is tried."""

    def failing(step, _options):
        right = correct(accuracy=0.8, images=300)
        return 4 if step.key == "trained/lenet" else _outcome(right, step.recipe)

    monkeypatch.setattr(chapter, "outcome", failing)
    options = ["--only", "trained", "--folder", "runs", "--data", str(tmp_path)]
    options += ["--kept", str(tmp_path / "kept.json"), "--page", str(tmp_path / "page.md")]

    assert chapter.main(options) == 4
    assert list(read(tmp_path / "kept.json").outcomes) == ["trained/alexnet"]
    assert "trained/lenet failed: runs/trained-lenet says why" in capsys.readouterr().err


def test_a_step_that_another_process_does_leaves_the_others(monkeypatch, tmp_path, capsys):
    """What is held is named on one line, and the next step is tried."""

    def held(step, _options):
        if step.key == "trained/lenet":
            raise RunError("held by process 1")
        return _outcome(correct(accuracy=0.8, images=300), step.recipe)

    monkeypatch.setattr(chapter, "outcome", held)
    options = ["--only", "trained", "--data", str(tmp_path)]
    options += ["--kept", str(tmp_path / "kept.json"), "--page", str(tmp_path / "page.md")]

    assert chapter.main(options) == 2
    assert list(read(tmp_path / "kept.json").outcomes) == ["trained/alexnet"]
    assert capsys.readouterr().err == "trained/lenet: held by process 1\n"


def test_the_printed_loop_trains_nothing(tmp_path, monkeypatch):
    """An untrained network is validated; nothing else happens, so each seed has one figure."""
    monkeypatch.setattr("bench.data.split._TEXTBOOK_TRAIN", 12)
    monkeypatch.setattr(chapter, "_UNTRAINED_SEEDS", 2)
    draw_folder(tmp_path / chapter._CHAPTER)
    found = chapter.untrained(LENET, tmp_path)

    assert len(found) == 2
    assert all(0 <= right <= 2 for right in found)
