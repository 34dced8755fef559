"""Letters for models: who shares one can't be told apart."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import count, islice, product
from string import ascii_lowercase


def rank_groups(models: Sequence[str], different: Collection[tuple[str, str]]) -> dict[str, str]:
    """Return the letters of each of `models`, best first: two share one unless they differ.

    Source: H.-P. Piepho 2004, J. Comput. Graph. Stat. 13, 456-466 (insert and absorb).

    Args:
        models: the best first.
        different: pairs that can be told apart, in any order.
    """
    groups = [frozenset(models)]
    for one, other in different:
        split = [
            part
            for group in groups
            for part in ((group - {one}, group - {other}) if {one, other} <= group else (group,))
        ]
        groups = _drop_subsets(split)
    groups.sort(key=lambda group: [model not in group for model in models])
    letters = list(islice(_letters(), len(groups)))
    return {
        model: "".join(
            letter for letter, group in zip(letters, groups, strict=True) if model in group
        )
        for model in models
    }


def _drop_subsets(groups: Sequence[frozenset[str]]) -> list[frozenset[str]]:
    """Return the groups that are not within another."""
    once = list(dict.fromkeys(groups))
    return [group for group in once if not any(group < other for other in once)]


def _letters() -> Iterator[str]:
    for length in count(1):
        for letters in product(ascii_lowercase, repeat=length):
            yield "".join(letters)
