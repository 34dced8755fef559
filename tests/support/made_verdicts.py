"""Verdicts that no test has found, for what is made from them."""

from __future__ import annotations

from itertools import combinations

from bench.analysis.standings import standings
from bench.analysis.stats.paired import Difference
from bench.analysis.stats.variance_components import Components
from bench.analysis.verdict import Verdict

NAMES = ("alexnet", "lenet", "vgg11")


def made_verdict(first, second, ending, **changes):
    """Return a verdict that ends so: `>` the first is better, `<` the second, `=`, `?` untested."""
    if ending == "<":
        first, second = second, first
    found = Difference(
        difference=0.02,
        low=0.01,
        high=0.03,
        seeds=2 if ending == "?" else 6,
        images=300,
        crossed_p=0.01,
        seeds_p=0.01,
        mcnemar=(),
        discordance=0.1,
        components=Components(seeds=0.0, images=0.1, rest=0.0),
    )
    told = {"p": 0.5 if ending == "=" else 0.01, "pairs": 1, "needed": 6, "found": found}
    return Verdict(first=first, second=second, **told | changes)


def made_standings(endings, names=NAMES, others=()):
    """Return the standings of `names`, given the ending of each pair; a blank has no verdict."""
    pairs = zip(combinations(names, 2), endings, strict=True)
    found = [made_verdict(*pair, ending) for pair, ending in pairs if ending != " "]
    accuracies = {name: 0.9 - 0.01 * place for place, name in enumerate(names)}
    return standings(accuracies, names if found else (), others if found else names, found)
