"""More trials for a stored run: those of further seeds, on its images, split and recipes."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import msgspec

from bench.training.recipe import Recipe, with_present_names
from bench.training.spec import SECOND_NAME, SECOND_SEEDS, TrialSpec, paired_seed
from bench.training.stored_trial import StoredTrial


def missing_trials(
    trials: Sequence[StoredTrial],
    about: Mapping[str, Any],
    seeds: Iterable[int],
    models: Container[str] | None = None,
) -> list[StoredTrial]:
    """Return the trials of `seeds` that a run lacks, numbered after its own.

    Their specifications are those that the run would have had from the start.

    Args:
        trials: trials of the run; each model has one of each fold.
        about: stored description of the run.
        seeds: seeds, in the order of training.
        models: models to train further; None means all.
    """
    known, aa = {trial.spec.key for trial in trials}, bool((about["request"] or {}).get("aa"))
    wanted = [
        replace(planned, seed=seed + (SECOND_SEEDS if aa and _is_second(planned) else 0))
        for seed in seeds
        for planned in _first_specs(trials, about)
        if models is None or planned.model in models
    ]
    numbers = count(len(trials))
    return [
        StoredTrial(number=next(numbers), spec=spec, record=None, test=None)
        for spec in wanted
        if spec.key not in known
    ]


def as_from_the_start(trials: Sequence[StoredTrial], about: Mapping[str, Any]) -> list[StoredTrial]:
    """Return `trials` in the order of a run that has all seeds from the start.

    That order is by seed, then fold, then model.
    """
    seeds = (about.get("request") or {}).get("seeds") or ()
    places = {seed: place for place, seed in enumerate(seeds)}
    models = list(dict.fromkeys(trial.spec.model for trial in trials))

    def place(trial: StoredTrial) -> tuple[int, int, int]:
        spec = trial.spec
        seed = places.get(paired_seed(spec.model, spec.seed), places.get(spec.seed, len(places)))
        return seed, spec.fold or 0, models.index(spec.model)

    return sorted(trials, key=place) if seeds else list(trials)


def _first_specs(trials: Sequence[StoredTrial], about: Mapping[str, Any]) -> list[TrialSpec]:
    """Return the specification of each fold and model as planned at first, in their order."""
    first: dict[tuple[int | None, str], StoredTrial] = {}
    for trial in sorted(trials, key=lambda each: bool(each.record and each.record.marks)):
        first.setdefault((trial.spec.fold, trial.spec.model), trial)
    models = list(dict.fromkeys(trial.spec.model for trial in trials))
    specs = [_as_planned(trial, about) for trial in first.values()]
    return sorted(specs, key=lambda spec: (spec.fold or 0, models.index(spec.model)))


def _as_planned(trial: StoredTrial, about: Mapping[str, Any]) -> TrialSpec:
    """Return the trial's specification with the run's recipe: its own may have half the batch."""
    own = {model for model, _ in (about["request"] or {}).get("own_recipes") or ()}
    if trial.record is None or not trial.record.marks or own:
        return trial.spec
    return replace(trial.spec, recipe=msgspec.convert(with_present_names(about["recipe"]), Recipe))


def _is_second(spec: TrialSpec) -> bool:
    return spec.model.endswith(SECOND_NAME)
