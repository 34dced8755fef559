"""Two models on the same images with the same seeds; many such pairs; two unpaired samples."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count, product
from string import ascii_lowercase

import numpy as np
from scipy.special import bdtr

from bench.analysis.stats.variance_components import Components, MeanEstimate, Values, estimate_mean

LEVEL = 0.05  # false verdicts that are put up with, in a whole comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The accuracy of one model less another's, -1 to 1, and how sure it is.

    Attributes:
        low, high: bounds of it over other seeds and other images; for one seed, over other images.
        crossed_p: how often an interval as far from 0 is met where there is no difference.
        seeds_p: the share of ways to swap the models' names in seeds that differ at least as much.
        mcnemar: exact p of each seed's images, for description.
        discordance: the share of answers that one model has right and the other wrong.
        components: of an image's difference with one seed.
    """

    difference: float
    low: float
    high: float
    seeds: int
    images: int
    crossed_p: float
    seeds_p: float
    mcnemar: tuple[float, ...]
    discordance: float
    components: Components


def paired_difference(first: Values, second: Values, confidence: float = 0.95) -> Difference:
    """Return how much more accurate `first` is than `second`, and an interval of this confidence.

    Both say what was right (S, N), with the same seeds and the same images in the same order.
    """
    gains = first.astype(np.int64) - second.astype(np.int64)
    found = _with_least_variance(estimate_mean(gains))
    width = found.half_width(confidence)
    return Difference(
        difference=found.mean,
        low=max(-1.0, found.mean - width),
        high=min(1.0, found.mean + width),
        seeds=found.seeds,
        images=found.images,
        crossed_p=found.p_value(),
        seeds_p=sign_flip_p(gains.sum(axis=1).tolist()),
        mcnemar=tuple(mcnemar_p(int((row > 0).sum()), int((row < 0).sum())) for row in gains),
        discordance=float((gains != 0).mean()),
        components=found.components,
    )


def sign_flip_p(gains: Sequence[int]) -> float:
    """Return the two-sided p of the sum of `gains`, were each as likely to have the other sign.

    A gain is how many more images one model had right with a seed. Exact for any number of seeds:
    it counts the ways to each sum, not each of the 2^S ways.
    Source: R. A. Fisher 1935, The Design of Experiments, 21; M. Pagano, D. Tritchler 1983,
    J. Am. Stat. Assoc. 78, 435-440 (the counting).
    """
    chances = np.ones(1)  # of the sums -total, -total + 2, ..., total
    for gain in map(abs, gains):
        chances = (np.pad(chances, (gain, 0)) + np.pad(chances, (0, gain))) / 2
    sums = 2 * np.arange(len(chances)) - (len(chances) - 1)
    return float(chances[np.abs(sums) >= abs(sum(gains))].sum())


def mcnemar_p(only_first: int, only_second: int) -> float:
    """Return the exact two-sided p, given the images that only one of two models had right.

    Source: Q. McNemar 1947, Psychometrika 12, 153-157; exact by the binomial distribution.
    """
    discordant = only_first + only_second
    return min(1.0, 2 * float(bdtr(min(only_first, only_second), discordant, 0.5)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return each p so that all those up to 0.05 hold together with 95 % confidence.

    Source: S. Holm 1979, Scand. J. Statist. 6, 65-70.
    """
    order = np.argsort(p_values, kind="stable")
    raised = np.asarray(p_values)[order] * np.arange(len(order), 0, -1)
    adjusted = np.empty(len(order))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(raised))
    return [float(p) for p in adjusted]


def seeds_needed(pairs: int = 1) -> int:
    """Return with how many seeds at least a sign-flip p can pass, Holm's first step of `pairs`.

    Its smallest value is 2 of 2^S ways: six seeds for one pair, seven for three, nine for ten.
    """
    return 1 + math.ceil(math.log2(pairs / LEVEL))


def rank_groups(models: Sequence[str], different: Collection[tuple[str, str]]) -> dict[str, str]:
    """Return letters for `models`, the best first: two share one unless they are `different`.

    Source: H.-P. Piepho 2004, J. Comput. Graph. Stat. 13, 456-466 (insert and absorb).
    """
    groups = [frozenset(models)]
    for one, other in different:
        split = [
            part
            for group in groups
            for part in ((group - {one}, group - {other}) if {one, other} <= group else (group,))
        ]
        once = list(dict.fromkeys(split))
        groups = [group for group in once if not any(group < other for other in once)]
    groups.sort(key=lambda group: [model not in group for model in models])
    lettered = list(zip(_letters(), groups, strict=False))
    return {m: "".join(letter for letter, group in lettered if m in group) for m in models}


def rank_sum_p(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the two-sided p that numbers so far apart come of one distribution.

    Exact for up to eight numbers without ties, else by the normal approximation.
    Source: H. B. Mann, D. R. Whitney 1947, Ann. Math. Statist. 18, 50-60.
    """
    from scipy.stats import mannwhitneyu  # a second or two, which only a comparison of runs needs

    return float(mannwhitneyu(first, second).pvalue)


def least_rank_sum_p(first: int, second: int) -> float:
    """Return the smallest p that so many numbers can have: 2 of all ways to deal them."""
    return min(1.0, 2 / math.comb(first + second, first))


def _with_least_variance(found: MeanEstimate) -> MeanEstimate:
    """Return `found` with at least the variance that is left where no image told the models apart.

    Else two equal columns would be known to differ by nothing at all.
    Source: A. Agresti, Y. Min 2005, Stat. Med. 24, 729-740: half an image added to each cell.
    """
    least = (found.images + 2) ** -2
    if found.seed_part + found.image_part >= least:
        return found
    return replace(found, image_part=least - found.seed_part)


def _letters() -> Iterator[str]:
    for length in count(1):
        for letters in product(ascii_lowercase, repeat=length):
            yield "".join(letters)
