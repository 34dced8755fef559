"""Verdicts: which of two models is better, if the predictions show it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from typing import Literal

from bench.analysis.letters import rank_groups, without_untested
from bench.analysis.predictions import Predictions, check_same_images
from bench.analysis.stats.paired import (
    LEVEL,
    Difference,
    holm,
    paired_difference,
    seeds_needed,
)
from bench.analysis.stats.power import detectable_difference
from bench.system.display import count_noun, html_text, points_interval, round_points

MANY = 10  # with more models, only verdicts with the best are shown
_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The verdict on two models, the more accurate one first.

    `first` is better if two p are at most 0.05 after Holm's correction over all pairs: the p over
    seeds and images together, whose interval then excludes 0, and the p over seeds only. With fewer
    than `needed` seeds there is no test, and the figures only describe.

    Attributes:
        first: name of the more accurate model.
        second: name of the other model.
        found: difference `first` minus `second`, with its interval, for this pair only.
        p: larger of both p, after the correction.
        pairs: number of compared pairs.
        needed: number of seeds that a verdict needs.
        recipes_differ: whether the two recipes differ; the verdict is on model and recipe together.
        noun: what the test images are: `image` or `drawing`.
        failed: seeds that one of the models lacks, in words.
    """

    first: str
    second: str
    found: Difference
    p: float
    pairs: int
    needed: int
    recipes_differ: bool = False
    noun: str = "image"
    failed: tuple[str, ...] = ()

    def __str__(self) -> str:
        return sentence(self)

    def _repr_html_(self) -> str:
        return f"<div>{html_text(sentence(self))}</div>"

    @property
    def kind(self) -> Literal["better", "level", "descriptive"]:
        """`better`: the first is; `level`: no clear difference; `descriptive`: too few seeds."""
        if self.found.seeds < self.needed:
            return "descriptive"
        return "better" if self.p <= LEVEL else "level"

    @property
    def notes(self) -> tuple[str, ...]:
        """What else the sentence says, each with the sign before it."""
        recipes = ("; their recipes differ",) if self.recipes_differ else ()
        return (*recipes, *(f"; {line}" for line in self.failed))


def verdicts(models: Mapping[str, Predictions]) -> list[Verdict]:
    """Return the verdicts on each pair of `models` with a shared seed, the best model's first.

    All pairs count in the correction, even those that are not shown: choosing the best model means
    comparing all of them.

    Raises:
        IncomparableError: the test images of models differ.
    """
    order = rank_models(models)
    for above, below in pairwise(order):
        check_same_images(models[above], models[below])
    found = {}
    for pair in combinations(order, 2):
        one, other = (models[name] for name in pair)
        if seeds := [seed for seed in one.seeds if seed in other.seeds]:
            both = (one.only(seeds).correct, other.only(seeds).correct)
            found[pair] = paired_difference(*both, clusters=one.clusters)
    corrected = holm([max(each.crossed_p, each.seeds_p) for each in found.values()])
    return [
        _verdict(*pair, p, len(found)) for pair, p in zip(found.items(), corrected, strict=True)
    ]


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
    counts = [each.found.seeds for each in found]
    spread = f"{min(counts)} to " if min(counts) < max(counts) else ""
    notes = dict.fromkeys(note for each in found for note in each.notes)
    return (
        f"{told} between any two of {count_noun(len(order), 'model')}; "
        f"{most.first} and {most.second} differ most: {_interval(most.found)}, "
        f"{spread}{count_noun(max(counts), 'seed')}, {_images(most)}"
        f"{_why(most) if most.kind == 'level' else _needed(most)}{''.join(notes)}"
    )


def _interval(found: Difference) -> str:
    return points_interval(found.difference, found.low, found.high)


def _images(verdict: Verdict) -> str:
    """Return the number of images, as the noun that the data have, and of groups."""
    found = verdict.found
    among = "" if found.groups is None else f" in {count_noun(found.groups, 'group')}"
    return f"{count_noun(found.images, verdict.noun)}{among}"


def _needed(verdict: Verdict) -> str:
    """Return how many seeds a test lacks."""
    among = f" among {verdict.pairs} pairs" if verdict.pairs > 1 else ""
    needed = _WORDS[verdict.needed] if verdict.needed < len(_WORDS) else str(verdict.needed)
    are = "is" if verdict.needed == 1 else "are"
    return f": too few seeds to test, {needed} {are} needed for a verdict{among}"


def sentence(verdict: Verdict) -> str:
    """Return the verdict in plain words."""
    found, first, second = verdict.found, verdict.first, verdict.second
    figures = f"{_interval(found)}, {count_noun(found.seeds, 'seed')}, {_images(verdict)}"
    notes = "".join(verdict.notes)
    if verdict.kind == "better":
        return f"{first} is better than {second}: {figures}{notes}"
    if verdict.kind == "level":
        shown = f"{first} and {second} show no clear difference"
        return f"{shown}: {figures}{_why(verdict)}{notes}"
    return f"{first} and {second}: {figures}{_needed(verdict)}{notes}"


def _verdict(pair: tuple[str, str], found: Difference, p: float, pairs: int) -> Verdict:
    first, second = pair
    if found.difference < 0:  # shared seeds may order the models differently
        first, second = second, first
        found = replace(found, difference=-found.difference, low=-found.high, high=-found.low)
    return Verdict(
        first=first, second=second, found=found, p=p, pairs=pairs, needed=seeds_needed(pairs)
    )


def _why(verdict: Verdict) -> str:
    """Return why the verdict is `level`: what the test lacks, or what it can detect."""
    found = verdict.found
    if found.low > 0:
        if found.seeds_p > LEVEL:
            return "; too few of the seeds agree"
        return f"; not enough for one of {verdict.pairs} pairs"
    least = detectable_difference(found, verdict.pairs)
    if math.isnan(least):
        return ""
    return f"; a difference under {round_points(least)} would not show on so few"
