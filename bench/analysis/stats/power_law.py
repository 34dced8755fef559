"""Power laws of the error: how it falls as training images become more, and how sure that is.

The error with n images is a * n^-b + c, with a and c at least 0.
Source: J. Hestness et al. 2017, arXiv:1712.00409; J. S. Rosenfeld et al. 2020, arXiv:1909.12673
(such laws for the error of networks by the size of their training set).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from bench.analysis.stats.clusters import Clusters, linearized
from bench.analysis.stats.spread import PRIOR, fold_factor
from bench.analysis.stats.variance_components import Values, estimate_mean

Numbers = NDArray[np.float64]
LEAST_SIZES = 4  # of a law with three parameters, so that it can also fail to fit
_PRIOR_FREEDOM = 4  # degrees of freedom that the usual spread of seeds counts for
_EXPONENTS = np.geomspace(0.02, 2.0, 60)
_NORMAL = float(ndtri(0.975))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ErrorCurves:
    """The errors (M, K) of M models with K sizes, and their covariance (M x K, M x K)."""

    errors: Numbers
    covariance: Numbers

    def of(self, model: int) -> Numbers:
        """Return the covariance (K, K) of one model's errors."""
        count = self.errors.shape[1]
        part = slice(model * count, (model + 1) * count)
        return self.covariance[part, part]

    def drawn(self, draws: int) -> Numbers:
        """Return errors (draws, M, K) as other seeds and other images would give."""
        generator = np.random.default_rng(0)
        values, vectors = np.linalg.eigh(self.covariance)
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        normal = generator.standard_normal((draws, len(values)))
        found = self.errors.ravel() + normal @ root.T
        return np.asarray(found.reshape(draws, *self.errors.shape))


def error_curves(
    correct: Sequence[Sequence[Values]], clusters: Clusters | None = None, folds: int = 1
) -> ErrorCurves:
    """Return the error curves of models, from right answers (S, N) by model and size.

    All answer the same images, so their errors vary together over other images. Over other seeds
    each varies alone: by the deviation that a model's seeds show, pooled over sizes with the usual
    two points, and widened as t does. With `clusters`, groups of images count.
    """
    means, seeds = list[Numbers](), list[float]()
    for sizes in correct:
        found = [estimate_mean(each, clusters) for each in sizes]
        freedom = sum(each.seeds - 1 for each in found)
        squares = sum((each.seeds - 1) * each.components.seeds for each in found)
        total = freedom + _PRIOR_FREEDOM
        pooled = (squares + _PRIOR_FREEDOM * PRIOR**2) / total
        pooled *= (float(stdtrit(total, 0.975)) / _NORMAL) ** 2
        seeds += [pooled / each.seeds for each in found]
        for each in sizes:
            by_unit = each if clusters is None else linearized(each, clusters)
            means.append(by_unit.mean(axis=0))
    wrong = 1 - np.stack(means)  # (M x K, N)
    units = wrong.shape[1]
    images = np.atleast_2d(np.cov(wrong)) * fold_factor(folds) / units
    least = (units + 2.0) ** -2
    errors = np.array([[1 - float(each.mean()) for each in sizes] for sizes in correct])
    return ErrorCurves(errors=errors, covariance=images + np.diag(np.array(seeds) + least))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PowerLaws:
    """Power laws that were fitted to D draws of errors: arrays (D,).

    Attributes:
        scale: the part of the error that falls, with the largest size.
        exponent: how fast it falls.
        limit: the error that no number of images goes below.
        misfit: sum of the squared residuals, in units of their variance.
        largest: the largest size.
    """

    scale: Numbers
    exponent: Numbers
    limit: Numbers
    misfit: Numbers
    largest: int

    def errors(self, sizes: Numbers) -> Numbers:
        """Return the errors (D, X) with `sizes` (X,)."""
        ratio = sizes[None] / self.largest
        return np.asarray(
            self.scale[:, None] * ratio ** -self.exponent[:, None] + self.limit[:, None]
        )


def fit_power_laws(sizes: Sequence[int], errors: Numbers, covariance: Numbers) -> PowerLaws:
    """Return the power law of each row of `errors` (D, K) with `sizes` (K,).

    For each exponent of a grid, scale and limit are those of least squares, given the covariance
    (K, K) of errors; the best exponent is taken.
    """
    ratios = np.array(sizes, dtype=np.float64) / max(sizes)
    values, vectors = np.linalg.eigh(covariance)
    whiten = (vectors / np.sqrt(np.maximum(values, values[-1] * 1e-9))).T  # (K, K)
    wanted = errors @ whiten.T  # (D, K)
    one = whiten @ np.ones(len(sizes))
    best = np.full((4, len(errors)), np.inf)
    for exponent in _EXPONENTS:
        scale, limit = _two_parts(whiten @ ratios**-exponent, one, wanted)
        rest = wanted - scale[:, None] * (whiten @ ratios**-exponent) - limit[:, None] * one
        misfit = (rest**2).sum(axis=1)
        found = np.stack([scale, np.full_like(scale, exponent), limit, misfit])
        best = np.where(misfit < best[3], found, best)
    scale, exponents, limit, misfit = best
    return PowerLaws(
        scale=scale, exponent=exponents, limit=limit, misfit=misfit, largest=max(sizes)
    )


def _two_parts(one: Numbers, other: Numbers, wanted: Numbers) -> tuple[Numbers, Numbers]:
    """Return how much of `one` and `other` (K,) make `wanted` (D, K) best, neither below 0."""
    aa, ab, bb = one @ one, one @ other, other @ other
    ay, by = wanted @ one, wanted @ other
    ground = aa * bb - ab**2
    first = (bb * ay - ab * by) / ground
    second = (aa * by - ab * ay) / ground
    alone_first, alone_second = np.maximum(ay / aa, 0.0), np.maximum(by / bb, 0.0)
    gain_first = alone_first * ay  # by how much each alone lowers the sum of squares
    gain_second = alone_second * by
    inside = (first >= 0) & (second >= 0)
    keeps_first = gain_first >= gain_second
    return (
        np.where(inside, first, np.where(keeps_first, alone_first, 0.0)),
        np.where(inside, second, np.where(keeps_first, 0.0, alone_second)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Slope:
    """The fall of the error for each doubling of the size, and its 95 % interval."""

    fall: float
    low: float
    high: float


def slope_of(sizes: Sequence[int], errors: Numbers, covariance: Numbers) -> Slope:
    """Return the mean fall of `errors` (K,) for each doubling of `sizes` (K,)."""
    doublings = np.log2(np.array(sizes, dtype=np.float64))
    weights = -(doublings - doublings.mean()) / ((doublings - doublings.mean()) ** 2).sum()
    fall = float(weights @ errors)
    half = _NORMAL * float(np.sqrt(weights @ covariance @ weights))
    return Slope(fall=fall, low=fall - half, high=fall + half)
