"""What a run has come to, in a form that can be compared: all but times."""

from __future__ import annotations

import hashlib
import json
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from bench.runs.run_folder import RunFolder
from bench.runs.store import Store
from bench.training.checkpoint import digest_of
from bench.training.evaluation import pack_evaluation
from bench.training.record import FINISHED
from bench.training.spec import as_plain
from bench.training.stored_trial import StoredTrial

_TIMES = (
    "seconds",
    "peak",
    "images_per_second",
    "inference",
    "wait",
    "shared_",
)  # parts of names; no two runs agree on these
_OF_THE_MACHINE = ("resumed", "spec", "jobs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """A trial that was finished: which, and the digest of all that the store said of it."""

    trial: str
    digest: str


def ending(folder: Path) -> dict[str, Any]:
    """Return by name what each trial of the run and its table came to, times left out."""
    found: dict[str, Any] = {}
    for trial in _trials(folder):
        where = _name(trial)
        found |= {f"{where} {name}": value for name, value in _record(trial).items()}
        found[f"{where} answers"] = _answers(trial)
        for path in sorted(RunFolder(folder).trial(trial.spec).glob("*.safetensors")):
            found[f"{where} {path.name}"] = digest_of(load_file(path))
        for name in ("predictions.csv", "submission.csv"):
            found[f"{where} {name}"] = _file(RunFolder(folder).trial(trial.spec) / name)
    found |= {f"file {path.relative_to(folder)}": True for path in folder.rglob("*")
              if not _is_drawn(path)}  # fmt: skip
    return found | {f"table {number}": row for number, row in enumerate(_table(folder))}


def _is_drawn(path: Path) -> bool:
    """Say whether it is of the page: a hit while that is drawn costs it, and a line tells so."""
    return path.name == "report.html" or "figures" in path.parts


def differences(first: dict[str, Any], second: dict[str, Any]) -> list[str]:
    """Return the names of what is not equal in two endings."""
    return [name for name in sorted({*first, *second}) if first.get(name) != second.get(name)]


def acknowledged(folder: Path | None) -> list[Acknowledged]:
    """Return the trials that the store holds as finished.

    Raises:
        AssertionError: one that has tables, so that the store had acknowledged it, is not there.
    """
    if folder is None or not (folder / "run.db").is_file():
        return []
    trials = {_name(trial): trial for trial in _trials(folder) if trial.finished}
    shown = {_of_record(path) for path in folder.glob("*/seed-*/**/record.json") if _is_done(path)}
    assert shown <= set(trials), f"lost: {shown - set(trials)}"
    return [Acknowledged(trial=name, digest=_whole(trial)) for name, trial in trials.items()]


def resumed(folder: Path) -> int:
    """Return how often the trials of the run were gone on with from a checkpoint."""
    return sum(trial.record.resumed for trial in _trials(folder) if trial.record is not None)


def _trials(folder: Path) -> list[StoredTrial]:
    with closing(Store.open(folder / "run.db", read_only=True)) as store:
        return store.trials()


def _name(trial: StoredTrial) -> str:
    fold = "" if trial.spec.fold is None else f"/fold-{trial.spec.fold}"
    return f"{trial.spec.model} seed-{trial.spec.seed}{fold}"


def _is_done(record: Path) -> bool:
    """Say whether a record in a trial's folder is of one that had ended: others may go on."""
    return json.loads(record.read_text())["status"] in FINISHED


def _of_record(path: Path) -> str:
    told = json.loads(path.read_text())
    where = path.parts[-3:-1] if told["spec"]["fold"] else path.parts[-2:-1]
    return f"{told['model']} {'/'.join(where)}"


def _record(trial: StoredTrial) -> dict[str, Any]:
    assert trial.record is not None
    best = None if trial.record.best is None else trial.record.best.epoch
    return {**_untimed(as_plain(trial.record)), "best": best}


def _untimed(plain: Any) -> Any:
    if isinstance(plain, list | tuple):
        return [_untimed(each) for each in plain]
    if not isinstance(plain, dict):
        return plain
    return {name: _untimed(value) for name, value in plain.items() if not _is_left_out(name)}


def _is_left_out(name: str) -> bool:
    return name in _OF_THE_MACHINE or any(part in name for part in _TIMES)


def _answers(trial: StoredTrial) -> str:
    if trial.test is None:
        return "none"
    return hashlib.sha256(pack_evaluation(trial.test)).hexdigest()


def _whole(trial: StoredTrial) -> str:
    told = json.dumps(as_plain(trial.record))
    return hashlib.sha256(f"{told} {_answers(trial)}".encode()).hexdigest()


def _file(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "none"


def _table(folder: Path) -> list[Any]:
    path = folder / "comparison.json"
    return [_untimed(row) for row in json.loads(path.read_text())["rows"]] if path.is_file() else []
