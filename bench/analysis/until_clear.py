"""How a run that adds seeds until it is clear has ended, or which seeds are next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from bench.analysis.look_sizes import LOOKS
from bench.analysis.pairwise import PairwiseComparisons
from bench.analysis.sequential import Look, Looks, Pair
from bench.analysis.verdict import Ending
from bench.system.display import count_noun, join_names
from bench.training.record import TrialRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What is known of a run after its last look.

    Attributes:
        found: endings of the pairs, and the models that need more seeds.
        number: number of the look, from 1.
        points: difference in points that counts as the same for practical purposes.
        models: compared models, the most accurate first.
        pairwise: comparisons of the models, for the figures.
    """

    found: Look
    number: int
    points: float
    models: tuple[str, ...]
    pairwise: PairwiseComparisons

    @property
    def next_seeds(self) -> tuple[int, ...]:
        """The seeds of the models that need more; empty at the end."""
        return tuple(range(LOOKS[self.number])) if self.found.going_on else ()

    @property
    def sentence(self) -> str:
        """The ending in words, on one line: who is better than whom, and why others are not."""
        if going_on := self.found.going_on:
            return (
                f"not clear after {LOOKS[self.number - 1]} seeds: {join_names(going_on)} need more"
            )
        kinds: tuple[Ending, ...] = ("same", "images", "open")
        return "; ".join([*self._better(), *(self._level(k) for k in kinds if self._pairs(k))])

    def _better(self) -> list[str]:
        """Return who is better than whom; each beaten model once, below the best that beats it."""
        beaten: dict[str, list[str]] = {}
        for loser in self.models:
            winners = [each for each in self.models if self.found.winner(each, loser) == each]
            if winners:
                beaten.setdefault(winners[0], []).append(loser)
        return [
            f"{winner} is better than {join_names(losers)}{self._figures(winner, losers)}"
            for winner, losers in beaten.items()
        ]

    def _level(self, ending: Ending) -> str:
        """Return the sentence on the pairs of unbeaten models that end so."""
        names, figures = self._named(ending), ""
        if len(pairs := self._pairs(ending)) == 1:
            figures = self._figures(pairs[0][0], pairs[0][1:])
        if ending == "same":
            within = f"within {self.points:g} points"
            return f"{names} are the same for practical purposes, {within}{figures}"
        if ending == "images":
            more = max((self.found.more_images.get(pair, 0) for pair in pairs), default=0)
            needed = f"; {count_noun(more, 'more test image')} would be needed" if more else ""
            return f"{names}: test images, not seeds, are the limit{figures}{needed}"
        return f"{names}: not clear within {LOOKS[-1]} seeds{figures}"

    def _pairs(self, ending: Ending) -> list[Pair]:
        beaten = self.found.beaten
        return [
            pair
            for pair, each in self.found.endings.items()
            if each == ending and not {*pair} & {*beaten}
        ]

    def _named(self, ending: Ending) -> str:
        """Return the models of these pairs: together if each pair of them is one, else by pair."""
        pairs = self._pairs(ending)
        models = [name for name in self.models if any(name in pair for pair in pairs)]
        if len(pairs) == len([*combinations(models, 2)]):
            return join_names(models)
        return join_names([f"{one} with {other}" for one, other in pairs])

    def _figures(self, one: str, others: Sequence[str]) -> str:
        """Return the difference of a single pair."""
        verdict = self.pairwise.pair(one, others[0]) if len(others) == 1 else None
        if verdict is None or verdict.first != one:
            return ""
        return f": {verdict.figures}"


def looks_of(
    request: Mapping[str, Any] | None, records: Sequence[TrialRecord], planned: int
) -> Looks | None:
    """Return the looks that a run with the stored `request` has taken.

    None if it does not add seeds until it is clear.
    """
    if request is None or not request.get("until_clear"):
        return None
    seeds = tuple(request["seeds"])
    begun = LOOKS.index(len(seeds)) + 1
    whole = planned <= sum(record.finished for record in records)
    return Looks(
        number=begun if whole else begun - 1, seeds=seeds, same_within=request["same_within"] / 100
    )


def outcome_of(looks: Looks | None, pairwise: PairwiseComparisons) -> Outcome | None:
    """Return what a run has come to, once all trials of its last look are finished.

    None if it takes no looks, or fewer than two models can be compared.
    """
    found = pairwise.look
    if looks is None or not looks.complete or found is None or not found.endings:
        return None
    return Outcome(
        found=found,
        number=looks.number,
        points=looks.same_within * 100,
        models=pairwise.standings.order,
        pairwise=pairwise,
    )
