"""Tests for two models on the same images and seeds, and the correction for many such pairs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import bdtr

from bench.analysis.stats.clusters import Clusters, cluster_sums, flipped_units_p
from bench.analysis.stats.variance_components import Components, MeanEstimate, Values, estimate_mean

LEVEL = 0.05  # accepted probability of a false verdict in a whole comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The accuracy of one model minus another's, -1 to 1, with its interval and p.

    Attributes:
        difference: mean difference.
        low, high: bounds of the difference over other seeds and images; for one seed, over images.
        seeds: number of seeds.
        images: number of images.
        crossed_p: probability of an interval this far from 0 without a true difference.
        seeds_p: share of ways to swap the models in seeds that give at least this difference.
        mcnemar: exact p of McNemar's test for each seed, for description; of `flipped_units_p`
            with groups.
        discordance: share of predictions that are correct for exactly one model.
        components: variance components of the difference for one image (or group) and seed.
        groups: number of groups of images, which count instead of images; None without groups.
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
    groups: int | None = None


def paired_difference(
    first: Values, second: Values, confidence: float = 0.95, clusters: Clusters | None = None
) -> Difference:
    """Return the difference in accuracy of `first` and `second`, with an interval.

    Both hold correct predictions (S, N), with the same seeds and images in the same order. With
    `clusters` the interval covers other groups, not only other images.
    Source for groups: N. A. Obuchowski 1998, Stat. Med. 17, 1495-1507.
    """
    gains = first.astype(np.int64) - second.astype(np.int64)
    least = _least_variance(gains, clusters)
    found = _with_least_variance(estimate_mean(gains, clusters), least)
    width = found.half_width(confidence)
    return Difference(
        difference=found.mean,
        low=max(-1.0, found.mean - width),
        high=min(1.0, found.mean + width),
        seeds=found.seeds,
        images=found.images,
        crossed_p=found.p_value(),
        seeds_p=sign_flip_p(gains.sum(axis=1).tolist()),
        mcnemar=_by_seed_p(gains, clusters),
        discordance=float((gains != 0).mean()),
        components=found.components,
        groups=found.groups,
    )


def sign_flip_p(gains: Sequence[int]) -> float:
    """Return the two-sided p of the sum of `gains`, if each sign were equally likely.

    A gain is the number of additional correct images of one model with a seed. The p is exact for
    any number of seeds: it counts the ways to reach each sum, without listing all 2^S ways.
    Source: R. A. Fisher 1935, The Design of Experiments, 21; M. Pagano, D. Tritchler 1983,
    J. Am. Stat. Assoc. 78, 435-440 (the counting).
    """
    chances = np.ones(1)  # of the sums -total, -total + 2, ..., total
    for gain in map(abs, gains):
        chances = (np.pad(chances, (gain, 0)) + np.pad(chances, (0, gain))) / 2
    sums = 2 * np.arange(len(chances)) - (len(chances) - 1)
    return float(chances[np.abs(sums) >= abs(sum(gains))].sum())


def mcnemar_p(only_first: int, only_second: int) -> float:
    """Return the exact two-sided p, given the images that only one of two models got right.

    Source: Q. McNemar 1947, Psychometrika 12, 153-157; exact by the binomial distribution.
    """
    discordant = only_first + only_second
    return min(1.0, 2 * float(bdtr(min(only_first, only_second), discordant, 0.5)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return each p, corrected so that all p up to 0.05 hold together with 95 % confidence.

    Source: S. Holm 1979, Scand. J. Statist. 6, 65-70.
    """
    order = np.argsort(p_values, kind="stable")
    raised = np.asarray(p_values)[order] * np.arange(len(order), 0, -1)
    adjusted = np.empty(len(order))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(raised))
    return [float(p) for p in adjusted]


def seeds_needed(pairs: int = 1) -> int:
    """Return the smallest number of seeds with which a sign-flip p can pass Holm's first step.

    The smallest p is 2 of 2^S ways: six seeds for one pair, seven for three, nine for ten.
    """
    return 1 + math.ceil(math.log2(pairs / LEVEL))


def _least_variance(gains: Values, clusters: Clusters | None) -> float:
    """Return the variance of models that agree on every image.

    Otherwise identical predictions would give an interval of width 0. With groups, it is that of
    the largest gain in a group instead of one image; without any gain, of a group of mean size.
    Source: A. Agresti, Y. Min 2005, Stat. Med. 24, 729-740: half an image added to each cell.
    """
    images = gains.shape[1]
    if clusters is None:
        return float((images + 2) ** -2)
    by_group = np.abs(cluster_sums(gains, clusters)).mean(axis=0)  # (G,)
    largest = float(by_group.max()) or images / len(by_group)
    return float((largest / (images + 2 * largest)) ** 2)


def _with_least_variance(found: MeanEstimate, least: float) -> MeanEstimate:
    if found.seed_part + found.image_part >= least:
        return found
    return replace(found, image_part=least - found.seed_part)


def _by_seed_p(gains: Values, clusters: Clusters | None) -> tuple[float, ...]:
    """Return the exact p of each seed alone."""
    if clusters is None:
        return tuple(mcnemar_p(int((row > 0).sum()), int((row < 0).sum())) for row in gains)
    return tuple(flipped_units_p(row.astype(int).tolist()) for row in cluster_sums(gains, clusters))
