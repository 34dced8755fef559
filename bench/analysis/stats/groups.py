"""Letters for models: who shares one can't be told apart."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import count, product
from string import ascii_lowercase


def rank_groups(models: Sequence[str], different: Collection[tuple[str, str]]) -> dict[str, str]:
    """Return letters for `models`, the best first: two share one unless they are `different`.

    Source: H.-P. Piepho 2004, J. Comput. Graph. Stat. 13, 456-466 (insert and absorb).
    """
    groups = [frozenset(models)]
    for one, other in different:
        split = [
            part
            for group in groups
            for part in ((group - {one}, group - {other}) if {one, other} <= group else (group,))
        ]
        once = list(dict.fromkeys(split))
        groups = [group for group in once if not any(group < other for other in once)]
    groups.sort(key=lambda group: [model not in group for model in models])
    lettered = list(zip(_letters(), groups, strict=False))
    return {m: "".join(letter for letter, group in lettered if m in group) for m in models}


def _letters() -> Iterator[str]:
    for length in count(1):
        for letters in product(ascii_lowercase, repeat=length):
            yield "".join(letters)
