"""The standings of the models of a run, of which every text and table on them is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from bench.analysis.verdict import Verdict, grouped, lines
from bench.system.display import join_names, percent

Ending = Literal["nothing", "alone", "apart", "untested", "winner", "tie", "open"]
_MOST_NAMED = 3  # models in the headline
Place = Literal["best", "unbeaten", "beaten", ""]


class Line(NamedTuple):
    """A sentence and the kind of verdict that it tells."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Standings:
    """Who is the best, or why that is not known; headline, letters, order and lines agree.

    Attributes:
        ending: `winner`: one model is better than each other; `tie`: the models that nobody beats
            show no clear difference; `open`: neither; `untested`: too few seeds in each pair;
            `apart`: no pair was compared; `alone`, `nothing`: one model has results, or none.
        order: compared models: the beaten below those that beat them, else the most accurate first.
        leading: compared models that no other is better than.
        winner: the best model, or None.
        groups: letters by model, where each pair was tested.
        lines: sentences on the verdicts.
        accuracies: mean accuracy, 0 to 1, of each model with results, also if not compared.
        others: models of the run that were not compared.
    """

    ending: Ending = "nothing"
    order: tuple[str, ...] = ()
    leading: tuple[str, ...] = ()
    winner: str | None = None
    groups: Mapping[str, str] = field(default_factory=dict)
    lines: tuple[Line, ...] = ()
    accuracies: Mapping[str, float] = field(default_factory=dict)
    others: tuple[str, ...] = ()

    def place(self, model: str) -> Place:
        """Return the place of a model; empty without verdicts, or if it was not compared."""
        if model not in self.order or self.ending in ("untested", "apart"):
            return ""
        if model == self.winner:
            return "best"
        return "unbeaten" if model in self.leading else "beaten"

    def headline(self, labels: Mapping[str, str] | None = None) -> str:
        """Return the standings in one or two sentences; `labels` are shorter names."""
        named = {} if labels is None else labels
        others = [named.get(model, model) for model in self.others]
        if self.ending in ("nothing", "alone", "apart") or not others:
            return self._ending(named)
        were = "was" if len(others) == 1 else "were"
        return f"{self._ending(named)} {join_names(others)} {were} not compared."

    @property
    def sentences(self) -> tuple[str, ...]:
        """The lines below a table; several begin with the headline."""
        told = tuple(line.text for line in self.lines)
        return (self.headline(), *told) if len(told) > 1 else told

    def sorted(self, models: Sequence[str]) -> list[str]:
        """Return `models` with the compared ones in their order, on the places that they have."""
        compared = iter([model for model in self.order if model in models])
        return [next(compared) if model in self.order else model for model in models]

    def _ending(self, named: Mapping[str, str]) -> str:
        names = join_names([named.get(model, model) for model in self.leading])
        if len(self.leading) > _MOST_NAMED:
            names = f"{len(self.leading)} models"
        if self.ending == "winner":
            among = f" of {len(self.order)} compared models" if self.others else ""
            return f"{names} is the best{among}."
        if self.ending == "open":
            return f"No clear winner: {self._why_open(names)}."
        if self.ending == "alone":
            ((model, accuracy),) = self.accuracies.items()
            if len(self.others) > 1:  # it is one of them
                return f"No comparison: only {named.get(model, model)} has results."
            return f"{named.get(model, model)} has an accuracy of {percent(accuracy)}."
        return {
            "tie": self._tie(names),
            "untested": "No verdict: too few seeds to test.",
            "apart": "No verdict: the models were not compared.",
        }.get(self.ending, "No results.")

    def _tie(self, names: str) -> str:
        if len(self.leading) <= _MOST_NAMED:
            return f"No clear winner: {names} tie."
        best = f"the best {len(self.leading)} of " if len(self.leading) < len(self.order) else ""
        return f"No clear winner among {best}{len(self.order)} models."

    def _why_open(self, names: str) -> str:
        if not self.leading:
            return "another model beats each of them"
        if len(self.leading) == 1:
            return f"{names} is not clearly better than each other model"
        return f"not each pair of {names} was tested"


def standings(
    accuracies: Mapping[str, float], compared: Sequence[str], others: Sequence[str],
    found: Sequence[Verdict],
) -> Standings:  # fmt: skip
    """Return the standings of the models.

    Args:
        accuracies: mean accuracy of each model with results.
        compared: models with predictions that count, the most accurate first.
        others: all other models.
        found: verdicts on the pairs of `compared`.
    """
    beaten = {(each.first, each.second) for each in found if each.kind == "better"}
    order = _ordered(compared, beaten)
    leading = tuple(m for m in order if not any(loser == m for _, loser in beaten))
    first, told = leading[0] if leading else "", lines(order, found)
    wins = len(order) > 1 and all((first, other) in beaten for other in order if other != first)
    ending: Ending = "winner" if wins else _ending(accuracies, leading, found)
    return Standings(
        ending=ending,
        order=tuple(order) if found else (),
        leading=leading if found else (),
        winner=first if wins else None,
        groups=grouped(order, found),
        lines=tuple(Line(kind, text) for kind, text in told),
        accuracies=accuracies,
        others=tuple(others),
    )


def _ending(
    accuracies: Mapping[str, float], leading: Sequence[str], found: Sequence[Verdict]
) -> Ending:
    if len(accuracies) < 2:
        return "alone" if accuracies else "nothing"
    if not found:
        return "apart"
    tested = {frozenset((v.first, v.second)) for v in found if v.kind != "descriptive"}
    if not tested:
        return "untested"
    pairs = [frozenset((a, b)) for a in leading for b in leading if a < b]
    return "tie" if pairs and all(pair in tested for pair in pairs) else "open"


def _ordered(models: Sequence[str], beaten: set[tuple[str, str]]) -> list[str]:
    """Return `models`, each after those that beat it; of a circle, the first comes first."""
    left, found = list(models), list[str]()
    while left:
        free = (m for m in left if not any((other, m) in beaten for other in left))
        found.append(chosen := next(free, left[0]))
        left.remove(chosen)
    return found
