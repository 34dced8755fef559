"""Worlds whose truth is known, thousands of experiments at once, for the simulations.

A seed's accuracy is drawn first; then an image is right where ability + difficulty + chance is
above 0. So the accuracy over all images is the seed's, whatever its distribution.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtri

from bench.analysis.stats.spread import Spread

CHUNK = 6_000_000  # predictions at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Trainings:
    """How the accuracies of a model's seeds are distributed, and what images decide.

    Attributes:
        accuracy: mean accuracy of a seed that has not collapsed.
        deviation: standard deviation of seeds, 0 to 1; models take its values in turn.
        tails: degrees of freedom of t; 0 for a normal distribution.
        collapse: probability that a seed falls to chance.
        common: how much images are hard for all models, in deviations of chance.
        own: how much images are hard for one model.
        cluster: number of near-duplicates of each image, the image included.
    """

    accuracy: float = 0.9
    deviation: tuple[float, ...] = (0.01,)
    tails: float = 0.0
    collapse: float = 0.0
    common: float = 1.5
    own: float = 0.5
    cluster: int = 1

    def abilities(self, generator, experiments, models, seeds, gaps):
        """Return accuracies (E, k, S)."""
        shape = (experiments, models, seeds)
        drawn = generator.standard_normal(shape)
        if self.tails:
            chi = generator.chisquare(self.tails, shape) / self.tails
            drawn /= np.sqrt(chi * self.tails / (self.tails - 2))
        spread = np.resize(self.deviation, models)[:, None]
        found = np.clip(self.accuracy + gaps[:, None] + spread * drawn, 0.3, 0.995)
        return np.where(generator.random(shape) < self.collapse, 0.5, found)

    def truth(self, gap):
        """Return the true difference of two models whose accuracies are `gap` apart."""
        return gap * (1 - self.collapse)

    def correct(self, generator, experiments, models, seeds, images, gaps=None):
        """Return what is right (E, k, S, N), of models with these `gaps` (k,)."""
        gaps = np.zeros(models) if gaps is None else np.asarray(gaps)
        able = ndtri(self.abilities(generator, experiments, models, seeds, gaps))
        total = np.sqrt(1 + self.common**2 + self.own**2)

        def draw(*shape):
            found = generator.standard_normal((experiments, *shape), dtype=np.float32)
            return np.repeat(found, self.cluster, axis=-1)

        units = images // self.cluster
        hard = self.common * draw(1, 1, units) + self.own * draw(models, 1, units)
        latent = draw(models, seeds, units)
        latent += hard
        latent += (total * able).astype(np.float32)[..., None]
        return latent > 0


CALM = Trainings()
WORLDS = {
    "calm": CALM,
    "varying": replace(CALM, deviation=(0.03,)),
    "heavy-tailed": replace(CALM, deviation=(0.02,), tails=3.0),
    "unequal": replace(CALM, deviation=(0.005, 0.04)),
    "collapsing": replace(CALM, collapse=0.05),
    "middling": replace(CALM, accuracy=0.75, deviation=(0.02,)),
    "very varying": replace(CALM, accuracy=0.8, deviation=(0.06,)),
    "correlated": replace(CALM, common=4.0, own=2.0),
    "duplicates": replace(CALM, cluster=5),
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moments:
    """What the test needs of E experiments with k models and N images, or units."""

    mean: np.ndarray  # (E, k)
    between: np.ndarray  # (E, k): variance of the accuracies of seeds
    noise: np.ndarray  # (E, k)
    seeds: np.ndarray  # (E, k)
    by_image: np.ndarray  # (E, k, N), less the mean

    def gaps(self, one, other):
        """Return the differences (E, P) of the models at these places (P,)."""
        return self.mean[:, one] - self.mean[:, other]

    def spread(self, one, other, factor=1.0):
        """Return what the differences (E x P,) vary by, as `unpaired_difference` finds it."""
        count = self.by_image.shape[2]
        units = self.by_image @ self.by_image.swapaxes(1, 2) / (count - 1) / count
        noise = (
            self.noise[:, one] / self.seeds[:, one] + self.noise[:, other] / self.seeds[:, other]
        )
        raw = units[:, one, one] + units[:, other, other] - 2 * units[:, one, other]
        images = np.maximum(raw - noise, 0) * factor
        parts = self.between / self.seeds
        images = np.maximum(images, (count + 2.0) ** -2 - parts[:, one] - parts[:, other]).ravel()
        return Spread(
            seeds=_both(self.seeds, one, other),
            between=_both(self.between, one, other),
            noise=_both(self.noise, one, other),
            images=images,
            units=np.full(len(images), float(count)),
        )

    def kept(self, fresh, now):
        """Return these moments, but those of `now` for models (E, k) that are `fresh`."""
        wide = fresh[:, :, None]
        return Moments(
            mean=np.where(fresh, now.mean, self.mean),
            between=np.where(fresh, now.between, self.between),
            noise=np.where(fresh, now.noise, self.noise),
            seeds=np.where(fresh, now.seeds, self.seeds),
            by_image=np.where(wide, now.by_image, self.by_image),
        )


def _both(values, one, other):
    return values[:, one].ravel().astype(float), values[:, other].ravel().astype(float)


def moments(correct, cluster=1):
    """Return the moments of `correct` (E, k, S, N), of which `cluster` images each are a unit."""
    correct = correct[..., ::cluster]  # near-duplicates are right or wrong together
    *_, seeds, images = correct.shape
    by_seed = correct.mean(axis=3, dtype=np.float32).astype(float)  # (E, k, S)
    by_image = correct.mean(axis=2, dtype=np.float32)  # (E, k, N)
    mean = by_seed.mean(axis=2)
    by_image -= mean[..., None].astype(np.float32)
    seed_square = ((by_seed - mean[..., None]) ** 2).sum(axis=2)
    image_square = np.einsum("ekn,ekn->ek", by_image, by_image, dtype=float)
    rest = seeds * images * mean * (1 - mean) - images * seed_square - seeds * image_square
    freedom = max((seeds - 1) * (images - 1), 1)
    return Moments(
        mean=mean,
        between=seed_square / max(seeds - 1, 1),
        noise=np.maximum(rest, 0) / freedom / images * (seeds > 1),
        seeds=np.full(mean.shape, float(seeds)),
        by_image=by_image,
    )


def chunks(experiments, predictions):
    """Return numbers of experiments, together `experiments`, of so many predictions each."""
    size = max(1, CHUNK // predictions)
    return [min(size, experiments - start) for start in range(0, experiments, size)]
