"""What has changed between two runs, in words that need no course in statistics."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import median

from bench.analysis.change import AccuracyChange, ModelChange, TimeChange
from bench.analysis.comparison import RunComparison
from bench.analysis.stats.paired import seeds_needed
from bench.system.display import count_noun, percent, points_interval

_LOSSES = {"accuracy": "is less accurate", "time": "is slower", "parameters": "is larger"}
_SIDES = ("BASE", "NEW")


def sentences(change: ModelChange) -> list[str]:
    """Return what has become of a model, a sentence each."""
    told = _endings(change)
    if change.accuracy is not None:
        told.append(_accuracy(change.accuracy))
    if change.time is not None:
        told.append(_time(change.time))
    if change.added_parameters:
        base, new = change.parameters
        told.append(f"parameters {base:,} → {new:,}, {change.added_parameters:+,}")
    told += [f"{what} not compared: {why}" for why, what in _group_by_reason(change).items()]
    return [f"{change.model}: {line}" for line in told]


def notes(comparison: RunComparison) -> list[str]:
    """Return what a table of the figures does not say: failures, gaps, what p rests on."""
    told = [*_failures(comparison), *_gaps(comparison)]
    for side, models in zip(_SIDES, (comparison.only_base, comparison.only_new), strict=True):
        told += [f"only in {side}: {', '.join(models)}"] if models else []
    for side, left in zip(_SIDES, comparison.unfinished, strict=True):
        if left:
            told.append(f"{side} is unfinished: {count_noun(left, 'trial')} left to be done")
    if comparison.recipe_changes:
        told.append(f"NEW has another recipe: {'; '.join(comparison.recipe_changes)}")
    if comparison.differences:
        told.append(f"NEW has another set-up: {'; '.join(comparison.differences)}")
    return [*told, *_rests_on(comparison)]


def verdict(comparison: RunComparison) -> str:
    """Return what has changed in one line."""
    worse = comparison.regressions()
    lost = [
        line for change in comparison.changes for line in _loss_text(change, comparison.tolerance)
    ]
    gained = [line for change in comparison.changes for line in _gain_text(change)]
    if worse:
        also = f"; but {', '.join(gained)}" if gained else ""
        return f"✗ NEW is worse: {', '.join(lost)}{also}"
    if lost or gained:
        return f"✓ NEW is not worse: {', '.join([*lost, *gained])}"
    if all(change.unchanged for change in comparison.changes):
        return "✓ nothing changed"
    if all(change.accuracy is None for change in comparison.changes):
        return "✗ nothing can be said: no accuracy could be compared"
    return "✓ NEW is not worse: what differs may be chance"


def accuracy_figures(change: AccuracyChange) -> str:
    """Return both accuracies, in percent."""
    return f"{change.base * 100:.1f} → {percent(change.new)}"


def time_figures(change: TimeChange) -> tuple[str, str]:
    """Return the medians of the seconds, and the change in percent."""
    seconds = f"{median(change.base):,.1f} → {median(change.new):,.1f} s"
    return seconds, f"{(change.ratio - 1) * 100:+.0f} %"


def p_text(p: float) -> str:
    """Return p to one digit that counts, as one writes it: `= 0.002`, `< 0.001`."""
    return "< 0.001" if p < 0.001 else f"= {p:.1g}"


def _accuracy(change: AccuracyChange) -> str:
    found = change.found
    if change.kind == "same":
        return f"{percent(change.base)} in both, the very same answers"
    figures = (
        f"{accuracy_figures(change)}, "
        f"{points_interval(found.difference, found.low, found.high)}, p {p_text(change.p)}"
    )
    if change.kind != "level":
        return f"{figures}: {change.kind}"
    least = change.detectable
    hidden = f"; a loss under {least * 100:.2g} points would not show on so few"
    return f"{figures}: may be chance{'' if math.isnan(least) else hidden}"


def _time(change: TimeChange) -> str:
    word = "within noise" if change.kind == "level" else change.kind
    return f"training {', '.join(time_figures(change))}: {word}"


def _endings(change: ModelChange) -> list[str]:
    """Return how trials ended otherwise than in BASE."""
    told = [f"failed in NEW and not in BASE: {why}" for why in change.failed]
    return [*told, "gave answers in NEW, and none in BASE"] if change.mended else told


def _group_by_reason(change: ModelChange) -> dict[str, str]:
    """Return what can't be compared, by the reason."""
    found: dict[str, str] = {}
    for kind, why in change.unanswered.items():
        found[why] = f"{found[why]} and {kind}" if why in found else kind
    return found


def _failures(comparison: RunComparison) -> Iterator[str]:
    for change in comparison.changes:
        yield from (f"{change.model}: {line}" for line in _endings(change))


def _gaps(comparison: RunComparison) -> list[str]:
    """Return what can't be compared; of models with one reason, once."""
    found: dict[str, list[str]] = {}
    for change in comparison.changes:
        for why, what in _group_by_reason(change).items():
            found.setdefault(f"{what} not compared: {why}", []).append(change.model)
    return [f"{', '.join(models)}: {line}" for line, models in found.items()]


def _rests_on(comparison: RunComparison) -> Iterator[str]:
    """Yield what the accuracies' p rest on, where that is less than one might think."""
    compared = [each.accuracy for each in comparison.changes if each.accuracy is not None]
    seeds = {each.found.seeds for each in compared if each.kind != "same"}
    if 1 in seeds:
        yield (
            "one seed: the interval and p are about other photographs only; "
            "another seed may differ by more"
        )
    if 2 in seeds:
        yield (
            "two seeds tell little of other seeds: only a very steady difference shows; "
            f"{seeds_needed()} are better"
        )


def _loss_text(change: ModelChange, tolerance: float) -> Iterator[str]:
    if change.failed:
        yield f"{change.model} failed"
        return
    counted = change.regressions(tolerance)
    for kind in change.regressions():
        yield f"{change.model} {_LOSSES[kind]}{'' if kind in counted else ' (tolerated)'}"


def _gain_text(change: ModelChange) -> Iterator[str]:
    if change.mended:
        yield f"{change.model} gives answers again"
    if change.accuracy is not None and change.accuracy.kind == "better":
        yield f"{change.model} is more accurate"
    if change.time is not None and change.time.kind == "faster":
        yield f"{change.model} is faster"
    if change.added_parameters < 0:
        yield f"{change.model} is smaller"
