"""What a run still needs for a verdict, as a command that can be repeated, with its time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

from bench.analysis.look_sizes import LOOKS
from bench.analysis.results import Results
from bench.system.display import count_noun, duration
from bench.training.record import TrialRecord
from bench.training.spec import paired_seed


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What a verdict lacks, in words: seeds, the command that adds them, and its time."""

    seeds: str
    command: str
    time: str

    def __str__(self) -> str:
        return f"{self.seeds}: {self.command}, {self.time}"


def advice(results: Results) -> str:
    """Return in words what a verdict lacks; "" if it lacks nothing."""
    return str(advised(results) or "")


def advised(results: Results) -> Advice | None:
    """Return the seeds that a verdict lacks; None if it lacks none.

    An unfinished run has none: it is resumed first. Nor has one that adds seeds until it is clear.
    """
    verdicts = [each for each in results.verdicts if each.kind == "descriptive"]
    more = max((each.needed - each.found.seeds for each in verdicts), default=0)
    if results.unfinished or results.outcome is not None or more < 1:
        return None
    seeds = list(dict.fromkeys(paired_seed(r.model, r.spec.seed) for r in results.records))
    each = seed_seconds(results.records)
    if seeds == [0]:
        least, most = (number - 1 for number in (LOOKS[0], LOOKS[-1]))
        times = dict.fromkeys((duration(least * each), duration(most * each)))
        time = " to ".join(times) if len(times) > 1 else f"about {duration(most * each)}"
        return Advice(
            seeds=f"{least} to {most} more seeds",
            command=f"{results.more} --until-clear",
            time=time,
        )
    return Advice(
        seeds=count_noun(more, "more seed"),
        command=f"{results.more} --seeds {_with(seeds, more)}",
        time=f"about {duration(more * each)}",
    )


def seed_seconds(records: Sequence[TrialRecord], models: Sequence[str] | None = None) -> float:
    """Return the seconds that another seed of these models takes, by those of finished trials.

    Trials that ran at the same time count as often as they will again.
    """
    spent: dict[str, list[float]] = {}
    for record in records:
        if record.status == "ok" and (models is None or record.model in models):
            spent.setdefault(record.model, []).append(_whole_seconds(record))
    folds = max((record.spec.folds or 1 for record in records), default=1)
    jobs = max((record.jobs for record in records), default=1)
    return sum(map(mean, spent.values())) * folds / jobs


def _whole_seconds(record: TrialRecord) -> float:
    """Return the seconds of a trial from its start to its test."""
    around = record.startup_seconds + record.compile_seconds + record.checkpoint_seconds
    return record.spent_seconds + record.evaluation_seconds + around


def _with(seeds: Sequence[int], more: int) -> str:
    """Return these and `more` seeds as a person types them: a number, or a list."""
    if sorted(seeds) == [*range(len(seeds))]:
        return str(len(seeds) + more)
    first = max(seeds) + 1
    return ",".join(map(str, [*seeds, *range(first, first + more)]))
