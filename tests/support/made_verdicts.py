"""Verdicts that no test has found, for what is made from them."""

from __future__ import annotations

from itertools import combinations

from bench.analysis.standings import standings
from bench.analysis.stats.unpaired import UnpairedDifference
from bench.analysis.verdict import Verdict

NAMES = ("alexnet", "lenet", "vgg11")


def made_verdict(first, second, ending, **changes):
    """Return a verdict that ends so: `>` the first is better, `<` the second, `=`, `?` untested."""
    if ending == "<":
        first, second = second, first
    seeds = 1 if ending == "?" else 6
    found = UnpairedDifference(
        difference=0.02,
        low=0.01,
        high=0.03,
        p=0.01,
        seeds=seeds,
        seeds_of_both=(seeds, seeds),
        images=300,
        groups=None,
        between=(1e-4, 1e-4),
        noise=(1e-4, 1e-4),
        image_variance=1e-4,
    )
    told = {"p": 0.5 if ending == "=" else 0.01, "pairs": 1, "found": found}
    return Verdict(first=first, second=second, **told | changes)


def made_standings(endings, names=NAMES, others=()):
    """Return the standings of `names`, given the ending of each pair; a blank has no verdict."""
    pairs = zip(combinations(names, 2), endings, strict=True)
    found = [made_verdict(*pair, ending) for pair, ending in pairs if ending != " "]
    accuracies = {name: 0.9 - 0.01 * place for place, name in enumerate(names)}
    return standings(accuracies, names if found else (), others if found else names, found)
