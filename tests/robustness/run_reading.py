"""What a run under attack came to: as the undisturbed one, or named, or wrong."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from struck import Ended

Trials = dict[str, "Trial"]
_AS_IT_WAS, _NAMED, _RECORDED = "as undisturbed", "named", "recorded as other images"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """The files of one trial: its predictions, and what its record says."""

    predictions: bytes | None
    status: str
    error: str
    traceback: str
    fingerprint: str


def trials_of(runs: Path) -> Trials:
    """Return the trials with a record of the only run in `runs`, by the names of their folders."""
    found: Trials = {}
    for path in sorted(runs.glob("0001-*/*/seed-*/**/record.json")):
        record = json.loads(path.read_text())
        answers = path.with_name("predictions.csv")
        name = "/".join(path.relative_to(runs).parts[1:-1])
        found[name] = Trial(
            predictions=answers.read_bytes() if answers.is_file() else None,
            status=record["status"],
            error=record["error"] or "",
            traceback=record["traceback"] or "",
            fingerprint=record["spec"]["split_fingerprint"],
        )
    return found


def judged(ended: Ended, work: Path, truth: Trials, names: Sequence[str]) -> tuple[str, str]:
    """Return what a run came to, in the words of a tally, and what was seen.

    Args:
        ended: its last command.
        work: where it was made, with `runs` in it.
        truth: the trials of the undisturbed run.
        names: of the pictures or files that were changed; one that is told must be among them.
    """
    found = trials_of(work / "runs")
    if ended.code is None:
        return "hangs", ended.err[-300:]
    if trace := _trace(ended, found):
        return "tracebacks", trace
    wrong = [name for name in found if not _is_right(name, found, truth, names)]
    if wrong:
        each = found[wrong[0]]
        return "silently wrong", f"{wrong[0]} is {each.status}: {each.error}"
    if ended.code and not any(each.status == "failed" for each in found.values()):
        return _refused(ended, names)
    if not ended.code and set(found) != set(truth):
        return "silently wrong", f"trials {sorted(found)}, exit code 0"
    if any(each.status != "ok" for each in found.values()):
        return _NAMED, ""
    same = all(each == truth[name] for name, each in found.items())
    return (_AS_IT_WAS if same else _RECORDED), ""


def _trace(ended: Ended, found: Trials) -> str:
    if "Traceback (most" in ended.err or "Traceback (most" in ended.out:
        return ended.err[-900:]
    return next((each.traceback[-600:] for each in found.values() if _unforeseen(each)), "")


def _unforeseen(trial: Trial) -> bool:
    """Say whether an error of Python's own has ended it, not one that is worded for a person."""
    last = trial.traceback.strip().rpartition("\n")[2]
    return bool(last) and not last.startswith("registry.errors.")


def _is_right(name: str, found: Trials, truth: Trials, names: Sequence[str]) -> bool:
    """Say whether a trial is as undisturbed, failed by name, or of images that it records."""
    trial = found[name]
    if trial.status == "ok":
        if trial.fingerprint == truth[name].fingerprint:
            return trial.predictions == truth[name].predictions
        return trial.predictions is not None
    return trial.status == "interrupted" or tells(trial.error, names)


def tells(text: str, names: Sequence[str]) -> bool:
    """Say whether a text names one of the files, in full or by its name."""
    return any(name in text or Path(name).name in text for name in names)


def _refused(ended: Ended, names: Sequence[str]) -> tuple[str, str]:
    """Return whether a command that gave no result says why in one line that names the file."""
    lines = ended.refusals
    if len(lines) != 1:
        return "silently wrong", f"{len(lines)} lines say why: {ended.err[-300:]}"
    return (_NAMED, "") if tells(ended.err, names) else ("silently wrong", f"unnamed: {lines[0]}")
