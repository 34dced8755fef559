"""What a run trains next: the seeds that were asked for, or those of the next look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.analysis.pairwise import compare_pairwise
from bench.analysis.results import tests_of
from bench.analysis.sequential import least_visible_difference
from bench.analysis.stats.clusters import clusters_of
from bench.analysis.until_clear import looks_of, outcome_of
from bench.report.advice import seed_seconds
from bench.runs.more_trials import missing_trials
from bench.system.display import count_noun, duration
from bench.training.stored_trial import StoredTrial
from registry.errors import RunError


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """Trials that a run gets: its new list of seeds, and why in words."""

    seeds: tuple[int, ...]
    trials: tuple[StoredTrial, ...]
    why: str


def growth_asked(
    trials: Sequence[StoredTrial], about: Mapping[str, Any], seeds: tuple[int, ...]
) -> Growth | None:
    """Return the trials of `seeds` that the run lacks, None if it lacks none."""
    more = seeds_beyond(about, seeds)
    if not more:
        return None
    missing = missing_trials(trials, about, seeds)
    records = [trial.record for trial in trials if trial.record is not None]
    why = f"{count_noun(more, 'more seed')}, {count_noun(len(missing), 'more trial')}"
    why = f"{why}, about {duration(more * seed_seconds(records))}"
    return Growth(seeds=seeds, trials=tuple(missing), why=why)


def growth_until_clear(trials: Sequence[StoredTrial], about: Mapping[str, Any]) -> Growth | None:
    """Return the trials of the next look; None if the run is at its end, or has no looks."""
    if not (about["request"] or {}).get("until_clear"):
        return None
    records = [trial.record for trial in trials if trial.record is not None]
    split = about["split"]
    looks, tests = looks_of(about["request"], records, len(trials)), tests_of(trials)
    pairwise = compare_pairwise(records, split["test"], tests, split.get("groups"), looks=looks)
    outcome = outcome_of(looks, pairwise)
    if outcome is None or not outcome.next_seeds:
        return None
    seeds, models = outcome.next_seeds, outcome.found.going_on
    more = seeds_beyond(about, seeds)
    time = duration(more * seed_seconds(records, models))
    return Growth(
        seeds=seeds,
        trials=tuple(missing_trials(trials, about, seeds, models)),
        why=f"{outcome.sentence}: {count_noun(more, 'more seed')}, about {time}",
    )


def seeds_beyond(about: Mapping[str, Any], seeds: Sequence[int]) -> int:
    """Return how many of `seeds` the stored run does not have."""
    return len({*seeds} - {*about["request"].get("seeds", seeds)})


def prior_look(about: Mapping[str, Any]) -> str:
    """Return which differences cannot show on the run's test images, whatever is trained."""
    split = about["split"]
    clusters = clusters_of(split.get("groups"))
    images = len(split["test"]) if clusters is None else int(clusters.max()) + 1
    folds = len(split.get("folds", ())) or 1
    least = least_visible_difference(images, folds, len(about["classes"]))
    counted = count_noun(images, "test image") if clusters is None else count_noun(images, "group")
    return (
        f"with {counted} no difference under {least * 100:.0f} points can show, with any number of "
        "seeds"
    )


def require_several(models: Sequence[str]) -> None:
    """Raise RunError unless there are two models or more, which can be compared."""
    if len(models) < 2:
        raise RunError("--until-clear compares models: name two or more")
