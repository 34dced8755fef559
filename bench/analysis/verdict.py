"""Verdicts: which of two models is better, if the predictions show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from typing import Literal

from bench.analysis.letters import rank_groups, without_untested
from bench.analysis.predictions import Predictions, check_same_images
from bench.analysis.stats import looks
from bench.analysis.stats.paired import LEVEL, holm
from bench.analysis.stats.unpaired import UnpairedDifference, all_differences
from bench.system.display import count_noun, html_text, points, points_interval, round_points

MANY = 10  # with more models, only verdicts with the best are shown
_HOPELESS = 0.5  # a difference that hardly any two models have
SEEDS = 2  # fewer say nothing about other seeds
Ending = Literal["better", "same", "images", "open"]  # of a pair, after a look
_NEEDED = ": one seed tells of these networks only; the interval leaves other seeds out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The verdict on two models, the more accurate one first.

    `first` is better if the p over seeds and images together is at most 0.05 after Holm's
    correction over all pairs; the interval then excludes 0. With one seed of a model there is no
    test: the figures describe these networks, on other images.

    Attributes:
        first: name of the more accurate model.
        second: name of the other model.
        found: difference `first` minus `second`, with its interval, for this pair only.
        p: p of `found`, after the correction.
        pairs: number of compared pairs.
        recipes_differ: whether the two recipes differ; the verdict is on model and recipe together.
        noun: what the test images are: `image` or `drawing`.
        failed: seeds that one of the models lacks, in words.
        ending: how the looks of a run that adds seeds until it is clear have ended; else None.
    """

    first: str
    second: str
    found: UnpairedDifference
    p: float
    pairs: int
    recipes_differ: bool = False
    noun: str = "image"
    failed: tuple[str, ...] = ()
    ending: Ending | None = None

    def __str__(self) -> str:
        return sentence(self)

    def _repr_html_(self) -> str:
        return f"<div>{html_text(sentence(self))}</div>"

    @property
    def kind(self) -> Literal["better", "same", "level", "descriptive"]:
        """`better`: the first is; `level`: no clear difference; `descriptive`: one seed, no test.

        `same`: the looks have found no difference that matters.
        """
        if self.ending is not None:
            return self.ending if self.ending in ("better", "same") else "level"
        if self.found.seeds < SEEDS:
            return "descriptive"
        return "better" if self.p <= LEVEL else "level"

    @property
    def bounds(self) -> tuple[float, float]:
        """The interval of the difference: of 95 %, or that by which a look judges."""
        if self.ending is None:
            return self.found.low, self.found.high
        return self.found.bounds(looks.LEVEL, looks.ESTIMATED_FROM)

    @property
    def figures(self) -> str:
        """The difference and its `bounds`, in points."""
        level = LEVEL if self.ending is None else looks.LEVEL
        return points_interval(self.found.difference, *self.bounds, level)

    @property
    def notes(self) -> tuple[str, ...]:
        """What else the sentence says, each with the sign before it."""
        recipes = ("; their recipes differ",) if self.recipes_differ else ()
        return (*recipes, *(f"; {line}" for line in self.failed))


def verdicts(models: Mapping[str, Predictions]) -> list[Verdict]:
    """Return the verdicts on each pair of `models`, the best model's first.

    All pairs count in the correction, even those that are not shown: choosing the best model means
    comparing all of them. The models need no shared seeds.

    Raises:
        IncomparableError: the test images of models differ.
    """
    pairs = differences(models)
    corrected = holm([each.p for each in pairs.values()])
    return [
        Verdict(first=first, second=second, found=found, p=p, pairs=len(pairs))
        for ((first, second), found), p in zip(pairs.items(), corrected, strict=True)
    ]


def differences(models: Mapping[str, Predictions]) -> dict[tuple[str, str], UnpairedDifference]:
    """Return the difference of each pair of `models`, the more accurate one first.

    Raises:
        IncomparableError: the test images of models differ.
    """
    order = rank_models(models)
    for above, below in pairwise(order):
        check_same_images(models[above], models[below])
    if len(order) < 2:
        return {}
    correct = [models[name].correct for name in order]
    best, places = models[order[0]], list(combinations(range(len(order)), 2))
    found = all_differences(correct, places, best.clusters, best.folds)
    return dict(zip(combinations(order, 2), found, strict=True))


def rank_models(models: Mapping[str, Predictions]) -> list[str]:
    """Return the names of the models, the most accurate first."""
    return sorted(models, key=lambda name: -float(models[name].correct.mean()))


def most_relevant(order: Sequence[str], found: Sequence[Verdict]) -> list[Verdict]:
    """Return the verdicts to show: all, or with many models those with the first of `order`."""
    if len(order) <= MANY:
        return list(found)
    return [each for each in found if order[0] in (each.first, each.second)]


def groups(models: Mapping[str, Predictions], found: Sequence[Verdict]) -> dict[str, str]:
    """Return letters by model; models that share one show no clear difference."""
    return grouped(rank_models(models), found)


def grouped(order: Sequence[str], found: Sequence[Verdict]) -> dict[str, str]:
    """Return letters for the models of `order` among which each pair was tested.

    A model with an untested pair has none: sharing a letter says no clear difference, and having
    none in common says a difference.
    """
    tested = {frozenset((v.first, v.second)) for v in found if v.kind != "descriptive"}
    untested = [pair for pair in combinations(order, 2) if frozenset(pair) not in tested]
    lettered = without_untested(order, untested)
    if len(lettered) < 2:
        return {}
    different = [(each.first, each.second) for each in found if each.kind == "better"]
    return rank_groups(lettered, [pair for pair in different if {*pair} <= {*lettered}])


def lines(order: Sequence[str], found: Sequence[Verdict]) -> list[tuple[str, str]]:
    """Return kinds and sentences to show: one for all pairs if no pair is better or worse."""
    kinds = {each.kind for each in found}
    if len(found) > 1 and kinds <= {"level"}:
        return [("level", _overall(order, found, "no clear difference"))]
    if len(found) > 1 and kinds <= {"descriptive"}:
        return [("descriptive", _overall(order, found, "no verdict"))]
    told, said = list[tuple[str, str]](), set[str]()
    for each in most_relevant(order, found):  # failed seeds of a model are told once
        new = replace(each, failed=tuple(line for line in each.failed if line not in said))
        told.append((each.kind, sentence(new)))
        said |= {*each.failed}
    return told


def _overall(order: Sequence[str], found: Sequence[Verdict], told: str) -> str:
    """Return what all pairs have in common, the largest difference, and why it is not clear."""
    most = max(found, key=lambda each: each.found.difference)
    counts = [count for each in found for count in each.found.seeds_of_both]
    spread = f"{min(counts)} to " if min(counts) < max(counts) else ""
    notes = dict.fromkeys(note for each in found for note in each.notes)
    return (
        f"{told} between any two of {count_noun(len(order), 'model')}; "
        f"{most.first} and {most.second} differ most: {most.figures}, "
        f"{spread}{count_noun(max(counts), 'seed')}, {_images(most)}"
        f"{_why(most) if most.kind == 'level' else _NEEDED}{''.join(notes)}"
    )


def _seeds(found: UnpairedDifference) -> str:
    """Return the numbers of seeds: one where both models have as many."""
    one, other = found.seeds_of_both
    return count_noun(one, "seed") if one == other else f"{one} and {count_noun(other, 'seed')}"


def _images(verdict: Verdict) -> str:
    """Return the number of images, as the noun that the data have, and of groups."""
    found = verdict.found
    among = "" if found.groups is None else f" in {count_noun(found.groups, 'group')}"
    return f"{count_noun(found.images, verdict.noun)}{among}"


def sentence(verdict: Verdict) -> str:
    """Return the verdict in plain words."""
    found, first, second = verdict.found, verdict.first, verdict.second
    figures = f"{verdict.figures}, {_seeds(found)}, {_images(verdict)}"
    notes = "".join(verdict.notes)
    if verdict.kind == "better":
        return f"{first} is better than {second}: {figures}{notes}"
    if verdict.kind == "same":
        return f"{first} and {second} are the same for practical purposes: {figures}{notes}"
    if verdict.kind == "level":
        shown = f"{first} and {second} show no clear difference"
        return f"{shown}: {figures}{_why(verdict)}{notes}"
    return f"{first} and {second}: {figures}{_NEEDED}{notes}"


def _why(verdict: Verdict) -> str:
    """Return why the verdict is `level`: what the test lacks, or what it can detect."""
    if verdict.ending == "images":
        return "; test images, not seeds, are the limit"
    if verdict.bounds[0] > 0 and verdict.ending is not None:
        return "; not enough for one of three looks"
    if verdict.bounds[0] > 0:
        low, high = map(points, verdict.found.bounds(LEVEL / verdict.pairs))
        return (
            f"; not clear among {verdict.pairs} pairs, some of which differ by chance: "
            f"{low} to {high} for all at once"
        )
    least = verdict.found.detectable(verdict.pairs)
    if least >= _HOPELESS:
        return f"; even {round_points(_HOPELESS)} would not show on so few"
    return f"; a difference under {round_points(least)} would not show on so few"
