"""What to do next with a run, as a command that can be copied."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean

from bench.analysis.look_sizes import LOOKS
from bench.analysis.results import Results
from bench.analysis.verdict import SEEDS, Verdict
from bench.report.repeat_command import repeat_command
from bench.system.display import count_noun, duration, join_names
from bench.training.record import TrialRecord
from bench.training.spec import paired_seed

_MOST_MODELS = 4  # in a command to try
SURE = 0.01  # a verdict with a larger p is only just one


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What to do next, why, and how long that takes where it is known."""

    why: str
    command: str

    def __str__(self) -> str:
        return f"{self.why}: {self.command}"


def advice(results: Results) -> str:
    """Return in words what to do next; "" for a run that is to be resumed first."""
    return "" if _remains(results) else str(advised(results) or "")


def advised(results: Results, name: str | None = None) -> Advice | None:
    """Return what to do next with a run, which its command may call by another `name`.

    In order: finish it, mend a model that has failed, get a verdict, leave drawings for images,
    make a weak verdict surer or a tie a verdict, use the weights. None if nothing is left.
    """
    here = results if name is None else replace(results, folder=Path(name))
    if _remains(results):
        return Advice(why="to finish this run", command=here.more)
    found = _mended(here) or _verdict(here) or _own_images(here) or _surer(here) or _clear(here)
    if found is None and any(results.folder.rglob("weights.safetensors")):
        return _used(here)
    return found


def weakest(results: Results) -> Verdict | None:
    """Return the verdict on the winner that is least sure; None without a winner."""
    winner = results.pairwise.standings.winner
    found = [each for each in results.verdicts if each.first == winner]
    return max(found, key=lambda each: (each.p, -each.found.low), default=None)


def _remains(results: Results) -> bool:
    """Return whether trials are left, or seeds that the looks of a run have asked for."""
    return bool(results.unfinished or results.next_seeds)


def _mended(results: Results) -> Advice | None:
    """A failed trial is finished: resuming does not try it again, for its network has changed."""
    tested = {record.model for record in results.records if record.status == "ok"}
    failed = list(dict.fromkeys(r.model for r in results.records if r.model not in tested))
    if not failed or not repeat_command(results.command):
        return None
    why = f"after mending {join_names(failed, most=3)}, a new run"
    return Advice(why=why, command=results.again)


def _verdict(results: Results) -> Advice | None:
    """The seeds that a verdict lacks. A run that adds seeds until it is clear lacks none."""
    verdicts = [each for each in results.verdicts if each.kind == "descriptive"]
    more = max((SEEDS - each.found.seeds for each in verdicts), default=0)
    if results.outcome is not None or more < 1:
        return None
    if _seeds(results) != [0]:
        return _with_more(results, "for a verdict", more)
    each = seed_seconds(results.records)
    least, most = (number - 1 for number in (LOOKS[0], LOOKS[-1]))
    times = dict.fromkeys((duration(least * each), duration(most * each)))
    time = " to ".join(times) if len(times) > 1 else f"about {duration(most * each)}"
    return Advice(
        why=f"for a verdict, {least} to {most} more seeds, {time}",
        command=f"{results.more} --until-clear",
    )


def _own_images(results: Results) -> Advice | None:
    models = (*results.pairwise.standings.order, *results.pairwise.standings.accuracies)
    if not results.synthetic or not models:
        return None
    named = " ".join(map(shlex.quote, list(dict.fromkeys(models))[:_MOST_MODELS]))
    return Advice(
        why="drawings are only a demonstration; for your own images",
        command=f"zoo bench --models {named} --data YOUR-FOLDER",
    )


def _surer(results: Results) -> Advice | None:
    """Twice the seeds, if the winner is only just the best."""
    least = weakest(results)
    if least is None or results.outcome is not None or least.p <= SURE:
        return None
    return _with_more(results, "for a surer verdict", len(_seeds(results)))


def _clear(results: Results) -> Advice | None:
    """A new run for models that tie: more seeds after a test would find differences by chance."""
    unclear = results.pairwise.standings.ending in ("tie", "open") and results.outcome is None
    repeatable = repeat_command(results.command)
    if not unclear or not repeatable or len(_seeds(results)) >= LOOKS[-1]:
        return None
    return Advice(
        why=f"a new run, of up to {LOOKS[-1]} seeds, may tell",
        command=f"{results.again} --until-clear",
    )


def _used(results: Results) -> Advice:
    return Advice(
        why="to classify your own pictures with the trained weights",
        command=f"zoo predict PHOTO --run {shlex.quote(str(results.folder))}",
    )


def _seeds(results: Results) -> list[int]:
    return list(dict.fromkeys(paired_seed(r.model, r.spec.seed) for r in results.records))


def _with_more(results: Results, why: str, more: int) -> Advice:
    time = duration(more * seed_seconds(results.records))
    return Advice(
        why=f"{why}, {count_noun(more, 'more seed')}, about {time}",
        command=f"{results.more} --seeds {_with(_seeds(results), more)}",
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
