"""Looks at a growing number of seeds: which pairs are clear, and which models need more seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np
from scipy.special import stdtrit

from bench.analysis.look_sizes import LOOKS
from bench.analysis.predictions import Predictions
from bench.analysis.stats.looks import (
    FIRST,
    LEVEL,
    OPEN,
    SECOND,
    State,
    first_state,
    next_state,
)
from bench.analysis.stats.spread import Spread, fold_factor, half_widths
from bench.analysis.stats.unpaired import UnpairedDifference
from bench.analysis.verdict import Ending, differences, rank_models

_MOST_TIMES = 1024  # more images than so many times are not said to be needed
Pair = tuple[str, str]  # the more accurate model first


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What is known after a look, and which models are trained with more seeds.

    Attributes:
        endings: ending of each pair, whose first model is the more accurate one. `better`: the
            first model is better; `same`: the difference is surely within the tolerance; `images`:
            test images, not seeds, are the limit; `open`: not clear with these seeds. After the
            last look, `open` is the end, too.
        going_on: models that are trained up to the number of seeds of the next look; empty at the
            end.
        more_images: additional test images that would make a pair clear, for the pairs that end
            with `images`, if known.
    """

    endings: Mapping[Pair, Ending]
    going_on: tuple[str, ...]
    more_images: Mapping[Pair, int] = field(default_factory=dict)

    @property
    def beaten(self) -> tuple[str, ...]:
        """The models that another model is better than."""
        found = (pair[1] for pair, ending in self.endings.items() if ending == "better")
        return tuple(dict.fromkeys(found))

    def winner(self, one: str, other: str) -> str | None:
        """Return which of two models is better, or None."""
        pairs = ((one, other), (other, one))
        return next((pair[0] for pair in pairs if self.endings.get(pair) == "better"), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """The looks that a run has taken.

    Attributes:
        number: number of looks whose trials are all finished, from 0.
        seeds: planned seeds, in their order.
        same_within: largest difference, 0 to 1, that counts as the same for practical purposes.
    """

    number: int
    seeds: tuple[int, ...]
    same_within: float

    @property
    def complete(self) -> bool:
        """Whether the trials of all planned seeds are finished."""
        return self.number > 0 and LOOKS[self.number - 1] == len(self.seeds)

    def last(self, answers: Mapping[str, Predictions]) -> Look:
        """Return what is known after the last look; nothing before the first."""
        if not self.number:
            return Look(endings={}, going_on=())
        seeds = self.seeds[: LOOKS[self.number - 1]]
        return look(answers, self.number, self.same_within, seeds)


def look(
    answers: Mapping[str, Predictions],
    number: int,
    same_within: float = 0.02,
    seeds: Sequence[int] | None = None,
) -> Look:
    """Return what is known after look `number`: 1, 2 or 3, with `LOOKS[number - 1]` seeds.

    It depends on nothing else: earlier looks are repeated from the first seeds. So a killed run
    that is resumed ends the same.

    Args:
        answers: predictions by model; one that needs no more seeds keeps its fewer seeds.
        number: number of the look, from 1.
        same_within: largest difference, 0 to 1, that counts as the same for practical purposes.
        seeds: planned seeds in their order, so that failed trials count for their look; by default
            all seeds in `answers`, in ascending order.

    Raises:
        IncomparableError: the test images of models differ.
    """
    models = sorted(answers)
    if len(models) < 2:
        return Look(endings={}, going_on=())
    planned = (
        sorted({s for each in answers.values() for s in each.seeds}) if seeds is None else seeds
    )
    state, known = first_state(1, len(models)), dict[str, Predictions]()
    for place in range(number):
        first = planned[: LOOKS[place]]
        active = (model for model, on in zip(models, state.active[0], strict=True) if on)
        known |= {model: _first(answers[model], first) for model in active}
        found = _by_place(models, differences(known))
        gaps = np.array([[each.difference for each in found]])
        spread = Spread.joined([each.spread for each in found])
        state = next_state(state, gaps, spread, place + 1, same_within)
    return _told(models, known, state, found, same_within)


def least_visible_difference(images: int, folds: int = 1, classes: int = 2) -> float:
    """Return the least difference, 0 to 1, that can show on `images`, with any number of seeds.

    It is for two models that disagree on as few images as their difference allows: one is right
    wherever the other is. Models disagree on more, so that only larger differences show.

    Args:
        images: number of test images, or of groups.
        folds: number of folds: see `fold_factor`.
        classes: number of classes; no difference is larger than that of all right and of chance.
    """
    if images < 2:
        return 1.0
    square = float(stdtrit(images - 1, LEVEL / 2)) ** 2 * fold_factor(folds)
    return min(square / (images + square), 1 - 1 / max(classes, 2))


def _first(answers: Predictions, seeds: Sequence[int]) -> Predictions:
    """Return the predictions of these `seeds`, as far as they succeeded; or of one, if none did."""
    return answers.only([s for s in answers.seeds if s in set(seeds)] or answers.seeds[:1])


def _by_place(
    models: Sequence[str], found: Mapping[Pair, UnpairedDifference]
) -> list[UnpairedDifference]:
    """Return the difference of each pair of `models`, in their order."""
    pairs = combinations(models, 2)
    return [
        found[one, other] if (one, other) in found else found[other, one].turned()
        for one, other in pairs
    ]


def _told(
    models: Sequence[str],
    known: Mapping[str, Predictions],
    state: State,
    found: Sequence[UnpairedDifference],
    same_within: float,
) -> Look:
    active, beaten = (
        {model for model, is_so in zip(models, each[0], strict=True) if is_so}
        for each in (state.active, state.beaten)
    )
    endings, more = dict[Pair, Ending](), dict[Pair, int]()
    for pair, code, each in zip(combinations(models, 2), state.endings[0], found, strict=True):
        behind = code == SECOND or (code != FIRST and each.difference < 0)
        names: Pair = (pair[1], pair[0]) if behind else pair
        endings[names] = _ending(int(code), each)
        if code == OPEN and ({*pair} <= active or {*pair} & beaten):
            endings[names] = "open"
        elif endings[names] == "images" and (needed := _more_images(each, same_within)):
            more[names] = needed
    order = {model: place for place, model in enumerate(rank_models(known))}
    ranked = sorted(endings, key=lambda names: (order[names[0]], order[names[1]]))
    return Look(
        endings={names: endings[names] for names in ranked},
        going_on=tuple(model for model in order if model in active),
        more_images=more,
    )


def _ending(code: int, found: UnpairedDifference) -> Ending:
    if code in (FIRST, SECOND):
        return "better"
    if code != OPEN:
        return "same"
    most, spread = LOOKS[-1], found.spread
    noise = sum(float(part[0]) for part in spread.noise) / most  # more images make it less, too
    by_seeds = float(_with_most_seeds(spread).by_seeds[0]) - noise
    return "images" if found.image_variance + noise > by_seeds else "open"


def _with_most_seeds(spread: Spread) -> Spread:
    most = np.full(len(spread.units), float(LOOKS[-1]))
    return replace(spread, seeds=(most, most))


def _more_images(found: UnpairedDifference, same_within: float) -> int:
    """Return how many more images would make a pair clear with the most seeds; 0 if none would.

    The difference and all variances stay as they are, but for the parts that images make.
    """
    size, images = abs(found.difference), found.images
    for step in range(1, 1 + 10 * round(math.log2(_MOST_TIMES))):
        times = 2 ** (step / 10)
        width = float(half_widths(_on_more_images(found.spread, times), LEVEL)[0])
        if width < size or size + width <= same_within:
            return math.ceil(images * (times - 1))
    return 0


def _on_more_images(spread: Spread, times: float) -> Spread:
    """Return the spread with the most seeds, on so many times the images."""
    noise = (spread.noise[0] / times, spread.noise[1] / times)
    own = zip(spread.between, spread.noise, strict=True)
    first, second = (np.maximum(between - usual, 0) for between, usual in own)
    return replace(
        _with_most_seeds(spread),
        between=(first + noise[0], second + noise[1]),
        noise=noise,
        images=spread.images / times,
        units=spread.units * times,
    )
