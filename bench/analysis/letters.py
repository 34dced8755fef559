"""Letters of a comparison: models that share one show no clear difference."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from string import ascii_lowercase

Pair = tuple[str, str]
Levels = Mapping[str, frozenset[str]]


def rank_groups(models: Sequence[str], different: Collection[Pair]) -> dict[str, str]:
    """Return letters for `models`, the best first; two share one unless they are `different`.

    More than 26 groups have numbers instead of letters: `3 to 7, 9`. Each pair without a letter in
    turn gets a group that no other model fits into. So there are never more groups than pairs,
    for any pattern; all groups of that kind can be 3^20 for 60 models.
    Source: J. Gramm et al. 2007, Comput. Stat. Data Anal. 52, 725-736 (letters as cliques that
    cover all pairs); H.-P. Piepho 2004, J. Comput. Graph. Stat. 13, 456-466 (their display).
    """
    apart: dict[str, set[str]] = {model: {model} for model in models}
    for one, other in different:
        apart[one].add(other)
        apart[other].add(one)
    level = {model: frozenset(models) - apart[model] for model in models}
    groups = sorted(_cover(models, level), key=lambda group: [m not in group for m in models])
    places = {m: [place for place, group in enumerate(groups) if m in group] for m in models}
    shown = _as_letters if len(groups) <= len(ascii_lowercase) else _as_numbers
    return {model: shown(found) for model, found in places.items()}


def without_untested(models: Sequence[str], untested: Collection[Pair]) -> list[str]:
    """Return the models among which each pair was tested, in the order of `models`.

    While a pair was not, the model with the most such pairs is left out; of equals, the last one.
    """
    left, open_ = list(models), [pair for pair in untested if {*pair} <= {*models}]
    while open_:
        counts = {model: sum(model in pair for pair in open_) for model in left}
        worst = max(reversed(left), key=counts.__getitem__)
        left.remove(worst)
        open_ = [pair for pair in open_ if worst not in pair]
    return left


def _cover(models: Sequence[str], level: Levels) -> list[frozenset[str]]:
    """Return groups of models without differences; each such pair is in one of them."""
    missing = {model: set(level[model]) for model in models}  # with which it shares no group yet
    groups = [frozenset((model,)) for model in models if not level[model]]
    for one in models:
        for other in models:
            if other in missing[one]:
                groups.append(group := _grown((one, other), models, level, missing))
                for model in group:
                    missing[model] -= group
    return groups


def _grown(
    pair: Pair, models: Sequence[str], level: Levels, missing: Mapping[str, set[str]]
) -> frozenset[str]:
    """Return `pair` and all others that fit, first those that add the most missing pairs."""
    group, fitting = set(pair), [m for m in models if m in level[pair[0]] & level[pair[1]]]
    gained = {model: len(missing[model] & group) for model in fitting}
    while fitting:
        chosen = max(fitting, key=gained.__getitem__)  # of equals, the best
        group.add(chosen)
        fitting = [model for model in fitting if model in level[chosen]]
        for model in fitting:
            gained[model] += model in missing[chosen]
    return frozenset(group)


def _as_letters(places: Sequence[int]) -> str:
    return "".join(ascii_lowercase[place] for place in places)


def _as_numbers(places: Sequence[int]) -> str:
    """Return numbers from 1, with `3 to 7` for successive ones; `3-7` is a date in spreadsheets."""
    runs = list[list[int]]()
    for place in places:
        if runs and runs[-1][-1] == place:
            runs[-1].append(place + 1)
        else:
            runs.append([place + 1])
    return ", ".join(
        f"{run[0]} to {run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs
    )
