"""Two runs side by side: what has changed from BASE to NEW, and what can't be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.analysis.change import (
    KINDS,
    AccuracyChange,
    Kind,
    ModelChange,
    TimeChange,
    accuracy_changes,
    time_changes,
)
from bench.analysis.comparable import (
    ComparedRun,
    failures,
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
    """What has changed from one run to another, model by model.

    Attributes:
        base, new: the folders of the runs.
        changes: of the models that both have, in the order of BASE.
        only_base, only_new: models that one run alone has.
        differences: what else was not the same: versions, machine, code; a phrase each.
        recipe_changes: what is other in NEW's recipe, where recipes are compared.
        unfinished: how many trials of BASE and of NEW are still to be done.
        tolerance: a loss of accuracy that is put up with, 0 to 1.
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
        """Return the models that are worse in NEW, and in which of the kinds asked for.

        Raises:
            RunError: there is no such kind.
        """
        asked = {parse_choice("--fail-on", kind, KINDS) for kind in fail_on}
        found = {each.model: each.regressions(self.tolerance) for each in self.changes}
        worse = {m: tuple(kind for kind in kinds if kind in asked) for m, kinds in found.items()}
        return {model: kinds for model, kinds in worse.items() if kinds}

    def exit_code(self, fail_on: Sequence[str] = ()) -> ExitCode:
        """Return REGRESSION where NEW is worse in one of these kinds, else OK.

        Where that can't be said, it is the code of an IncomparableError.

        Raises:
            RunError: there is no such kind.
        """
        if self.regressions(fail_on):
            return ExitCode.REGRESSION
        open_ = {kind for each in self.changes for kind in each.unanswered}
        return IncomparableError.exit_code if open_.intersection(fail_on) else ExitCode.OK


def compare_stored(
    base: StoredRun, new: StoredRun, tolerance: float = 0.0, *, across_recipes: bool = False
) -> RunComparison:
    """Return what has changed from the one run to the other.

    Raises:
        IncomparableError: no model can be compared.
    """
    one, other = ComparedRun("BASE", base), ComparedRun("NEW", new)
    apart = _reasons_by_model(one, other, across_recipes=across_recipes)
    models = list(apart)
    pairs = [(one.specs[model][0], other.specs[model][0]) for model in models]
    if across_recipes:  # they are told apart
        pairs = [(before, replace(after, recipe=before.recipe)) for before, after in pairs]
    return RunComparison(
        base=base.results.folder,
        new=new.results.folder,
        changes=_changes(one, other, apart),
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
    """Return the models that both runs have, each with why it can't be compared, or nothing.

    Raises:
        IncomparableError: none, or none with the same images, split and recipe.
    """
    refused = f"{base.results.folder} and {new.results.folder} can't be compared"
    models = [model for model in base.specs if model in new.specs]
    if not models:
        has = [f"{side.name} has {', '.join(side.specs)}" for side in (base, new)]
        raise IncomparableError(f"{refused}: no model is in both: {', '.join(has)}")
    apart = {m: why_incomparable(m, base, new, across_recipes=across_recipes) for m in models}
    if all(apart.values()):
        reasons = "; ".join(dict.fromkeys(apart.values()))
        hint = ": --across-recipes compares them all the same" if "recipe" in reasons else ""
        raise IncomparableError(f"{refused}: NEW has {reasons}{hint}")
    return apart


def _changes(base: ComparedRun, new: ComparedRun, apart: dict[str, str]) -> tuple[ModelChange, ...]:
    accuracy = _accuracies(base, new, apart)
    time = _times(base, new, apart)
    return tuple(_change(model, base, new, accuracy[model], time[model]) for model in apart)


def _accuracies(
    base: ComparedRun, new: ComparedRun, apart: dict[str, str]
) -> dict[str, AccuracyChange | str]:
    """Return how each accuracy has changed, or why that can't be said."""
    reasons = {model: why or why_no_accuracy(model, base, new) for model, why in apart.items()}
    models = [model for model, why in reasons.items() if not why]
    found = accuracy_changes(
        {model: base.answers[model] for model in models},
        {model: new.answers[model] for model in models},
    )
    return {**reasons, **found}


def _times(
    base: ComparedRun, new: ComparedRun, apart: dict[str, str]
) -> dict[str, TimeChange | str]:
    """Return how each time has changed, or why that can't be said."""
    reasons = {model: why or why_no_time(model, base, new) for model, why in apart.items()}
    models = [model for model, why in reasons.items() if not why]
    found = time_changes(
        {model: base.seconds(model) for model in models},
        {model: new.seconds(model) for model in models},
    )
    return {**reasons, **found}


def _change(
    model: str,
    base: ComparedRun,
    new: ComparedRun,
    accuracy: AccuracyChange | str,
    time: TimeChange | str,
) -> ModelChange:
    """Return what has become of a model; a string says why something can't be compared."""
    parameters = (base.parameters(model), new.parameters(model))
    size = "" if None not in parameters else "a network was not built"
    found: dict[Kind, object] = {"accuracy": accuracy, "time": time, "parameters": size}
    mended = model not in base.answers and model in new.answers
    return ModelChange(
        model=model,
        accuracy=None if isinstance(accuracy, str) else accuracy,
        time=None if isinstance(time, str) else time,
        parameters=parameters,
        failed=failures(model, base, new),
        mended=mended,
        unanswered={
            kind: why for kind, why in found.items() if isinstance(why, str) and why and not mended
        },
    )
