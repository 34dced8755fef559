from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from adastop import MultipleAgentsComparator
from made_answers import WORLDS, made
from made_looks import until_clear
from made_worlds import WORLDS as MADE

from bench.analysis.look_sizes import LOOKS
from bench.analysis.sequential import least_visible_difference, look
from bench.analysis.stats.looks import FIRST, OPEN, SAME, first_state, next_state
from bench.analysis.stats.spread import Spread, half_widths


def _answers(gaps, world="good", seeds=12, images=300, seed=1):
    correct = WORLDS[world].correct(
        np.random.default_rng(seed), len(gaps), seeds, images, np.array(gaps)
    )
    return {f"m{place}": made(each) for place, each in enumerate(correct)}


def _shortened(answers, count):
    return {name: each.only(each.seeds[:count]) for name, each in answers.items()}


def _seen(gaps, deviations, seeds=6.0):
    """Return the state after the second look at pairs with these gaps and deviations of seeds."""
    models = {1: 2, 3: 3}[len(gaps)]
    count, between = np.full(len(gaps), seeds), np.square(deviations)
    spread = Spread(
        seeds=(count, count),
        between=(between, between),
        noise=(between / 10, between / 10),
        images=np.full(len(gaps), 1e-7),
        units=np.full(len(gaps), 300.0),
    )
    return next_state(first_state(1, models), np.array([gaps]), spread, 2, 0.02), spread


@pytest.mark.parametrize(("p", "ending"), [(0.04, OPEN), (0.018, OPEN), (0.015, FIRST)])
def test_a_look_spends_a_third(p, ending):
    """Of 5 %: a p of 0.018 is not enough."""
    _, spread = _seen([0.05], [0.03])
    gap = half_widths(spread, p)[0]

    assert _seen([gap], [0.03])[0].endings[0, 0] == ending


def test_a_beaten_model_is_not_asked_again():
    """The first beats the third, and is the same as the second: nobody needs the third's rank."""
    state, _ = _seen([0.001, 0.1, 0.05], [0.001, 0.001, 0.04])

    assert state.endings.tolist() == [[SAME, FIRST, OPEN]]
    assert state.beaten.tolist() == [[False, False, True]]
    assert not state.active.any()
    assert _seen([0.001, 0.1, 0.05], [0.001, 0.2, 0.04])[0].active.any()


def test_a_clear_winner_ends_at_the_first_look():
    """Thirty points need no fourth seed."""
    found = look(_answers([0, -0.3]), 1)

    assert dict(found.endings) == {("m0", "m1"): "better"}
    assert (found.going_on, found.beaten) == ((), ("m1",))
    assert found.winner("m1", "m0") == "m0"


def test_a_beaten_model_goes_on_no_further():
    """The two good ones do, as long as it is open which is better."""
    found = look(_answers([0.07, 0, -0.3], "moody seeds"), 1)

    assert "m2" in found.beaten
    assert set(found.going_on) == {"m0", "m1"}


def test_later_seeds_change_no_earlier_look():
    """A run that was killed and resumed ends the same; so does one with more seeds than asked."""
    answers = _answers([0.04, 0, -0.1], "moody seeds")

    for number, count in enumerate(LOOKS, start=1):
        assert look(answers, number) == look(_shortened(answers, count), number)


def test_a_model_that_does_not_go_on_keeps_its_seeds():
    """More answers of it than its look asked for change nothing."""
    answers = _answers([0.07, 0, -0.3], "moody seeds")
    kept = answers | {"m2": answers["m2"].only(range(3))}

    assert look(answers, 2) == look(kept, 2)


def test_the_order_of_models_does_not_matter():
    """Nor do their names."""
    answers = _answers([0.04, 0, -0.1], "moody seeds")
    turned = dict(reversed(answers.items()))

    assert look(answers, 3) == look(turned, 3)


def test_nothing_goes_on_after_the_last_look():
    """What is open then is the end."""
    found = look(_answers([0.02, 0], "moody seeds"), 3)

    assert found.going_on == ()
    assert set(found.endings.values()) <= {"open", "images"}


def test_equal_networks_are_the_same_on_many_images():
    """The interval is within two points: that is an ending, too."""
    found = look(_answers([0, 0], "chance", images=6000), 3, 0.03)

    assert set(found.endings.values()) == {"same"}


def test_few_images_are_the_limit_not_seeds():
    """Models that find other images hard differ by luck of 60 images; how many more is said."""
    world = replace(WORLDS["hard images"], seeds=0.0, own=2.0)
    correct = world.correct(np.random.default_rng(2), 2, 3, 60, np.array([0.05, 0]))
    found = look({"a": made(correct[0]), "b": made(correct[1])}, 1)

    assert set(found.endings.values()) == {"images"}
    assert found.going_on == ()
    assert found.more_images["a", "b"] > 60


def test_failed_seeds_count_for_their_look():
    """Of planned seeds 0 to 2, one failed: the fourth belongs to the next look."""
    answers = _answers([0.04, 0], "moody seeds")
    failed = answers | {"m0": answers["m0"].only([0, 2, *range(3, 12)])}
    early = answers | {"m0": answers["m0"].only([0, 2])}

    assert look(failed, 1, seeds=range(12)) == look(early, 1, seeds=range(3))


def test_one_model_has_nothing_to_compare():
    """It ends at once."""
    found = look(_answers([0]), 1)

    assert (found.endings, found.going_on) == ({}, ())


@pytest.mark.parametrize("world", ["calm", "varying", "heavy-tailed", "collapsing"])
def test_equal_models_are_seldom_called_better(world):
    """By any of three looks at three models: 5 %, and three standard errors of 500."""
    found = until_clear(MADE[world], 3, 100, 500, np.random.default_rng(1))

    assert found.false_better < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 500)


@pytest.mark.parametrize(
    ("world", "points", "most", "least"),
    [("calm", 0, 5, 0), ("varying", 0, 5, 0), ("calm", 12, 3.5, 0.99), ("varying", 12, 4.5, 0.95),
     ("calm", 6, 6, 0.9), ("varying", 6, 8, 0.72)],
)  # fmt: skip
def test_seeds_are_spent_where_they_tell(world, points, most, least):
    """Two models on 300 images: seeds a model on average, and how often the better one is told."""
    given = (MADE[world], 2, 300, 500, np.random.default_rng(2), [0, -points / 100])
    found = until_clear(*given)

    assert found.seeds < most + 0.3
    assert found.right >= least


@pytest.mark.parametrize(("images", "points"), [(76, 7.3), (300, 1.9), (1500, 0.4)])
def test_the_least_difference_is_that_of_models_that_disagree_least(images, points):
    """One is right wherever the other is; by t's 98.3 % no smaller one is clear of 0."""
    least = least_visible_difference(images)

    assert least * 100 == pytest.approx(points, abs=0.06)
    assert least_visible_difference(images, 5) > 2 * least
    assert least_visible_difference(1) == 1


def test_no_difference_is_larger_than_from_chance_to_all():
    """Of two classes it is half, of ten nine tenths."""
    assert least_visible_difference(3, 1, 2) == 0.5
    assert 0.5 < least_visible_difference(3, 1, 10) <= 0.9


@pytest.mark.parametrize("gap", [0.0, 0.1, 0.3])
def test_adastop_agrees(gap):
    """Its permutation tests at 3, 6, 9 and 12 seeds; many images, to which it is blind."""
    answers = _answers([0, -gap], images=2000)
    other = MultipleAgentsComparator(n=3, K=4, B=2000, alpha=0.05, seed=1)
    for count in (3, 6, 9, 12):
        seeds = {m: each.correct[:count].mean(axis=1) for m, each in answers.items()}
        other.partial_compare(seeds, verbose=False)
        if all(each != "continue" for each in other.decisions.values()):
            break

    ours = look(answers, 3).endings
    assert [*other.decisions.values()] == (["equal"] if gap == 0 else ["larger"])
    assert [*ours.values()] == (["same"] if gap == 0 else ["better"])
