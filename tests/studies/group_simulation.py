"""How often intervals and verdicts are right where images belong together, as frames of a video.

`make simulations` runs it with the others. "By images" is what counting images would say.
"""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
from made_answers import World, made
from scipy.special import ndtri

from bench.analysis.change import accuracy_changes
from bench.analysis.stats.clusters import clusters_of
from bench.analysis.stats.interval import accuracy_interval
from bench.analysis.verdict import verdicts

VIDEOS = World(accuracy=0.75, images=2.0, seeds=0.0, own=1.0)  # one seed cannot tell of others
MOODY = replace(VIDEOS, seeds=0.2)


def named(sizes):
    """Return the group of each image, of groups of these sizes."""
    return tuple(f"video {place}" for place in np.repeat(np.arange(len(sizes)), sizes))


def grouped(world, generator, models, seeds, sizes, shared=1.0):
    """Return what was right (models, S, N) in groups of these `sizes`.

    `shared` is the part of an image's difficulty that is its group's; at 1 chance is too, so that
    whole groups are right or wrong.
    """
    places = np.repeat(np.arange(len(sizes)), sizes)
    if shared == 1:
        return world.correct(generator, models, seeds, len(sizes))[:, :, places]

    def difficulty(shape):
        groups = generator.standard_normal((*shape, len(sizes)))[..., places]
        images = generator.standard_normal((*shape, len(places)))
        return np.sqrt(shared) * groups + np.sqrt(1 - shared) * images

    total = np.sqrt(1 + world.images**2 + world.seeds**2 + world.own**2)
    latent = total * ndtri(world.accuracy) + world.images * difficulty((1, 1))
    latent = latent + world.own * difficulty((models, 1))
    latent = latent + world.seeds * generator.standard_normal((models, seeds, 1))
    return latent + generator.standard_normal((models, seeds, len(places))) > 0


def coverage(world, seeds, sizes, experiments, generator, shared=1.0):
    """Return how often an interval holds the accuracy, by groups and by images."""
    clusters, held = clusters_of(named(sizes)), np.zeros(2)
    for _ in range(experiments):
        right = grouped(world, generator, 1, seeds, sizes, shared)[0]
        for place, units in enumerate((clusters, None)):
            low, high = accuracy_interval(right, units)
            held[place] += low <= world.accuracy <= high
    return held / experiments


def false_findings(world, seeds, sizes, experiments, generator, shared=1.0):
    """Return how often two equally good models are told apart, by groups and by images.

    One seed: `zoo compare` calls one better or worse. More seeds: a verdict says "better".
    """
    told, groups = np.zeros(2), named(sizes)
    for _ in range(experiments):
        pair = [made(each) for each in grouped(world, generator, 2, seeds, sizes, shared)]
        for place, units in enumerate((groups, None)):
            one, other = (replace(each, groups=units) for each in pair)
            if seeds == 1:
                kind = accuracy_changes({"m": one}, {"m": other})["m"].kind
            else:
                kind = verdicts({"a": one, "b": other})[0].kind
            told[place] += kind in ("better", "worse")
    return told / experiments


def main(experiments=1000):
    """Print every figure."""
    generator = np.random.default_rng(2024)
    for count in (10, 20, 40, 100):
        for how in ("of 10", "of 1 to 19"):
            sizes = np.full(count, 10) if how == "of 10" else generator.integers(1, 20, count)
            for shared in (1.0, 0.7, 0.0):
                for seeds in (1, 6):
                    world = VIDEOS if seeds == 1 else MOODY
                    given = (world, seeds, sizes, experiments, generator, shared)
                    held, told = coverage(*given), false_findings(*given)
                    print(
                        f"{count:3} groups {how:10} {shared:4.0%} shared {seeds} seeds: accuracy "
                        f"held {held[0]:6.1%} (by images {held[1]:6.1%}), "
                        f"false {told[0]:5.1%} (by images {told[1]:5.1%})",
                        flush=True,
                    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
