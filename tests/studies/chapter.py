"""The chapter's result explained, one change at a time: `make chapter` writes the page on it.

Each step is an ordinary run of `bench`, in a folder of its own. Its outcome is kept in
docs/explanation/chapter.json, from which the page is written, and is not run again. An interrupted
run resumes. All steps take about twenty hours on two cores.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from chapter_networks import PRINTED
from chapter_outcome import Outcome, outcome_of, plain, read, write
from chapter_page import page
from chapter_photographs import chapters, packed, places
from chapter_steps import Step, all_steps
from paths import ROOT

import bench
from bench.analysis.results import Results, StoredRun
from bench.data.loader import DataLoader, EvaluationDataset
from bench.data.transform import normalization_of
from bench.runs.execute import resume
from bench.runs.plan import make_plan
from bench.runs.progress import Progress
from bench.runs.request import Request
from bench.runs.resolve import resolve_request
from bench.runs.stored_runs import stored_run
from bench.training.evaluate import evaluate
from registry.architecture import Architecture
from registry.errors import ZooError

_PAGE = ROOT / "docs" / "explanation" / "chapter.md"
_KEPT = ROOT / "docs" / "explanation" / "chapter.json"
_FOLDER = ROOT / ".benchmarks" / "chapter"
_DATA = ROOT.parent / "shared" / "data"
_CHAPTER, _MANY = "dogs-vs-cats", "dogs-vs-cats-2000"
_UNTRAINED_SEEDS = 20
_A_SIGNAL = 128  # exit codes above it: stopped from outside


def outcome(step: Step, options: argparse.Namespace) -> Outcome | int:
    """Return what comes of a step: read, gone on with, or trained now.

    Where it was stopped or a training failed, the exit code of that.
    """
    runs = _folder_of(step, options)
    there = sorted(runs.glob("[0-9]*")) if runs.is_dir() else []
    begun = [run for run in there if _is_of(step, stored_run(str(run), runs))]
    results = resume(str(begun[-1]), runs, {}, Progress()) if begun else _run(step, runs, options)
    known = places(options.data / _MANY)
    return results.exit_code or outcome_of(stored_run(str(results.folder), runs), known)


def _folder_of(step: Step, options: argparse.Namespace) -> Path:
    folder: Path = options.folder / step.key.replace("/", "-").replace(":", "-")
    return folder


def _is_of(step: Step, run: StoredRun) -> bool:
    recipes = [plain(spec.recipe) for spec in run.specs]
    networks = {spec.architecture.constructor for spec in run.specs}
    same = recipes == [plain(step.recipe)] * step.seeds
    return same and networks == {step.network.constructor}


def _run(step: Step, runs: Path, options: argparse.Namespace) -> Results:
    given = {"data": options.data / (_MANY if step.more else _CHAPTER)}
    if not step.more:
        given["test_data"] = options.data / _MANY
    return bench.run(
        [step.network],
        **given,
        split="stratified" if step.more else "textbook",
        recipe=step.recipe,
        seeds=tuple(range(step.seeds)),
        threads=1 if step.recipe.seconds is None else None,
        weights=False,
        runs=runs,
    )


def untrained(architecture: Architecture, data: Path) -> list[int]:
    """Return how many of the 92 validation photographs each untrained network gets right.

    That is the chapter's first loop as it is indented: the training phase is never run, so all ten
    epochs say the same.
    """
    request = Request(models=(architecture,), data=data / _CHAPTER, split="textbook")
    plan = make_plan(resolve_request(request), Progress())
    view = EvaluationDataset(
        files=[image.file for image in plan.splits.of(None).validation],
        source=plan.source,
        shape=architecture.contract.input_shape,
    )
    batches = list(
        DataLoader(view, batch_size=32, normalization=normalization_of(architecture)).epoch()
    )
    right = []
    for seed in range(_UNTRAINED_SEEDS):
        torch.manual_seed(seed)
        network = architecture.build(num_classes=2)
        found = [evaluate(network, batches, device=torch.device("cpu")) for _ in range(2)]
        assert found[0].loss == found[1].loss
        right.append(int((found[0].predicted == found[0].labels).sum()))
    return right


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is not kept yet, keep it, and write the page.

    A training that fails takes its step from the page, not the others, as does a run that another
    process holds; a stop ends all. Each leaves its exit code.
    """
    options = _parser().parse_args(arguments)
    kept = read(options.kept)
    chapter = replace(kept, outcomes=current(kept.outcomes))
    code = 0
    for step in wanted(options):
        if step.key in chapter.outcomes:
            continue
        try:
            found = outcome(step, options)
        except ZooError as error:  # another process may be doing it now
            sys.stderr.write(f"{step.key}: {error}\n")
            code = 2
            continue
        if isinstance(found, int):
            code = found
            if code > _A_SIGNAL:
                break
            where = _folder_of(step, options)
            sys.stderr.write(f"{step.key} failed: {where} says why; remove it to try again\n")
            continue
        known = chapter.chapters or packed(chapters(options.data / _CHAPTER, options.data / _MANY))
        chapter = replace(chapter, outcomes={**chapter.outcomes, step.key: found}, chapters=known)
        write(options.kept, chapter)
    if not (chapter.untrained or options.only or options.page_only or code):
        chapter = replace(chapter, untrained=tuple(untrained(PRINTED, options.data)))
        write(options.kept, chapter)
    options.page.write_text(page(all_steps(), chapter), encoding="utf-8")
    return code


def current(outcomes: Mapping[str, Outcome]) -> dict[str, Outcome]:
    """Return those of `outcomes` that are of the steps as they are now."""
    kept = ((step, outcomes.get(step.key)) for step in all_steps())
    return {
        step.key: found
        for step, found in kept
        if found and found.is_of(step.network.constructor, step.recipe, step.seeds)
    }


def wanted(options: argparse.Namespace) -> Iterator[Step]:
    """Yield the steps that are asked for."""
    if options.page_only:
        return
    for step in all_steps():
        named = not options.only or {step.name, step.key} & {*options.only}
        if named and (not options.networks or step.network.name in options.networks):
            yield step


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", help="names of steps to run, if not all")
    parser.add_argument("--networks", nargs="*", help="names of networks, if not all")
    parser.add_argument("--page-only", action="store_true", help="run nothing, write the page")
    parser.add_argument("--data", type=Path, default=_DATA)
    parser.add_argument("--folder", type=Path, default=_FOLDER)
    parser.add_argument("--kept", type=Path, default=_KEPT)
    parser.add_argument("--page", type=Path, default=_PAGE)
    return parser


if __name__ == "__main__":
    sys.exit(main())
