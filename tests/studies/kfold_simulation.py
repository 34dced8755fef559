"""How often intervals and verdicts over folds are right: real trainings, whose truth is known.

`make simulations` runs it after the others. A linear classifier is trained on images that are draws
of two normal distributions, from weights that a seed gives, so that its accuracy is a formula.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
from made_answers import made
from scipy.special import ndtr

from bench.analysis.stats.interval import accuracy_interval
from bench.analysis.verdict import verdicts

FEATURES = 20  # of each model
TRAINED = 0.7 / 0.85  # of the images that do not test; the others validate


@dataclass(frozen=True, slots=True, kw_only=True)
class Learning:
    """How clear the classes are, and how much the weights that a seed gives are held to."""

    distance: float = 1.0
    ridge: float = 30.0
    seeds: float = 0.05

    def draw(self, generator, images):
        """Return pixels (N, 2 x FEATURES), of which each of two models sees half, and labels."""
        labels = np.tile([1.0, -1.0], images // 2)
        noise = generator.standard_normal((images, 2 * FEATURES))
        return labels[:, None] * self.mean + noise, labels

    @property
    def mean(self):
        """The middle of a class (2 x FEATURES): each model has the same chance."""
        return np.full(2 * FEATURES, self.distance / np.sqrt(FEATURES))

    def trained(self, pixels, labels, starts):
        """Return the weights (F, S) of networks that began with `starts` (F, S)."""
        gram = pixels.T @ pixels + self.ridge * np.eye(pixels.shape[1])
        return np.linalg.solve(gram, (pixels.T @ labels)[:, None] + self.ridge * starts)


def experiment(learning, seeds, images, folds, generator):
    """Return of each of two models what was right (S, N), and the accuracy of its networks.

    Of `folds` 1, the images are split once, and 15 of 100 test.
    """
    pixels, labels = learning.draw(generator, images)
    starts = learning.seeds * generator.standard_normal((2 * FEATURES, seeds))
    size = round(0.15 * images) if folds == 1 else images // folds
    right = [np.zeros((seeds, size * folds), bool) for _ in range(2)]
    true = [[], []]
    for fold in range(folds):
        place = slice(fold * size, (fold + 1) * size)
        rest = np.setdiff1d(np.arange(images), np.arange(images)[place])
        rest = generator.permutation(rest)[: round(TRAINED * len(rest))]
        for model in range(2):
            seen = slice(model * FEATURES, (model + 1) * FEATURES)
            weights = learning.trained(pixels[rest, seen], labels[rest], starts[seen])
            right[model][:, place] = ((pixels[place, seen] @ weights).T * labels[place]) > 0
            clear = learning.mean[seen] @ weights / np.linalg.norm(weights, axis=0)
            true[model].append(ndtr(clear))
    return right, [float(np.mean(each)) for each in true]


def measured(learning, seeds, images, folds, experiments, generator):
    """Return how often an interval holds the accuracy of these networks, and of such networks.

    And how often of two models, equally good on average, one is called better.
    """
    found = [experiment(learning, seeds, images, folds, generator) for _ in range(experiments)]
    average = np.mean([true for _, true in found])
    intervals = [accuracy_interval(right[0]) for right, _ in found]
    truths = [true[0] for _, true in found]
    these = [low <= true <= high for (low, high), true in zip(intervals, truths, strict=True)]
    such = [low <= average <= high for low, high in intervals]
    better = [
        any(
            each.kind == "better"
            for each in verdicts({"a": made(one, folds=folds), "b": made(other, folds=folds)})
        )
        for (one, other), _ in found
    ]
    width = np.mean([high - low for low, high in intervals])
    return float(np.mean(these)), float(np.mean(such)), float(np.mean(better)), float(width)


def main(experiments=1000):
    """Print every figure."""
    generator = np.random.default_rng(2024)
    for name, learning in (("calm", Learning()), ("moody seeds", Learning(seeds=0.15))):
        for images in (100, 500):
            for seeds in (1, 3, 6, 10):
                for folds in (1, 5, 10):
                    these, such, better, width = measured(
                        learning, seeds, images, folds, experiments, generator
                    )
                    print(
                        f"folds {folds:2} {name:11} {images} images {seeds:2} seeds: "
                        f"these networks {these:6.1%}, such networks {such:6.1%}, "
                        f"width {width:.1%}, false better {better:.1%}",
                        flush=True,
                    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
