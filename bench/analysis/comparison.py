"""The comparison of two runs: changes from BASE to NEW, and reasons against comparing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.analysis.change import KINDS, Kind, ModelChange, accuracy_changes, time_changes
from bench.analysis.comparable import (
    ComparedRun,
    failures,
    in_turn,
    recipe_changes,
    why_incomparable,
    why_no_accuracy,
    why_no_time,
)
from bench.analysis.results import StoredRun
from bench.system.options import parse_choice
from bench.training.reproducibility import differences
from registry.errors import IncomparableError
from registry.exit_codes import ExitCode


@dataclass(frozen=True, slots=True, kw_only=True)
class RunComparison:
    """The changes from one run to another, by model.

    Attributes:
        base: folder of the run before the change.
        new: folder of the run after it.
        changes: changes of the models in both runs, in the order of BASE.
        only_base: models that only BASE has.
        only_new: models that only NEW has.
        differences: further differences, in words: versions, machine, code.
        recipe_changes: differences between the recipes, if `across_recipes` was given.
        unfinished: number of unfinished trials of BASE and of NEW.
        tolerance: accepted loss of accuracy, 0 to 1.
    """

    base: Path
    new: Path
    changes: tuple[ModelChange, ...]
    only_base: tuple[str, ...] = ()
    only_new: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()
    recipe_changes: tuple[str, ...] = ()
    unfinished: tuple[int, int] = (0, 0)
    tolerance: float = 0.0

    def regressions(self, fail_on: Sequence[str] = KINDS) -> dict[str, tuple[Kind, ...]]:
        """Return the kinds that are worse in NEW, by model.

        Args:
            fail_on: kinds to look at.

        Raises:
            RunError: a kind is unknown.
        """
        asked = {parse_choice("--fail-on", kind, KINDS) for kind in fail_on}
        found = {each.model: each.regressions(self.tolerance) for each in self.changes}
        worse = {m: tuple(kind for kind in kinds if kind in asked) for m, kinds in found.items()}
        return {model: kinds for model, kinds in worse.items() if kinds}

    def exit_code(self, fail_on: Sequence[str] = ()) -> ExitCode:
        """Return REGRESSION if NEW is worse in a kind, else OK.

        If nobody can tell for such a kind, it is the exit code of IncomparableError.

        Args:
            fail_on: kinds to look at.

        Raises:
            RunError: a kind is unknown.
        """
        if self.regressions(fail_on):
            return ExitCode.REGRESSION
        unknown = {kind for each in self.changes for kind in each.unknown(self.tolerance)}
        return IncomparableError.exit_code if unknown.intersection(fail_on) else ExitCode.OK


def compare_stored(
    base: StoredRun,
    new: StoredRun,
    tolerance: float = 0.0,
    *,
    across_recipes: bool = False,
) -> RunComparison:
    """Return the changes from `base` to `new`.

    Raises:
        IncomparableError: no model is in both runs with the same images, split and recipe.
    """
    one, other = ComparedRun("BASE", base), ComparedRun("NEW", new)
    apart = _reasons_by_model(one, other, across_recipes=across_recipes)
    models = list(apart)
    pairs = [(one.specs[model][0], other.specs[model][0]) for model in models]
    if across_recipes:  # `recipe_changes` lists these
        pairs = [(before, replace(after, recipe=before.recipe)) for before, after in pairs]
    return RunComparison(
        base=base.results.folder,
        new=new.results.folder,
        changes=_changes(one, other, apart, tested=in_turn(base, new)),
        only_base=tuple(model for model in one.specs if model not in other.specs),
        only_new=tuple(model for model in other.specs if model not in one.specs),
        differences=tuple(differences(one.environment, other.environment, pairs)),
        recipe_changes=tuple(recipe_changes(models[0], one, other)) if across_recipes else (),
        unfinished=(base.results.unfinished, new.results.unfinished),
        tolerance=tolerance,
    )


def _reasons_by_model(
    base: ComparedRun, new: ComparedRun, *, across_recipes: bool
) -> dict[str, str]:
    """Return why each model of both runs is not comparable, or an empty text, by model."""
    refused = f"cannot compare {base.results.folder} and {new.results.folder}"
    models = [model for model in base.specs if model in new.specs]
    if not models:
        has = [f"{side.name} has {', '.join(side.specs)}" for side in (base, new)]
        raise IncomparableError(f"{refused}: no shared model: {', '.join(has)}")
    apart = {m: why_incomparable(m, base, new, across_recipes=across_recipes) for m in models}
    if all(apart.values()):
        reasons = "; ".join(dict.fromkeys(apart.values()))
        hint = ": use --across-recipes to compare anyway" if "recipe" in reasons else ""
        raise IncomparableError(f"{refused}: NEW has {reasons}{hint}")
    return apart


def _seconds(
    sides: tuple[ComparedRun, ComparedRun], models: Sequence[str], *, tested: bool
) -> list[dict[str, list[float]]]:
    """Return the training seconds of `models` in both runs; for a test, of seeds of both."""
    found = [{model: side.seconds(model) for model in models} for side in sides]
    both = {model: found[0][model].keys() & found[1][model].keys() for model in models}
    return [
        {
            model: [each for seed, each in seconds.items() if not tested or seed in both[model]]
            for model, seconds in side.items()
        }
        for side in found
    ]


def _changes(
    base: ComparedRun, new: ComparedRun, apart: dict[str, str], *, tested: bool
) -> tuple[ModelChange, ...]:
    """Return the changes of each model, with reasons for what is not comparable.

    `tested`: whether times can be.
    """
    sizes = {model: (base.parameters(model), new.parameters(model)) for model in apart}
    whys: dict[str, dict[Kind, str]] = {
        model: {
            "accuracy": why or why_no_accuracy(model, base, new),
            "time": why or why_no_time(model, base, new),
            "parameters": "a network was not built" if None in sizes[model] else "",
        }
        for model, why in apart.items()
    }
    answered = [model for model in apart if not whys[model]["accuracy"]]
    timed = [model for model in apart if not whys[model]["time"]]
    sides = (base, new)
    accuracies = accuracy_changes(*({m: side.answers[m] for m in answered} for side in sides))
    times = time_changes(*_seconds(sides, timed, tested=tested), in_turn=tested)
    mended = {model for model in apart if model not in base.answers and model in new.answers}
    return tuple(
        ModelChange(
            model=model,
            accuracy=accuracies.get(model),
            time=times.get(model),
            parameters=sizes[model],
            failed=failures(model, base, new),
            mended=model in mended,
            unanswered={kind: why for kind, why in found.items() if why and model not in mended},
        )
        for model, found in whys.items()
    )
