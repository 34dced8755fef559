"""Groups of images that belong together, such as frames of one video: the independent units.

Images of one group tend to be right or wrong together. So G groups say less than N images, and
intervals and tests count groups. An image without a group is a unit of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

Clusters = NDArray[np.int64]  # (N,): the number of each image's unit, 0 to G - 1


def clusters_of(groups: Sequence[str | None] | None) -> Clusters | None:
    """Return the unit of each image, given its group; None if every image is its own unit."""
    if groups is None or not any(group is not None for group in groups):
        return None
    units: dict[str | int, int] = {}
    keys = (place if group is None else group for place, group in enumerate(groups))
    found = np.array([units.setdefault(key, len(units)) for key in keys], dtype=np.int64)
    return found if len(units) < len(groups) else None


def join_clusters(one: Clusters | None, other: Clusters | None) -> Clusters | None:
    """Return units whose images belong together by `one` or by `other`."""
    if one is None or other is None:
        return other if one is None else one
    joined = one.copy()
    while True:  # each round gives a unit the smallest number of a unit that it touches
        before = joined.copy()
        for units in (other, one):
            least = np.full(units.max() + 1, len(units), dtype=np.int64)
            np.minimum.at(least, units, joined)
            joined = least[units]
        if np.array_equal(joined, before):
            return np.asarray(np.unique(joined, return_inverse=True)[1], dtype=np.int64)


def cluster_sums(values: NDArray[Any], clusters: Clusters) -> NDArray[np.float64]:
    """Return the sum of `values` (S, N) over the images of each unit: (S, G)."""
    units = int(clusters.max()) + 1
    return np.stack([np.bincount(clusters, weights=row, minlength=units) for row in values])


def linearized(values: NDArray[Any], clusters: Clusters) -> NDArray[np.float64]:
    """Return one value for each unit, (S, G), whose mean is that of `values` (S, N).

    A unit's value is the mean of its seed, plus G / N times the sum of its images' deviations. The
    variance of these G values over G is the linearised variance of a mean over groups of any size.
    Source: W. G. Cochran 1977, Sampling Techniques, 3rd ed., 9A; J. N. K. Rao, A. J. Scott 1992,
    Biometrics 48, 577-585.
    """
    means = values.mean(axis=1, keepdims=True)  # (S, 1)
    sums = cluster_sums(values - means, clusters)
    return np.asarray(means + sums.shape[1] / values.shape[1] * sums)


def flipped_units_p(gains: Sequence[int]) -> float:
    """Return the two-sided p of the sum of `gains`, if the sign of each unit were equally likely.

    A gain is the number of additional correct images of one model in a unit. For units of one image
    it is McNemar's exact p. It is exact for any number of units: it counts the ways to reach each
    sum.
    Source: M. Eliasziw, A. Donner 1991, Stat. Med. 10, 1981-1991 (groups in McNemar's test);
    A. M. Winkler et al. 2015, NeuroImage 123, 253-268 (signs flipped by whole groups).
    """
    chances = np.ones(1)  # of the sums -total, -total + 2, ..., total
    sizes, counts = np.unique(np.abs(np.asarray(gains, dtype=np.int64)), return_counts=True)
    for size, count in zip(sizes.tolist(), counts.tolist(), strict=True):
        if size:
            steps = np.zeros(size * count + 1)
            steps[::size] = _coin_chances(count)
            chances = np.convolve(chances, steps)
    sums = 2 * np.arange(len(chances)) - (len(chances) - 1)
    return min(1.0, float(chances[np.abs(sums) >= abs(sum(gains))].sum()))


def _coin_chances(coins: int) -> NDArray[np.float64]:
    """Return the probability of 0, 1, ... `coins` heads."""
    heads = np.arange(coins + 1)
    ways = gammaln(coins + 1) - gammaln(heads + 1) - gammaln(coins - heads + 1)
    return np.asarray(np.exp(ways - coins * np.log(2.0)))
