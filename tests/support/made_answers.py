"""Answers whose truth is known: made by a model of images, seeds and chance, for the tests."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import ndtri

from bench.analysis.predictions import Predictions


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """How much images, seeds and both together decide; chance has a deviation of 1.

    An answer is right where difficulty + talent + chance is above 0: a probit model with crossed
    random effects. `own` is the part of an image's difficulty that is one model's alone.
    """

    accuracy: float
    images: float = 1.0
    seeds: float = 0.1
    own: float = 0.0

    def correct(self, generator, models, seeds, images, differences=None):
        """Return (models, S, N) booleans; the accuracies expected differ by `differences`."""
        total = np.sqrt(1 + self.images**2 + self.seeds**2 + self.own**2)
        wanted = self.accuracy + np.zeros(models) + (0 if differences is None else differences)
        draw = generator.standard_normal
        latent = (total * ndtri(wanted))[:, None, None] + self.images * draw((1, 1, images))
        latent = latent + self.own * draw((models, 1, images))
        latent = latent + self.seeds * draw((models, seeds, 1))
        return latent + draw((models, seeds, images), dtype=np.float32) > 0

    @property
    def seed_deviation(self):
        """The deviation of a seed's accuracy, roughly, 0 to 1."""
        total = np.sqrt(1 + self.images**2 + self.seeds**2 + self.own**2)
        density = np.exp(-(ndtri(self.accuracy) ** 2) / 2) / np.sqrt(2 * np.pi)
        return float(density * self.seeds / total)


WORLDS = {
    "even": World(accuracy=0.6, images=1.0, seeds=0.05, own=0.5),
    "hard images": World(accuracy=0.75, images=2.0, seeds=0.2, own=1.0),
    "moody seeds": World(accuracy=0.75, images=1.0, seeds=0.3, own=0.3),
    "chance": World(accuracy=0.9, images=0.3, seeds=0.1, own=0.1),
    "good": World(accuracy=0.9, images=1.0, seeds=0.1, own=0.5),
}


@cache
def _names(images):
    return tuple(f"{place}.jpg" for place in range(images))


def made(correct, *, name="model", classes=2, seeds=None, images=None, folds=1):
    """Return Answers that are right where `correct` (S, N) says, the labels taking turns."""
    count, number = correct.shape
    labels = np.arange(number) % classes
    predicted = np.where(correct, labels, (labels + 1) % classes)  # (S, N)
    probabilities = np.full((count, number, classes), 0.2 / (classes - 1))
    np.put_along_axis(probabilities, predicted[:, :, None], 0.8, axis=2)
    return Predictions(
        model=name,
        seeds=tuple(range(count)) if seeds is None else tuple(seeds),
        images=_names(number) if images is None else images,
        labels=labels,
        probabilities=probabilities,
        folds=folds,
    )
