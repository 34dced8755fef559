"""Which to ship: the models of a run that meet limits on accuracy, latency and size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from bench.analysis.stats.interval import accuracy_interval
from bench.followup.finished_run import FinishedRun, finished_run
from bench.followup.kept_parts import KeptParts
from bench.followup.limits import LIKELY, Certainty, Limits, megabytes, milliseconds, most_certain
from bench.followup.shippable import INT8, MOST_CHANGED, Form, forms_of, has_onnx
from bench.report.followup_file import (
    Candidate,
    Chooser,
    Followup,
    FollowupLine,
    FollowupTable,
    Multiples,
    Point,
)
from bench.runs.progress import Progress
from bench.runs.stored_runs import RunName
from bench.system.display import count_noun, percent, percent_range
from bench.training.stored_trial import StoredTrial

_SIGNS: Mapping[Certainty, str] = {
    "surely": "better", "likely": "descriptive", "cannot say": "level", "no": "failed"
}  # fmt: skip
_NO_ONNX = "ONNX Runtime is not installed, so there is torch alone: pip install 'zoo-bench[onnx]'."


def choose(
    run: RunName,
    *,
    min_accuracy: str | float | None = None,
    max_latency: str | float | None = None,
    max_size: str | float | None = None,
    runs: str | Path = "runs",
    progress: bool = True,
    trust: bool = False,
) -> Followup:
    """Return which models of a run meet limits, and how certain that is.

    Each model is measured on this machine in torch and, where the extra `onnx` is installed, in
    ONNX Runtime, also with 8-bit weights where it keeps its answers. What was measured before is
    not measured again. The result is also written to the run folder and its page.

    Args:
        run: its folder, name in `runs`, number, or results.
        min_accuracy: least test accuracy: `90%`, or a share, 0 to 1.
        max_latency: longest time for one image: `20ms`, or seconds.
        max_size: largest file: `20MB`, or bytes.
        runs: folder of the run folders.
        progress: whether to print progress on stderr.
        trust: whether a run of somebody else may run the files that it names.

    Returns:
        What was found: title, sentences and a table; `values` has all figures.

    Raises:
        ZooError: a limit cannot be read, the run has no weights, or its images have changed.
    """
    limits = Limits.parse(min_accuracy, max_latency, max_size)
    with finished_run(run, runs, Progress(shown=progress), trusted=trust) as opened:
        kept = KeptParts(opened.folder.path, "choose")
        shipped = _shipped(opened)
        forms = dict[str, list[Form]]()
        with opened.progress.counting("measuring models", len(shipped)) as bar:
            for model, trial in shipped.items():
                forms[model] = forms_of(opened, trial, kept)
                bar.update()
        found = _followup(opened, limits, shipped, forms)
        opened.publish(found)
        return found


def _shipped(run: FinishedRun) -> dict[str, StoredTrial]:
    """Return the trial of each model that would be shipped: of the best validation accuracy."""
    found: dict[str, StoredTrial] = {}
    for trial in run.trials:
        before = found.get(trial.spec.model)
        if before is None or _validated(trial) > _validated(before):
            found[trial.spec.model] = trial
    order = list(run.results.frame["model"])
    return dict(sorted(found.items(), key=lambda item: order.index(item[0])))


def _validated(trial: StoredTrial) -> float:
    assert trial.record is not None
    return trial.record.history[-1].validation_accuracy if trial.record.history else 0.0


def _followup(
    run: FinishedRun,
    limits: Limits,
    shipped: Mapping[str, StoredTrial],
    forms: Mapping[str, Sequence[Form]],
) -> Followup:
    candidates = [
        _candidate(run, model, form)
        for model, some in forms.items()
        for form in some
        if not form.why_not and model in run.results.pairwise.answers
    ]
    certainty, places = most_certain(candidates, limits)
    best = _recommended(run, [candidates[place] for place in places])
    return Followup(
        kind="choose",
        label="Ship",
        title=_title(best, certainty, limits),
        covers=run.covers,
        lead=_lead(best, certainty, limits, shipped[best.model]),
        lines=tuple(_lines(candidates, limits)),
        notes=tuple(_notes(shipped, forms)),
        tables=(_table(candidates, limits),),
        charts=_charts(candidates),
        chooser=Chooser(
            candidates=tuple(candidates),
            min_accuracy=limits.min_accuracy,
            max_seconds=limits.max_seconds,
            max_bytes=limits.max_bytes,
        ),
        values={
            "limits": asdict(limits),
            "chosen": None if certainty == "no" else {"model": best.model, "form": best.form},
            "candidates": [asdict(e) | {"certainty": limits.met_by(e)} for e in candidates],
            "forms": {model: [asdict(form) for form in some] for model, some in forms.items()},
        },
    )


def _candidate(run: FinishedRun, model: str, form: Form) -> Candidate:
    answers = run.results.pairwise.answers[model]
    low, high = accuracy_interval(answers.correct, answers.clusters)
    likely, _ = accuracy_interval(answers.correct, answers.clusters, LIKELY)
    share = float(answers.correct.mean())
    accuracy, low, likely, high = (
        min(1.0, max(0.0, each + form.gained)) for each in (share, low, likely, high)
    )
    return Candidate(
        model=model,
        form=form.name,
        accuracy=accuracy,
        low=low,
        likely_low=likely,
        high=high,
        seconds=form.seconds,
        slow_seconds=form.slow_seconds,
        bytes=form.bytes,
        file=form.file,
    )


def _recommended(run: FinishedRun, candidates: Sequence[Candidate]) -> Candidate:
    """Return the fastest of the candidates that no other is better than, by the verdicts.

    Without verdicts it is the most accurate one.
    """
    models = {each.model for each in candidates}
    beaten, tested = set[str](), False
    for each in run.results.verdicts:
        if {each.first, each.second} <= models:
            tested = tested or each.kind != "descriptive"
            if each.kind == "better":
                beaten.add(each.second)
    left = [each for each in candidates if each.model not in beaten]
    if tested:
        return min(left, key=lambda each: each.seconds)
    return min(left, key=lambda each: (-each.accuracy, each.seconds))


def _named(each: Candidate) -> str:
    return each.model if each.form == "torch" else f"{each.model} as {each.form}"


def _title(best: Candidate, certainty: Certainty, limits: Limits) -> str:
    figures = f"{percent(best.accuracy)}, {milliseconds(best.seconds)}, {megabytes(best.bytes)}"
    if not limits.any:
        return f"Without limits, ship {_named(best)}: {figures}"
    if certainty == "no":
        return f"No model meets the limits: {limits}"
    if certainty == "cannot say":
        return f"It cannot be said whether a model meets the limits: {limits}"
    return f"Ship {_named(best)}: it {certainty} meets the limits, with {figures}"


def _lead(best: Candidate, certainty: Certainty, limits: Limits, trial: StoredTrial) -> str:
    if certainty == "no":
        return "Each model and the limit that it misses is in the table below."
    asked = f"The limits are {limits}. " if limits.any else ""
    if certainty == "cannot say":
        return f"{asked}More test images narrow the intervals."
    return f"{asked}The network of {trial.spec.turn} is in {best.file} of the run folder."


def _lines(candidates: Sequence[Candidate], limits: Limits) -> list[FollowupLine]:
    """Return a sentence for each certainty that a candidate has."""
    if not limits.any:
        return []
    words: dict[Certainty, str] = {
        "surely": "surely meet all limits",
        "likely": "likely meet all limits",
        "cannot say": "may meet all limits, which these test images cannot say",
        "no": "do not meet all limits",
    }
    found = {each: [c for c in candidates if limits.met_by(c) == each] for each in words}
    return [
        FollowupLine(
            kind=_SIGNS[certainty],
            text=f"{count_noun(len(some), 'candidate')} {said}: {', '.join(map(_named, some))}",
        )
        for certainty, said in words.items()
        if (some := found[certainty])
    ]


def _table(candidates: Sequence[Candidate], limits: Limits) -> FollowupTable:
    head = ["model", "form", "accuracy", "95 % interval", "latency", "95 of 100", "size"]
    rows = tuple(
        (
            each.model,
            each.form,
            percent(each.accuracy),
            percent_range(each.low, each.high),
            milliseconds(each.seconds),
            "" if each.slow_seconds is None else milliseconds(each.slow_seconds),
            megabytes(each.bytes),
            *([limits.met_by(each)] if limits.any else []),
        )
        for each in candidates
    )
    head += ["meets the limits"] if limits.any else []
    title = "One image at a time on this machine"
    return FollowupTable(title=title, head=tuple(head), rows=rows)


def _charts(candidates: Sequence[Candidate]) -> tuple[Multiples, ...]:
    fast = min(candidates, key=lambda each: each.seconds)
    small = min(candidates, key=lambda each: each.bytes)
    latency = f"{_named(fast)} is the fastest, with {milliseconds(fast.seconds)}"
    size = f"{_named(small)} is the smallest, with {megabytes(small.bytes)}"
    return (
        _chart(candidates, "latency", latency, "milliseconds", 1000.0),
        _chart(candidates, "size", size, "megabytes", 1e-6),
    )


def _chart(
    candidates: Sequence[Candidate], name: str, title: str, unit: str, factor: float
) -> Multiples:
    points = tuple(
        Point(
            panel=each.form,
            model=each.model,
            x=factor * (each.seconds if name == "latency" else each.bytes),
            y=each.accuracy,
            low=each.low,
            high=each.high,
        )
        for each in candidates
    )
    return Multiples(
        name=name,
        title=title,
        caption=f"Accuracy against {name}, a chart for each form. Bars: 95 % intervals.",
        spoken=f"Accuracy of each model against its {name}.",
        x=unit,
        y="accuracy",
        points=points,
        joined=False,
    )


def _notes(shipped: Mapping[str, StoredTrial], forms: Mapping[str, Sequence[Form]]) -> list[str]:
    notes = [
        "Accuracies are those of the table, over seeds and images. Times and files are those of "
        "the seed with the best validation accuracy: "
        f"{', '.join(f'{model} {trial.spec.turn}' for model, trial in shipped.items())}."
    ]
    for model, some in forms.items():
        notes += [f"{model} as {e.name} is left out: {e.why_not}." for e in some if e.why_not]
        notes += [
            f"{model} as {e.name} answers {count_noun(e.changed, 'test image')} differently."
            for e in some
            if e.changed and not e.why_not
        ]
    if any(e.name == INT8 and not e.why_not for some in forms.values() for e in some):
        notes.append(
            f"A form with 8-bit weights is shown if it changes at most {percent(MOST_CHANGED, 0)} "
            "of the answers."
        )
    return notes if has_onnx() else [*notes, _NO_ONNX]
