"""The remaining trials of a stored run, compared with what they would be today."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bench.runs.plan import Plan
from bench.runs.resume_changes import name_changed_pictures
from bench.runs.session import PendingTrial
from bench.training.reproducibility import OTHER_IMAGES, differences
from bench.training.spec import TrialSpec
from bench.training.stored_trial import StoredTrial
from registry.errors import ReproducibilityError, RunError


def remaining_trials(
    left: Sequence[StoredTrial], about: Mapping[str, Any], plan: Plan, *, inexact: bool
) -> list[PendingTrial]:
    """Return the remaining trials as planned; with differences, as of today and marked.

    Raises:
        ReproducibilityError: there are differences, and `inexact` is False.
        RunError: a model no longer exists.
    """
    present = {(spec.model, spec.fold): spec for spec in plan.specs}
    for trial in left:
        if (trial.spec.model, trial.spec.fold) not in present:
            raise RunError(f"the run's patterns no longer match {trial.spec.model}: install it")
    pairs = [(trial, _today(trial, present[trial.spec.model, trial.spec.fold])) for trial in left]
    changed = differences(
        about["environment"],
        plan.about["environment"],
        [(trial.spec, spec) for trial, spec in pairs],
    )
    if changed and not inexact:
        which = name_changed_pictures(about, plan.about)
        named = [f"{each}{which}" if each == OTHER_IMAGES else each for each in changed]
        raise ReproducibilityError(
            f"this run cannot be resumed exactly: {'; '.join(named)}: fix this, or pass "
            "--inexact to resume anyway and mark the rows"
        )
    mark = (f"resumed with {'; '.join(changed)}",) if changed else ()
    return [
        PendingTrial(
            number=trial.number,
            spec=spec if changed else trial.spec,
            marks=_merge_marks(trial, mark),
        )
        for trial, spec in pairs
    ]


def _today(trial: StoredTrial, spec: TrialSpec) -> TrialSpec:
    """Return `spec` with the seed of `trial`, at the batch size to which that was halved, if so."""
    spec = replace(spec, seed=trial.spec.seed)
    marks = () if trial.record is None else trial.record.marks
    if not any(mark.startswith("batch size ") for mark in marks):
        return spec
    size = trial.spec.recipe.batch_size
    return replace(spec, recipe=replace(spec.recipe, batch_size=size))


def _merge_marks(trial: StoredTrial, more: tuple[str, ...]) -> tuple[str, ...]:
    before = () if trial.record is None else trial.record.marks
    return tuple(dict.fromkeys((*before, *more)))
