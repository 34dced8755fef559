"""Decides whether two runs of a model are comparable, with the reasons if not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from bench.analysis.results import StoredRun
from bench.training.record import FINISHED, TrialRecord
from bench.training.reproducibility import differences
from bench.training.spec import TrialSpec, paired_seed

_TIMED = ("device", "precision", "threads", "workers", "fidelity", "compiled", "processes")


class ComparedRun:
    """One of two runs, BASE or NEW by `name`, with its trials by model."""

    def __init__(self, name: str, run: StoredRun) -> None:
        self.name, self.results, self.environment = name, run.results, run.about["environment"]
        # the outer split if the run used only its training part
        self.within: str | None = run.about["split"].get("within")
        self.answers = run.results.pairwise.answers
        self.specs: dict[str, list[TrialSpec]] = {}
        for spec in run.specs:
            self.specs.setdefault(spec.model, []).append(spec)

    def records(self, model: str) -> list[TrialRecord]:
        """Return the records of a model, in planned order."""
        return [record for record in self.results.records if record.model == model]

    def by_seed(self, model: str) -> dict[int, list[TrialRecord]]:
        """Return the records of a model by seed; with folds, a seed has several."""
        found: dict[int, list[TrialRecord]] = {}
        for record in self.records(model):
            found.setdefault(paired_seed(model, record.spec.seed), []).append(record)
        return found

    def seconds(self, model: str) -> dict[int, float]:
        """Return the training seconds of each successful seed."""
        return {
            seed: sum(record.spent_seconds for record in records)
            for seed, records in self.by_seed(model).items()
            if all(record.status == "ok" for record in records)
        }

    def parameters(self, model: str) -> int | None:
        """Return the number of parameters, or None if no network was built."""
        built = (record.parameters for record in self.records(model))
        return next((number for number in built if number is not None), None)


def why_incomparable(
    model: str, base: ComparedRun, new: ComparedRun, *, across_recipes: bool = False
) -> str:
    """Return why a model is not comparable at all, or an empty text."""
    one, other = base.specs[model], new.specs[model]
    if {spec.split_fingerprint for spec in one} != {spec.split_fingerprint for spec in other}:
        if base.within != new.within:
            return f"{_part(new.within)} instead of {_part(base.within)}"
        return "different images or a different split"
    changed = [] if across_recipes else recipe_changes(model, base, new)
    if changed and not _marks(model, base) and not _marks(model, new):
        return f"a different recipe: {', '.join(changed)}"
    return ""


def _part(within: str | None) -> str:
    return "all images" if within is None else f"the training part of the {within} split"


def recipe_changes(model: str, base: ComparedRun, new: ComparedRun) -> list[str]:
    """Return the differences between the recipes of a model, in words."""
    before, after = base.specs[model][0].recipe, new.specs[model][0].recipe
    names = [field.name for field in fields(before)]
    if (before.seconds is None) == (after.seconds is None):
        return _describe_changes(before, after, names)
    others = [name for name in names if name not in ("epochs", "seconds")]
    return [f"{after.length} instead of {before.length}", *_describe_changes(before, after, others)]


def why_no_accuracy(model: str, base: ComparedRun, new: ComparedRun) -> str:
    """Return why the accuracies of a model are not comparable, or an empty text."""
    marks = [(side.name, _marks(model, side)) for side in (base, new)]
    if any(found for _, found in marks):
        return ", ".join(f"marked in {name}: {'; '.join(found)}" for name, found in marks if found)
    missing = [side.name for side in (base, new) if model not in side.answers]
    if missing:
        return f"no predictions in {' and '.join(missing)}"
    one, other = (side.answers[model].seeds for side in (base, new))
    if set(one) & set(other):
        return ""
    has, have = (", ".join(map(str, seeds)) for seeds in (one, other))
    return f"no shared seed: BASE has {has}, NEW has {have}"


def why_no_time(model: str, base: ComparedRun, new: ComparedRun) -> str:
    """Return why the times of a model are not comparable, or an empty text."""
    found = differences(_machine(base.environment), _machine(new.environment), [])
    found += _describe_changes(base.specs[model][0], new.specs[model][0], _TIMED)
    if found:
        return f"a different machine or setup: {', '.join(found)}"
    shared = [side.name for side in (base, new) if any(r.shared for r in side.records(model))]
    if shared:
        return f"several trials at the same time (--jobs) in {' and '.join(shared)}"
    if _marks(model, base) or _marks(model, new):
        return why_no_accuracy(model, base, new)
    for side in (base, new):
        seconds = side.seconds(model)
        if not seconds or min(seconds.values()) <= 0:
            return f"no times in {side.name}"
    return ""


def in_turn(base: StoredRun, new: StoredRun) -> bool:
    """Return whether each seed of both runs was trained one after the other.

    A seed that was added to one of them later was not.
    """
    one, other = (run.about.get("in_turn") for run in (base, new))
    seeds = {paired_seed(spec.model, spec.seed) for run in (base, new) for spec in run.specs}
    return one is not None and one == other and seeds <= {*one["seeds"]}


def failures(model: str, base: ComparedRun, new: ComparedRun) -> tuple[str, ...]:
    """Return why trials of a model failed in NEW, for seeds that did not fail in BASE."""
    before = base.by_seed(model)
    if not any(record.status == "ok" for record in base.records(model)):
        return ()
    return tuple(
        f"seed {seed} {record.status} ({record.phase}): {record.error}"
        for seed, records in new.by_seed(model).items()
        for record in records
        if _has_failed(record) and not any(_has_failed(each) for each in before.get(seed, ()))
    )


def _has_failed(record: TrialRecord) -> bool:
    return record.status in FINISHED and record.status != "ok"


def _marks(model: str, side: ComparedRun) -> list[str]:
    return list(dict.fromkeys(mark for each in side.records(model) for mark in each.marks))


def _machine(environment: Mapping[str, Any]) -> dict[str, Any]:
    """Return `environment` without the version of zoo-bench, which may be under comparison."""
    packages = environment.get("packages", {})
    others = {name: version for name, version in packages.items() if name != "zoo-bench"}
    return {**environment, "packages": {**others, "cores": environment.get("cores")}}


def _describe_changes(before: object, after: object, names: Sequence[str]) -> list[str]:
    pairs = [(name, getattr(before, name), getattr(after, name)) for name in names]
    return [
        f"{name.replace('_', ' ')} {new} instead of {old}" for name, old, new in pairs if old != new
    ]
