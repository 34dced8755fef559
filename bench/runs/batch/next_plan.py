"""A plan for the trials that a gathered run gets next: more seeds, or those of its next look."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.runs.batch.plan_file import software_of
from bench.runs.lost_trials import whole_trials
from bench.runs.next_look import growth_asked, growth_until_clear
from bench.runs.plan import Plan, make_plan
from bench.runs.progress import Progress
from bench.runs.remaining_trials import remaining_trials
from bench.runs.request import request_of
from bench.runs.resolve import resolve_request
from bench.runs.resume_changes import apply_changes
from bench.runs.run_folder import RunFolder
from bench.runs.store import Store
from bench.runs.trust import effects_of, require_trust
from bench.system.display import count_noun
from registry.errors import RunError


def next_plan(name: str, runs: Path, changes: Mapping[str, Any], progress: Progress) -> Plan:
    """Return the plan of the trials that the gathered run `name` gets next; nothing is trained.

    Args:
        name: path of the run folder, its name in `runs`, or its number.
        runs: folder of the run folders.
        changes: new values for fields of the request, such as `seeds`.
        progress: receiver of progress messages.

    Raises:
        ReproducibilityError: versions, code or images differ from those of the run.
        RunError: the run is not of a plan, is unfinished, or needs no more seeds.
    """
    folder = RunFolder.find(name, runs)
    with closing(Store.open(folder.database, read_only=True)) as store:
        about, trials = store.about(), whole_trials(folder, store)
    first = about["environment"].get("plan")
    if first is None:
        raise RunError(f"{folder.path} is not of a plan: `zoo bench --resume {folder.path}`")
    if left := sum(not trial.finished for trial in trials):
        missing = count_noun(left, "missing trial")
        raise RunError(f"{folder.path} has {missing}: gather the plan first")
    request = apply_changes(request_of(about["request"]), changes)
    require_trust(effects_of(request), f"the run {folder.path}", changes)
    growth = growth_asked(trials, about, request.seeds) or growth_until_clear(trials, about)
    if growth is None:
        raise RunError(f"{folder.path} needs no more seeds: `--seeds N` asks for more")
    progress.say(f"{folder.path}: {growth.why}")
    plan = make_plan(resolve_request(request), progress, elsewhere=True)
    then, now = _software(about), replace(plan, about=_software(plan.about))
    pending = remaining_trials(growth.trials, then, now, inexact=False)
    stored = {**about["request"], **request.rule, "seeds": [*growth.seeds]}
    environment = {**plan.about["environment"], "plan": first}
    return replace(
        plan,
        specs=tuple(each.spec for each in pending),
        about={**plan.about, "request": stored, "environment": environment},
    )


def _software(about: Mapping[str, Any]) -> dict[str, Any]:
    """Return the description without the machine: another one trains."""
    return {**about, "environment": software_of(about["environment"])}
