"""Would it hold: the accuracy of a run's networks on corrupted test images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.analysis.standings import Standings
from bench.data.decode import thumbnail
from bench.data.transform import evaluation_side, reduced
from bench.followup.corrupted_tests import changed_answers, corrupted_answers
from bench.followup.corruptions import CORRUPTIONS, SEVERITIES
from bench.followup.finished_run import FinishedRun, finished_run
from bench.followup.kept_parts import KeptParts
from bench.followup.stress_findings import (
    Stressed,
    Turned,
    compared,
    stress_standings,
    stress_values,
    stressed_models,
    turned_leads,
)
from bench.report.followup_file import (
    Followup,
    FollowupLine,
    FollowupPicture,
    FollowupTable,
    Gallery,
    Multiples,
    Point,
)
from bench.runs.progress import Progress
from bench.runs.stored_runs import RunName
from bench.system.display import (
    count_noun,
    join_names,
    percent,
    percent_range,
    points,
    points_interval,
)

_SHOWN = 2  # severity of the pictures
_NOTE = (
    "Each test image is corrupted in twelve ways at three severities, the same for every model. "
    "Corruptions are stand-ins: they do not replace photographs of the place where it will be used."
)


def stress(
    run: RunName, *, runs: str | Path = "runs", progress: bool = True, trust: bool = False
) -> Followup:
    """Return how accurate the networks of a run are on corrupted test images.

    Each network answers its test images again under twelve corruptions at three severities. What
    was answered before is not asked again. The result is also written to the run folder and its
    page.

    Args:
        run: its folder, name in `runs`, number, or results.
        runs: folder of the run folders.
        progress: whether to print progress on stderr.
        trust: whether a run of somebody else may run the files that it names.

    Returns:
        What was found: title, sentences and tables; `values` has all accuracies, 0 to 1.

    Raises:
        ZooError: the run has no weights, or its images are missing or have changed.
    """
    with finished_run(run, runs, Progress(shown=progress), trusted=trust) as opened:
        kept = KeptParts(opened.folder.path, "stress")
        models = stressed_models(opened, corrupted_answers(opened, kept))
        found = _followup(opened, models, _changed(opened, kept))
        opened.publish(found, _pictures(opened))
        return found


def _followup(run: FinishedRun, models: Sequence[Stressed], changed: Sequence[str]) -> Followup:
    noun = "drawing" if run.results.synthetic else "image"
    tested = compared(run, models)
    standing, _ = stress_standings(tested, noun)
    turned = turned_leads(tested)
    return Followup(
        kind="stress",
        label="Stress",
        title=_title(models, standing),
        covers=run.covers,
        lead=_lead(models, run.results.pairwise.standings, standing),
        lines=(*_verdict_lines(standing), *_turned_lines(turned)),
        notes=(_NOTE, *changed),
        tables=(_table(models), _corruption_table(models)),
        charts=(_chart(models),),
        galleries=(_gallery(run),),
        values={"severities": list(SEVERITIES), "models": stress_values(models)},
    )


def _title(models: Sequence[Stressed], standing: Standings) -> str:
    if len(models) == 1:
        (only,) = models
        return f"{only.model} falls {_fall(only)} under corruption"
    if standing.winner:
        return f"{standing.winner} is the best under corruption"
    first = max(models, key=lambda each: float(each.shares.mean()))
    return f"No clear winner under corruption; {first.model} is ahead and falls {_fall(first)}"


def _fall(model: Stressed) -> str:
    clean, now = float(model.clean.correct.mean()), float(model.shares.mean())
    return f"from {percent(clean)} to {percent(now)}"


def _loss(model: Stressed) -> float:
    return float(model.clean.correct.mean()) - float(model.shares.mean())


def _lead(models: Sequence[Stressed], clean: Standings, now: Standings) -> str:
    """Return whether the table's winner holds."""
    if len(models) < 2 or not now.order:
        return ""
    ahead = max(models, key=lambda each: float(each.clean.correct.mean())).model
    first = max(models, key=lambda each: float(each.shares.mean())).model
    if ahead == first:
        stays = f"{ahead} is ahead with and without corruption"
        sure = clean.winner == ahead and now.winner == ahead
        return f"{stays}, and both verdicts are clear." if sure else f"{stays}."
    turns = f"The lead turns round: {ahead} is ahead on clean images, {first} on corrupted ones"
    sure = clean.winner == ahead and now.winner == first
    return f"{turns}, and both verdicts are clear." if sure else f"{turns}; not both are clear."


def _verdict_lines(standing: Standings) -> list[FollowupLine]:
    return [FollowupLine(kind=line.kind, text=line.text) for line in standing.lines]


def _turned_lines(turned: Sequence[Turned]) -> list[FollowupLine]:
    """Return a sentence for each clear turn, and one a pair for those in number only."""
    lines = [
        FollowupLine(
            kind="marked",
            text=f"under {each.corruption}, {each.now} is better than {each.clean}: "
            f"{points_interval(each.found.difference, each.found.low, each.found.high)}",
        )
        for each in turned
        if each.clear
    ]
    pairs: dict[tuple[str, str], list[str]] = {}
    for each in turned:
        if not each.clear:
            pairs.setdefault((each.now, each.clean), []).append(each.corruption)
    lines += [
        FollowupLine(text=f"{now} is ahead of {clean} in number, not clearly, under "
                     f"{join_names(names)}")
        for (now, clean), names in pairs.items()
    ]  # fmt: skip
    return lines


def _table(models: Sequence[Stressed]) -> FollowupTable:
    head = ("model", "clean", "corrupted", "95 % interval", "change", "worst under")
    rows = tuple(
        (
            each.model,
            percent(float(each.clean.correct.mean())),
            percent(float(each.shares.mean())),
            percent_range(*each.interval),
            points(-_loss(each)),
            CORRUPTIONS[each.worst].name,
        )
        for each in models
    )
    return FollowupTable(title="Mean over 36 corrupted test sets", head=head, rows=rows)


def _corruption_table(models: Sequence[Stressed]) -> FollowupTable:
    rows = tuple(
        (
            corruption.name,
            f"{', '.join(f'{level:g}' for level in corruption.levels)} ({corruption.meaning})",
            *(percent(float(each.of_corruption(place).mean())) for each in models),
        )
        for place, corruption in enumerate(CORRUPTIONS)
    )
    names = (each.model for each in models)
    title = "Accuracy by corruption, mean over severities"
    return FollowupTable(title=title, head=("corruption", "levels", *names), rows=rows)


def _chart(models: Sequence[Stressed]) -> Multiples:
    found = [
        Point(panel=corruption.name, model=each.model, x=severity, y=share, low=low, high=high)
        for place, corruption in enumerate(CORRUPTIONS)
        for each in models
        for severity in (0, *SEVERITIES)
        for share, low, high in [each.accuracy(place, severity)]
    ]
    losses = [
        sum(float(each.clean.correct.mean() - each.of_corruption(place).mean()) for each in models)
        for place in range(len(CORRUPTIONS))
    ]
    most, least = losses.index(max(losses)), losses.index(min(losses))
    return Multiples(
        name="accuracy",
        title=f"Most is lost under {CORRUPTIONS[most].name}, least under {CORRUPTIONS[least].name}",
        caption="Test accuracy by severity of each corruption; 0 is the clean image. Bars: 95 % "
        "intervals.",
        spoken="Test accuracy by severity, a chart for each corruption.",
        x="severity",
        y="accuracy",
        points=tuple(found),
    )


def _gallery(run: FinishedRun) -> Gallery:
    image = run.images(run.trials[0])[0].file.name
    pictures = tuple(
        FollowupPicture(
            file=_file(place),
            alt=f"{image} under {corruption.name}",
            name=f"{corruption.levels[_SHOWN - 1]:g} ({corruption.meaning})",
            lines=(FollowupLine(text=corruption.name, kind=""),),
        )
        for place, corruption in enumerate(CORRUPTIONS)
    )
    title = f"The corruptions at severity {_SHOWN}"
    return Gallery(title=title, caption=f"The test image {image}.", pictures=pictures)


def _pictures(run: FinishedRun) -> dict[str, bytes]:
    image = run.images(run.trials[0])[0]
    side = max(evaluation_side(t.spec.architecture.contract.input_shape) for t in run.trials)
    whole = reduced(run.plan.source.full(image.file), side)
    return {
        _file(place): thumbnail(corruption(whole, _SHOWN, image.sha256))
        for place, corruption in enumerate(CORRUPTIONS)
    }


def _file(place: int) -> str:
    return f"stress-{CORRUPTIONS[place].name.lower()}.jpg"


def _changed(run: FinishedRun, kept: KeptParts) -> list[str]:
    """Return a note for each network that no longer answers as in the run, as on other machines."""
    notes = list[str]()
    for trial in run.trials:
        if count := changed_answers(run, trial, kept):
            images = count_noun(count, "test image")
            notes.append(
                f"{trial.spec.model} ({trial.spec.turn}) answers {images} differently from the run."
            )
    return notes
