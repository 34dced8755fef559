"""How often the methods of bench.analysis.stats are right, where the truth is known.

`make simulations` runs all of it, some minutes; the tests run a part of each.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from itertools import combinations

import group_simulation
import kfold_simulation
import numpy as np
import world_simulations
from made_answers import WORLDS, made
from scipy.special import stdtrit

from bench.analysis.change import accuracy_changes
from bench.analysis.stats.interval import accuracy_interval
from bench.analysis.stats.paired import mcnemar_p
from bench.analysis.stats.variance_components import estimate_mean
from bench.analysis.verdict import verdicts

SIZES = [(seeds, images) for seeds in (2, 3, 5, 10) for images in (50, 98, 500, 2000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """How often, of how many experiments."""

    share: float
    experiments: int

    def within(self, low, high):
        """Say whether the share may be of low to high, 3 standard errors allowed."""
        error = 3 * np.sqrt(0.05 * 0.95 / self.experiments)
        return low - error <= self.share <= high + error


def percentile_interval(values, generator, draws=400):
    """Return the 95 % percentile interval of the pigeonhole bootstrap of `values` (S, N).

    Source: A. B. Owen 2007, Ann. Appl. Stat. 1, 386-411: seeds and images drawn anew, each apart.
    """
    seeds, images = values.shape
    rows = generator.multinomial(seeds, np.full(seeds, 1 / seeds), size=draws) / seeds
    columns = generator.multinomial(images, np.full(images, 1 / images), size=draws) / images
    means = ((rows @ values.astype(float)) * columns).sum(axis=1)
    return np.quantile(means, [0.025, 0.975])


def satterthwaite_interval(values, _generator=None):
    """Return the t interval of the variance components, its freedom by Satterthwaite 1946."""
    found = estimate_mean(values)
    seed = max(found.components.seeds, 0) / found.seeds
    rest = found.components.images / found.images + found.components.rest / values.size
    variance = seed + rest
    freedom = variance**2 / (seed**2 / (found.seeds - 1) + rest**2 / (found.images - 1) + 1e-300)
    width = -stdtrit(max(freedom, 1.0), 0.025) * np.sqrt(variance)
    return found.mean - width, found.mean + width


def accuracy_coverage(world, seeds, images, experiments, generator, interval=None):
    """Return how often the interval of one model's accuracy holds the truth."""
    interval = interval or (lambda values, _: accuracy_interval(values))
    held = 0
    for _ in range(experiments):
        low, high = interval(world.correct(generator, 1, seeds, images)[0], generator)
        held += low <= world.accuracy <= high
    return Found(share=held / experiments, experiments=experiments)


def false_verdicts(world, models, seeds, images, experiments, generator):
    """Return how often any of `models` that are equally good is called better than another."""
    told = 0
    for _ in range(experiments):
        correct = world.correct(generator, models, seeds, images)
        answers = {f"m{place}": made(each) for place, each in enumerate(correct)}
        told += any(each.kind == "better" for each in verdicts(answers))
    return Found(share=told / experiments, experiments=experiments)


def naive_verdicts(world, models, seeds, images, experiments, generator):
    """Return the same of what is often done: seeds pooled as if images were new, no correction."""
    told = 0
    for _ in range(experiments):
        correct = world.correct(generator, models, seeds, images)
        told += any(
            mcnemar_p(int((one & ~other).sum()), int((~one & other).sum())) <= 0.05
            for one, other in combinations(correct, 2)
        )
    return Found(share=told / experiments, experiments=experiments)


def regressions(world, loss, models, seeds, images, experiments, generator):
    """Return how often `zoo compare` finds any of `models` worse that have all lost so much."""
    told = 0
    for _ in range(experiments):
        runs = [{}, {}]
        for model in range(models):
            pair = world.correct(generator, 2, seeds, images, np.array([0.0, -loss]))
            for run, each in zip(runs, pair, strict=True):
                run[f"m{model}"] = made(each)
        found = accuracy_changes(*runs)
        told += any(each.kind == "worse" for each in found.values())
    return Found(share=told / experiments, experiments=experiments)


def _coverage(experiments, generator):
    methods = {
        "ours": None,
        "satterthwaite": satterthwaite_interval,
        "percentile": percentile_interval,
    }
    for seeds, images in SIZES:
        for name, interval in methods.items():
            count = experiments if name != "percentile" else experiments // 4
            shares = [
                100 * accuracy_coverage(world, seeds, images, count, generator, interval).share
                for world in WORLDS.values()
            ]
            told = " ".join(f"{share:5.1f}" for share in shares)
            print(f"accuracy {name:13} {seeds:2} seeds {images:4} images: {told}", flush=True)


def main(experiments=1000):
    """Print every figure."""
    generator = np.random.default_rng(2024)
    print(f"{experiments} experiments each; worlds: {', '.join(WORLDS)}")
    _coverage(experiments, generator)
    world_simulations.main(experiments)
    group_simulation.main(experiments)
    kfold_simulation.main(experiments)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
