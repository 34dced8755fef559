from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from bench.analysis.letters import rank_groups, without_untested


def test_letters_agree_with_multcompview():
    """The example of that R package's plot.multcompLetters: A-C and B-C differ, D from nothing."""
    letters = rank_groups(list("ABCD"), [("A", "C"), ("B", "C")])

    assert letters == {"A": "a", "B": "a", "C": "b", "D": "ab"}


@pytest.mark.parametrize(
    ("different", "letters"),
    [
        ([], ["a", "a", "a"]),
        ([("x", "z")], ["a", "ab", "b"]),
        ([("x", "y"), ("x", "z")], ["a", "b", "b"]),
        ([("x", "y"), ("x", "z"), ("z", "y")], ["a", "b", "c"]),
        ([("x", "y")], ["a", "b", "ab"]),
    ],
)
def test_letters_of_three(different, letters):
    """Each pattern that three models can make, the best model's letter first."""
    assert list(rank_groups(["x", "y", "z"], different).values()) == letters


@pytest.mark.parametrize("trial", range(20))
def test_letters_are_right_for_any_pattern(trial):
    """Two models share a letter if and only if nothing tells them apart; no letter is spare."""
    generator = np.random.default_rng(trial)
    models = [f"m{place}" for place in range(7)]
    pairs = [(one, other) for one in models for other in models if one < other]
    different = {pair for pair in pairs if generator.random() < 0.4}
    letters = rank_groups(models, different)
    columns = [{m for m in models if letter in letters[m]} for letter in "".join(letters.values())]

    assert all(
        (pair in different) == (not set(letters[pair[0]]) & set(letters[pair[1]])) for pair in pairs
    )
    assert not any(one < other for one in columns for other in columns)


def _columns(letters):
    """Return the models of each letter or number."""
    found = {}
    for model, told in letters.items():
        for part in told.split(", ") if told[0].isdigit() else told:
            first, _, last = part.partition(" to ")
            numbers = range(int(first), int(last or first) + 1) if first.isdigit() else [first]
            for number in numbers:
                found.setdefault(number, set()).add(model)
    return list(found.values())


def _in_order(group):
    return [model for model in _MODELS if model in group]


_MODELS = [f"m{place}" for place in range(60)]
_PAIRS = list(combinations(_MODELS, 2))


@pytest.mark.parametrize("share", [0.05, 0.3, 0.9])
def test_letters_of_sixty_models_are_few(share):
    """Any pattern of differences ends at once, though all possible groups are millions."""
    generator = np.random.default_rng(3)
    different = {pair for pair in _PAIRS if generator.random() < share}
    columns = _columns(rank_groups(_MODELS, different))
    together = {pair for group in columns for pair in combinations(_in_order(group), 2)}

    assert len(columns) < 150
    assert not different & together
    assert len(together) == len(_PAIRS) - len(different)


def test_sixty_models_in_twenty_sets_of_three_have_few_letters():
    """The worst pattern for a list of all groups: it has 3^20 of them."""
    different = [pair for n in range(0, 60, 3) for pair in combinations(_MODELS[n : n + 3], 2)]

    assert len(_columns(rank_groups(_MODELS, different))) < 40


def test_more_groups_than_letters_have_numbers():
    """Each model of a long ladder is level with its neighbours: `ab` would be one letter or two."""
    models = [f"m{place}" for place in range(40)]
    different = [(a, b) for a, b in combinations(models, 2) if int(b[1:]) - int(a[1:]) > 3]
    letters = rank_groups(models, different)

    assert [letters[name] for name in ("m0", "m1", "m20", "m39")] == [
        "1", "1, 2", "18 to 21", "37"]  # fmt: skip


def test_twenty_six_groups_have_letters():
    """The last is z."""
    models = [f"m{place}" for place in range(26)]

    assert rank_groups(models, list(combinations(models, 2)))["m25"] == "z"


def test_a_model_with_untested_pairs_is_left_out():
    """The one that most pairs lack; of equals, the last."""
    assert without_untested(list("ABC"), [("A", "B"), ("B", "C")]) == ["A", "C"]
    assert without_untested(list("ABC"), [("A", "B")]) == ["A", "C"]
