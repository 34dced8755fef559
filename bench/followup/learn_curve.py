"""Would more photographs help: the models of a run, trained again on subsets of its images."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.followup.error_curve import Crossing, Forecast, LearningCurve, forecast
from bench.followup.finished_run import FinishedRun, finished_run
from bench.followup.subset_runs import train_sizes_below, train_with
from bench.report.followup_file import (
    Followup,
    FollowupLine,
    FollowupTable,
    Multiples,
    Point,
)
from bench.runs.progress import Progress
from bench.runs.run_results import RunResults
from bench.runs.stored_runs import RunName
from bench.system.display import join_names, percent, percent_range, points
from bench.training.reproducibility import differences

_SAME = 0.02  # a gain below two points is the same for practical purposes


def learn_curve(
    run: RunName,
    *,
    train_sizes: Sequence[int] | None = None,
    runs: str | Path = "runs",
    progress: bool = True,
    trust: bool = False,
) -> Followup:
    """Return whether more training images would help the models of a run.

    They are trained again on nested subsets of its training images, by the recipe and with the
    seeds of the run, and tested on its test images. The trials of the run are the largest size.
    A power law of the error then says what twice as many images give. What was trained before is
    not trained again. The result is also written to the run folder and its page.

    Args:
        run: its folder, name in `runs`, number, or results.
        train_sizes: numbers of training images; default: four or five, each half of the next.
        runs: folder of the run folders.
        progress: whether to print progress on stderr.
        trust: whether a run of somebody else may run the files that it names.

    Returns:
        What was found: title, sentences and tables; `values` has all accuracies, 0 to 1.

    Raises:
        ZooError: a size is not below that of the run, or images are missing or have changed.
        KeyboardInterrupt: it was stopped; finished trials are kept.
    """
    say = Progress(shown=progress)
    with finished_run(run, runs, say, trusted=trust, needs_weights=False) as opened:
        splits = [opened.plan.splits.of(number) for number in opened.plan.splits.numbers]
        total = min(len(split.train) for split in splits)
        counts = [Counter(image.file.label for image in split.train) for split in splits]
        smallest = min(min(each.values()) for each in counts)
        sizes = train_sizes_below(total, smallest, train_sizes)
        trained = [train_with(opened, size, trust=trust) for size in sizes]
        found = _followup(opened, (*sizes, total), [*trained, opened.results])
        opened.publish(found)
        return found


def _followup(run: FinishedRun, sizes: tuple[int, ...], trained: Sequence[RunResults]) -> Followup:
    models = {record.model for record in run.results.records}
    order = [str(each) for each in run.results.frame["model"] if each in models]
    curves = [_curve(model, sizes, trained) for model in order]
    forecasts, crossings = forecast(curves)
    measured = any(curve.accuracies for curve in curves)
    noun = "drawings" if run.results.synthetic else "photographs"
    return Followup(
        kind="learn-curve",
        label="More data",
        title=_title(forecasts, noun),
        covers=run.covers,
        lead=f"Trained with {join_names([f'{size:,}' for size in sizes])} {noun}, tested on the "
        f"{len(run.about['split']['test']):,} test images of the run.",
        lines=(
            *(_line(each, sizes[-1], noun) for each in forecasts),
            *(_crossing_line(each, sizes[-1], noun) for each in crossings),
        ),
        notes=_notes(run, noun),
        tables=(_table(curves, forecasts, sizes),),
        charts=(_chart(curves, forecasts, sizes, noun),) if measured else (),
        values=_values(curves, forecasts, crossings, sizes),
    )


def _curve(model: str, sizes: tuple[int, ...], trained: Sequence[RunResults]) -> LearningCurve:
    records = (record for each in trained for record in each.records if record.model == model)
    marks = dict.fromkeys(mark for record in records for mark in record.marks)
    answers = tuple(each.pairwise.answers.get(model) for each in trained)
    return LearningCurve(model=model, sizes=sizes, answers=answers, marks=tuple(marks))


def _title(forecasts: Sequence[Forecast], noun: str) -> str:
    said = [each for each in forecasts if not each.refusal]
    if not said:
        return f"It cannot be said whether more {noun} would help"
    named = [f"{_gain(each)} for {each.model}" for each in said[:2]]
    rest = f", {len(said) - 2} more below" if len(said) > 2 else ""
    return f"Twice as many {noun}: {', '.join(named)}{rest}"


def _gain(found: Forecast) -> str:
    low, high = (points(round(each, 3)) for each in found.gain)
    return f"{low} to {high} points"


def _line(found: Forecast, largest: int, noun: str) -> FollowupLine:
    if found.refusal:
        return FollowupLine(text=f"{found.model}: cannot say, {found.refusal}")
    low, high = found.gain
    kind = "level" if high < _SAME else "better" if low >= 0.001 else "descriptive"
    more = f"twice as many {noun} ({2 * largest:,})"
    return FollowupLine(kind=kind, text=f"{found.model}: {_gain(found)} with {more}")


def _crossing_line(found: Crossing, largest: int, noun: str) -> FollowupLine:
    size = f"{_rounded(found.size):,} {noun}"
    if not found.clear:
        text = f"the curves of {found.sooner} and {found.later} may cross near {size}: not clear"
        return FollowupLine(text=text)
    low, high = (_rounded(each) for each in found.bounds)
    verb = "overtakes" if found.size <= largest else "would overtake"
    text = f"{found.later} {verb} {found.sooner} near {size} (95 %: {low:,} to {high:,})"
    return FollowupLine(kind="marked", text=text)


def _rounded(size: float) -> int:
    """Return `size` with two digits."""
    return int(round(size, 1 - math.floor(math.log10(size))))


def _notes(run: FinishedRun, noun: str) -> tuple[str, ...]:
    timed = any(trial.spec.recipe.seconds is not None for trial in run.trials)
    means = "the same training time" if timed else "more steps"
    notes = [
        f"Each training follows the recipe of the run. So more {noun} also mean {means}, as if the "
        "run were repeated with them.",
        "Each subset lies within the next, and is the same for all models. Intervals cover other "
        f"seeds and other test images, not other training {noun}.",
    ]
    if all(len(each.seeds) == 1 for each in run.results.pairwise.answers.values()):
        notes.append("With one seed, the spread of seeds is taken to be two points.")
    present = {(spec.model, spec.fold): spec for spec in run.plan.specs}
    pairs = [
        (trial.spec, replace(present[trial.spec.model, trial.spec.fold], seed=trial.spec.seed))
        for trial in run.trials
    ]
    changed = differences(run.about["environment"], run.plan.about["environment"], pairs)
    if changed:
        notes.append(f"Since the run, this has changed: {join_names(changed)}.")
    return tuple(notes)


def _table(
    curves: Sequence[LearningCurve], forecasts: Sequence[Forecast], sizes: Sequence[int]
) -> FollowupTable:
    head = ("model", *(f"{size:,}" for size in sizes), f"{2 * sizes[-1]:,}, fitted", "gain")
    rows = []
    for curve, found in zip(curves, forecasts, strict=True):
        there = {size: percent(accuracy) for size, accuracy, *_ in curve.accuracies}
        ends = ("", "cannot say")
        if not found.refusal:
            ends = (f"{percent_range(*found.accuracy[1:])} %", _gain(found))
        rows.append((curve.model, *(there.get(size, "") for size in sizes), *ends))
    return FollowupTable(title="Accuracy by training images", head=head, rows=tuple(rows))


def _chart(
    curves: Sequence[LearningCurve], forecasts: Sequence[Forecast], sizes: Sequence[int], noun: str
) -> Multiples:
    together = [
        Point(panel="all models", model=curve.model, x=size, y=accuracy)
        for curve in (curves if len(curves) > 1 else ())
        for size, accuracy, *_ in curve.accuracies
    ]
    alone = list[Point]()
    for curve, found in zip(curves, forecasts, strict=True):
        values = [*curve.accuracies]
        if not found.refusal:
            values.append((2 * sizes[-1], *found.accuracy))
        alone += [
            Point(panel=curve.model, model=curve.model, x=size, y=accuracy, low=low, high=high)
            for size, accuracy, low, high in values
        ]
    said = any(not each.refusal for each in forecasts)
    last = f" The points at {2 * sizes[-1]:,} are of the fitted curves." if said else ""
    return Multiples(
        name="accuracy",
        title=_rise(curves, noun),
        caption=f"Test accuracy by number of training {noun}. Bars: 95 % intervals.{last}",
        spoken=f"Test accuracy by number of training {noun}, a chart for each model.",
        x=noun,
        y="accuracy",
        points=(*together, *alone),
        log=True,
    )


def _rise(curves: Sequence[LearningCurve], noun: str) -> str:
    """Return which model gains most between the sizes that were measured."""
    rises = [(each.accuracies[-1][1] - each.accuracies[0][1], each) for each in curves
             if each.accuracies]  # fmt: skip
    rise, curve = max(rises, key=lambda each: each[0])
    first, last = curve.accuracies[0][0], curve.accuracies[-1][0]
    most = "gains most" if len(curves) > 1 else "changes"
    return f"From {first:,} to {last:,} {noun}, {curve.model} {most}: {points(rise)} points"


def _values(
    curves: Sequence[LearningCurve],
    forecasts: Sequence[Forecast],
    crossings: Sequence[Crossing],
    sizes: Sequence[int],
) -> dict[str, Any]:
    """Return the figures as JSON values."""
    models = dict[str, Any]()
    for curve, found in zip(curves, forecasts, strict=True):
        measured = [
            {"train_images": size, "accuracy": accuracy, "low": low, "high": high}
            for size, accuracy, low, high in curve.accuracies
        ]
        models[curve.model] = {"measured": measured, "cannot_say": found.refusal}
        if not found.refusal:
            models[curve.model]["doubled"] = {
                "train_images": 2 * sizes[-1],
                "gain_low": found.gain[0],
                "gain_high": found.gain[1],
                **_three("accuracy", found.accuracy),
                **_three("exponent", found.exponent),
                **_three("limit_error", found.limit),
            }
    crossed = [
        {"sooner": each.sooner, "later": each.later, "train_images": each.size,
         "clear": each.clear, **({"low": each.bounds[0], "high": each.bounds[1]} if each.clear
                                 else {})}
        for each in crossings
    ]  # fmt: skip
    return {"train_images": list(sizes), "models": models, "crossings": crossed}


def _three(name: str, found: tuple[float, float, float]) -> dict[str, float]:
    return {name: found[0], f"{name}_low": found[1], f"{name}_high": found[2]}
