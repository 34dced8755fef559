"""`zoo labels`: are the labels of a run's test images right?"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from bench.analysis.label_issues import (
    FIRST,
    find_label_issues,
    mean_probabilities,
    measure_finding,
)
from bench.analysis.results import Results
from bench.followup.corrections import Corrections, read_corrections, write_doubts
from bench.followup.label_report import (
    SHEET,
    LabelFindings,
    draw_label_sheet,
    report_labels,
    sheet_images,
)
from bench.report.followup_file import FOLDER, Followup, write_followup
from bench.runs.lost_trials import whole_trials
from bench.runs.progress import Progress
from bench.runs.run_folder import RunFolder
from bench.runs.store import Store
from bench.runs.stored_runs import RunName, name_of, results_of, try_write_page
from bench.system.atomic_files import write_text
from bench.system.received_files import MB, make_inside, read_regular, require_inside
from registry.errors import RunError

_KEPT = "labels-corrections.csv"
_MOST_BYTES = 200 * MB


def labels(
    run: RunName,
    *,
    runs: str | Path = "runs",
    export: str | Path | None = None,
    corrections: str | Path | None = None,
    progress: bool = True,
) -> Followup:
    """Return which labels of a run's test images are likely wrong, and write them to its page.

    Its networks did not train on these images. With folds, these are all images. Neither weights
    nor image files are needed. Corrections are kept in the run folder for the next time.

    Args:
        run: its folder, name in `runs`, number, or results.
        runs: folder of the run folders.
        export: new table of the doubted labels for a person to edit.
        corrections: that table as edited; accuracies are scored again with it.
        progress: whether to print messages.

    Raises:
        RunError: the run has no predictions, a table is unusable, or `export` exists.
    """
    folder = RunFolder.find(name_of(run), Path(runs))
    with folder.held(), closing(Store.open(folder.database)) as store:
        trials = whole_trials(folder, store)
        results = results_of(folder, store.about(), trials)
        found = _findings(results, folder, corrections)
        if export is not None:
            first, *_ = found.answers.values()
            most = round(FIRST * len(found.images))
            write_doubts(Path(export), first, found.issues, found.classes, most)
        covers = tuple(each.spec.id for each in trials if each.test is not None)
        told = report_labels(found, covers)
        sheet = draw_label_sheet(found, store.thumbnails.read(sheet_images(found)))
        write_followup(folder.path, told, {SHEET: sheet})
        try_write_page(results, store, Progress(shown=progress).say)
        return told


def _findings(results: Results, folder: RunFolder, corrections: str | Path | None) -> LabelFindings:
    answers = results.pairwise.answers
    if not answers:
        raise RunError(f"{folder.path} has no predictions: `zoo bench --resume` makes them")
    first, *_ = answers.values()
    classes = next(each.spec.classes for each in results.records)
    probabilities = mean_probabilities(answers.values())
    return LabelFindings(
        answers=answers,
        classes=classes,
        issues=find_label_issues(first.labels, probabilities),
        planted=measure_finding(first.labels, probabilities),
        said=_said(folder, results, classes, corrections),
    )


def _said(
    folder: RunFolder, results: Results, classes: tuple[str, ...], given: str | Path | None
) -> Corrections | None:
    """Return the corrections in the table `given`, which is then kept, or those kept before."""
    first, *_ = results.pairwise.answers.values()
    kept = folder.path / FOLDER / _KEPT
    if given is None:
        require_inside(folder.path, kept)
        return read_corrections(kept, first, classes) if kept.is_file() else None
    said = read_corrections(Path(given), first, classes)
    make_inside(folder.path, kept.parent)
    text = read_regular(Path(given), most=_MOST_BYTES, follow=True).decode("utf-8-sig")
    write_text(kept, text)
    return said
