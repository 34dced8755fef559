"""Recompute from a run folder's predictions.csv what its verdicts say, sharing no code with them.

`recompute.py runs/0001-lenet-alexnet`: plain Python and NumPy, by other formulas.
"""

from __future__ import annotations

import csv
import itertools
import math
import sys
from pathlib import Path

import numpy as np


def read(folder):
    """Return {model: {seed: [(image, label, predicted), ...]}}; folds one after the other."""
    found = {}
    for path in sorted(Path(folder).glob("*/seed-*/**/predictions.csv"), key=_fold):
        with path.open(encoding="utf-8", newline="") as file:
            rows = [(row["image"], row["label"], row["predicted"]) for row in csv.DictReader(file)]
        model, seed = path.relative_to(folder).parts[:2]
        seeds = found.setdefault(model, {})
        seeds.setdefault(int(seed.removeprefix("seed-")), []).extend(rows)
    return found


def _fold(path):
    *_, fold = path.parent.name.rpartition("fold-")
    return (path.parent, 0) if fold == path.parent.name else (path.parent.parent, int(fold))


def rights(model, seeds):
    """Return one row a seed, one column an image: 1 where right, else 0."""
    return np.array([[label == said for _, label, said in model[seed]] for seed in seeds], float)


def t_quantile(confidence, freedom):
    """Return the t that `confidence` of a t distribution is within, by integrating its density."""
    scale = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2))
    scale /= math.sqrt(freedom * math.pi)

    def within(end):
        # x = sqrt(freedom) tan(angle), so that the density is a power of a cosine
        angles, step = np.linspace(0, math.atan(end / math.sqrt(freedom)), 4001, retstep=True)
        heights = np.cos(angles) ** (freedom - 1)
        simpson = heights[0] + heights[-1] + 4 * heights[1::2].sum() + 2 * heights[2:-1:2].sum()
        return 2 * scale * math.sqrt(freedom) * simpson * step / 3

    return _where(lambda end: within(end) >= confidence, 0.0, 1000.0)


def variances(table):
    """Return of the mean: the variance by seeds, and what images add to it."""
    seeds, images = table.shape
    if seeds == 1:
        return 0.0, table[0].var(ddof=1) / images
    by_seed, by_image = table.mean(axis=1), table.mean(axis=0)
    total = ((table - table.mean()) ** 2).sum()
    between_seeds = images * ((by_seed - table.mean()) ** 2).sum()
    between_images = seeds * ((by_image - table.mean()) ** 2).sum()
    rest = (total - between_seeds - between_images) / ((seeds - 1) * (images - 1))
    excess = by_image.var(ddof=1) / images - rest / (seeds * images)
    return by_seed.var(ddof=1) / seeds, max(excess, 0.0)


def half_width(table, confidence):
    """Return half the width of the interval around the mean of the table."""
    seeds, images = table.shape
    by_seeds, by_images = variances(table)
    square = t_quantile(confidence, images - 1) ** 2 * by_images
    if seeds > 1:
        square += t_quantile(confidence, seeds - 1) ** 2 * by_seeds
    return math.sqrt(square)


def accuracy(table):
    """Return accuracy, low, high, of one model."""
    share, normal = table.mean(), 1.959963984540054
    if table.shape[0] == 1 or share in (0, 1):
        size = table.shape[1]
    else:
        size = min(table.size, share * (1 - share) * (normal / half_width(table, 0.95)) ** 2)
    # Wilson's bounds are where (share - p)^2 = normal^2 p (1 - p) / size
    roots = np.roots([1 + normal**2 / size, -(2 * share + normal**2 / size), share**2])
    return share, min(roots.real), max(roots.real)


def comparison(first, second):
    """Return difference, low, high, p of seeds and images, of two models of three seeds or more."""
    tables, gap = (first, second), first.mean() - second.mean()
    images = first.shape[1]
    by_seed = [table.mean(axis=1).var(ddof=1) / len(table) for table in tables]
    noise = sum(_rest(table) / table.size for table in tables)
    by_image = (first.mean(axis=0) - second.mean(axis=0)).var(ddof=1) / images - noise
    by_image = max(by_image, 0.0, 1 / (images + 2) ** 2 - sum(by_seed))
    parts = sum(part**2 / (len(t) - 1) for part, t in zip(by_seed, tables, strict=True))
    freedom = sum(by_seed) ** 2 / parts

    def half(confidence):
        square = t_quantile(confidence, freedom) ** 2 * sum(by_seed)
        return math.sqrt(square + t_quantile(confidence, images - 1) ** 2 * by_image)

    p = _where(lambda p: half(1 - p) <= abs(gap), 1e-6, 1.0)
    return gap, max(-1, gap - half(0.95)), min(1, gap + half(0.95)), p


def _rest(table):
    """Return the mean square that neither seeds nor images explain."""
    rest = table - table.mean(axis=0) - table.mean(axis=1)[:, None] + table.mean()
    return (rest**2).sum() / ((table.shape[0] - 1) * (table.shape[1] - 1))


def _where(reached, low, high):
    for _ in range(45):
        middle = (low + high) / 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high


def main(folder):
    """Print each model's accuracy and each pair's difference."""
    models = read(folder)
    for name, model in models.items():
        share, low, high = accuracy(rights(model, sorted(model)))
        print(f"{name}: {share:.1%} ({low:.1%} to {high:.1%}), {len(model)} seeds")
    for one, other in itertools.combinations(models, 2):
        for seed in sorted(models[one].keys() & models[other].keys()):
            same = [
                a[:2] == b[:2] for a, b in zip(models[one][seed], models[other][seed], strict=True)
            ]
            if not all(same):
                sys.exit(f"{one} and {other}, seed {seed}: not the same photographs")
        first, second = (rights(models[name], sorted(models[name])) for name in (one, other))
        if min(len(first), len(second)) < 3:
            continue  # a prior says how much their seeds vary
        if first.mean() < second.mean():
            one, other, first, second = other, one, second, first
        mean, low, high, p = comparison(first, second)
        print(
            f"{one} - {other}: {mean * 100:+.1f} points (95 %: {low * 100:+.1f} to "
            f"{high * 100:+.1f}), p {p:.4f}"
        )


if __name__ == "__main__":
    main(sys.argv[1])
