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
from made_answers import WORLDS, made
from scipy.special import stdtrit

from bench.analysis.change import accuracy_changes
from bench.analysis.stats.interval import accuracy_interval
from bench.analysis.stats.paired import mcnemar_p, paired_difference
from bench.analysis.stats.power import minimum_detectable_difference
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


def difference_coverage(world, seeds, images, experiments, generator, interval=None):
    """Return how often the interval of a difference of 0 to 8 points holds it."""
    interval = interval or _paired_interval
    held, truth = 0, -0.08 if seeds % 2 else 0.0
    for _ in range(experiments):
        first, second = world.correct(generator, 2, seeds, images, np.array([0.0, truth]))
        low, high = interval(first.astype(int) - second.astype(int), generator)
        held += low <= -truth <= high
    return Found(share=held / experiments, experiments=experiments)


def _paired_interval(gains, _generator):
    found = paired_difference(gains > 0, gains < 0)  # the same gains
    return found.low, found.high


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


def mcnemar_power(images, discordance, difference, experiments, generator):
    """Return how often the exact test of one seed finds a true `difference`."""
    only = (discordance + difference) / 2
    counts = generator.multinomial(
        images, [only, discordance - only, 1 - discordance], size=experiments
    )
    found = [mcnemar_p(int(first), int(second)) <= 0.05 for first, second, _ in counts]
    return Found(share=float(np.mean(found)), experiments=experiments)


def verdict_power(world, seeds, images, experiments, generator, pilot=20):
    """Return how often a difference is found that is as large as was said to be found.

    It is said after each of some pilot experiments without a difference; the median is tried.
    """
    said = []
    for _ in range(pilot):
        first, second = world.correct(generator, 2, seeds, images)
        parts = paired_difference(first, second).components
        said.append(minimum_detectable_difference(images, seeds, components=parts))
    difference = float(np.median(said))
    told = 0
    for _ in range(experiments):
        pair = world.correct(
            generator, 2, seeds, images, np.array([difference / 2, -difference / 2])
        )
        answers = {"a": made(pair[0]), "b": made(pair[1])}
        (verdict,) = verdicts(answers)
        told += verdict.kind == "better" and verdict.first == "a"
    return difference, Found(share=told / experiments, experiments=experiments)


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


def _regressions(experiments, generator):
    for models, seeds, images in (
        (1, 1, 300), (1, 2, 300), (1, 3, 300), (1, 6, 300), (3, 6, 300), (1, 10, 300), (1, 6, 98),
    ):  # fmt: skip
        for name, world in WORLDS.items():
            shares = [
                regressions(world, loss, models, seeds, images, experiments, generator).share
                for loss in (0.0, 0.15)
            ]
            print(
                f"compare: {models} models {seeds:2} seeds {images:3} images {name:11} "
                f"no loss {shares[0]:6.1%}, 15 points {shares[1]:6.1%}",
                flush=True,
            )


def _coverage(experiments, generator):
    methods = {
        "ours": (None, None),
        "satterthwaite": (satterthwaite_interval,) * 2,
        "percentile": (percentile_interval,) * 2,
    }
    for seeds, images in SIZES:
        for name, (one, two) in methods.items():
            count = experiments if name != "percentile" else experiments // 4
            for what, measure, interval in (
                ("accuracy", accuracy_coverage, one),
                ("difference", difference_coverage, two),
            ):
                shares = [
                    100 * measure(world, seeds, images, count, generator, interval).share
                    for world in WORLDS.values()
                ]
                told = " ".join(f"{share:5.1f}" for share in shares)
                print(f"{what:10} {name:13} {seeds:2} seeds {images:4} images: {told}", flush=True)


def _false_verdicts(experiments, generator):
    for models, seeds in ((2, 6), (2, 10), (3, 7), (3, 10), (12, 12)):
        for images in (98, 500):
            for name, world in WORLDS.items():
                count = experiments if models < 10 else experiments // 10
                ours = false_verdicts(world, models, seeds, images, count, generator)
                naive = naive_verdicts(world, models, seeds, images, count // 4, generator)
                print(
                    f"false better: {models} models {seeds:2} seeds {images:3} images {name:11} "
                    f"{ours.share:6.1%}, pooled McNemar {naive.share:6.1%}",
                    flush=True,
                )


def _power(experiments, generator):
    for images in (50, 98, 500, 2000):
        for discordance in (0.1, 0.3, 0.5):
            least = minimum_detectable_difference(images, discordance=discordance)
            if least < discordance:
                found = mcnemar_power(images, discordance, least, experiments, generator)
                print(f"1 seed, {images} images, {discordance:.0%} discordant: {least:.1%}, "
                      f"power {found.share:.1%}")  # fmt: skip
    for seeds, images in ((6, 98), (10, 98), (6, 500), (10, 500), (16, 500)):
        for name, world in WORLDS.items():
            least, found = verdict_power(world, seeds, images, experiments // 2, generator)
            print(f"{seeds} seeds, {images} images, {name}: {least:.1%}, power {found.share:.1%}",
                  flush=True)  # fmt: skip


def main(experiments=1000):
    """Print every figure."""
    generator = np.random.default_rng(2024)
    print(f"{experiments} experiments each; worlds: {', '.join(WORLDS)}")
    for part in (_power, _regressions, _false_verdicts, _coverage):
        part(experiments, generator)
    group_simulation.main(experiments)
    kfold_simulation.main(experiments)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
