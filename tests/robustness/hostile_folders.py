"""Run folders that somebody else has made to do harm, and what the program does with them."""

from __future__ import annotations

import json
import math
import os
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest.mock import patch

import fuzz_store
from mutants import no_hang

from bench.runs.run_folder import RunFolder
from bench.runs.run_list import list_runs
from bench.runs.schema import sha256_of
from bench.runs.store import Store, _digest
from bench.runs.stored_runs import read_run, write_report
from registry.errors import ZooError

Change = Callable[[Path], object]
_PARTIAL = {name: f".{sha256_of(name)[:16]}.partial" for name in (
    "config.json", "environment.json", "comparison.csv", "comparison.md", "comparison.json",
    "history.csv", "holder.json",
)}  # fmt: skip
_TRIAL = "model_0/seed-0"
_DATABASE = ("run.db", "run.db-wal", "run.db-shm", "run.db-journal", "lock")


def hostile_folders() -> dict[str, Change]:
    """Return what is done to a run folder, by name."""
    return {**_links(), **_pipes(), **_lies(), **_code()}


def harms(every: int = 1) -> Counter[str]:
    """Return how many of each `every`th folder were refused, and how many read without harm.

    Raises:
        AssertionError: a file outside was changed, or a lie was taken for the truth.
        BaseException: anything but a `ZooError` came of one. A hang ends the process.
    """
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as scratch:
        whole = Path(scratch, "whole")
        _make(whole)
        for number, (name, change) in enumerate(hostile_folders().items()):
            if number % every == 0:
                place = Path(scratch, str(number))
                shutil.copytree(whole, place / "runs" / "0001-a")
                counts[_outcome(name, change, place)] += 1
    return counts


def _outcome(name: str, change: Change, scratch: Path) -> str:
    outside, run = scratch / "outside", scratch / "runs" / "0001-a"
    outside.mkdir()
    for each in (".bashrc", "1-1.pt", "last.json", "weights.safetensors"):
        (outside / each).write_text("of the user")
    before = _content(outside)
    change(run)
    refused = False
    with no_hang():
        for use in (_list, _read, _report, _resume):
            try:
                use(run)
            except ZooError as error:
                refused = "\n" not in str(error)
    assert _content(outside) == before, f"{name}: written outside"
    if name.startswith(("lie", "code")):
        assert refused, f"{name}: silently wrong"
    return "refused" if refused else "without harm"


def _make(run: Path) -> None:
    about = fuzz_store.ABOUT | {"classes": list(fuzz_store.spec(0).classes), "rejects": [],
                                "recipe": None, "data": None}  # fmt: skip
    run.mkdir(parents=True)
    specs = [fuzz_store.spec(number) for number in range(3)]
    with closing(Store.create(run / "run.db", about, specs)) as store:
        for number in (0, 1):
            store.finish(number, fuzz_store.result(number))


def _list(run: Path) -> None:
    list_runs(run.parent)


def _read(run: Path) -> None:
    read_run(str(run), run.parent)


def _report(run: Path) -> None:
    with patch("bench.runs.stored_runs.write_page"):  # which takes a second
        write_report(str(run), run.parent)


def _resume(run: Path) -> None:
    folder = RunFolder.find(str(run), run.parent)
    with folder.held(), closing(Store.open(folder.database)) as store:
        folder.clean([trial.spec for trial in store.trials() if trial.finished])


def _content(folder: Path) -> list[tuple[str, bytes]]:
    return sorted((str(p), p.read_bytes()) for p in folder.rglob("*") if p.is_file())


def _links() -> dict[str, Change]:
    found: dict[str, Change] = {}
    for target in (".bashrc", "missing"):
        for place in (*_DATABASE, *_PARTIAL, *_PARTIAL.values(), "report.html"):
            found[f"link {place} to {target}"] = _linked(place, target)
        for place in ("record.json", _partial("record.json"), _partial("predictions.csv")):
            found[f"link of a trial's {place} to {target}"] = _linked(f"{_TRIAL}/{place}", target)
    for place in ("model_0", _TRIAL, f"{_TRIAL}/checkpoints", "figures", "model_1", "holder.json"):
        found[f"link {place} to a folder"] = _linked(place, "")
        found[f"link {place} to the folder above"] = _linked(place, "..")
    return found


def _partial(name: str) -> str:
    return f".{sha256_of(name)[:16]}.partial"


def _linked(place: str, target: str) -> Change:
    def change(run: Path) -> None:
        path = run / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.symlink_to(run.parents[1] / "outside" / target)

    return change


def _pipes() -> dict[str, Change]:
    places = (*_DATABASE, "holder.json", "config.json", _PARTIAL["config.json"],
              f"{_TRIAL}/record.json", f"{_TRIAL}/checkpoints/last.json", "figures")  # fmt: skip

    def at(place: str, make: Callable[[Path], object]) -> Change:
        def change(run: Path) -> None:
            (run / place).parent.mkdir(parents=True, exist_ok=True)
            (run / place).unlink(missing_ok=True)
            make(run / place)

        return change

    pipes = {f"pipe {place}": at(place, os.mkfifo) for place in places}
    return pipes | {f"folder {place}": at(place, Path.mkdir) for place in places}


def signed(
    run: Path,
    about: Callable[[dict[str, Any]], object] = lambda about: None,
    trial: Callable[[dict[str, Any]], object] = lambda trial: None,
) -> None:
    """Change description and first trial of a run, and sign both as their writer would.

    A trial has `spec`, `record`, `epochs` and `answers`, a row (image, label, probabilities) each.
    """
    with closing(sqlite3.connect(run / "run.db", isolation_level=None)) as database:
        rows = database.execute("SELECT name, value FROM run").fetchall()
        found = {name: json.loads(value) for name, value in rows}
        about(found)
        found["contents"]["names"] = sorted(found.keys() - {"contents"})
        database.execute("DELETE FROM run")
        for name, value in found.items():
            text = json.dumps(value)
            row = (name, text, sha256_of(f"{name}\n{text}"))
            database.execute("INSERT INTO run VALUES (?, ?, ?)", row)
        _sign_trial(database, trial)


def _sign_trial(database: sqlite3.Connection, change: Callable[[dict[str, Any]], object]) -> None:
    select = database.execute
    spec, record = select("SELECT spec, record FROM trial WHERE number = 0").fetchone()
    epochs = select("SELECT epoch, record FROM epoch WHERE trial = 0 ORDER BY epoch").fetchall()
    answers = select(
        "SELECT image, label, probabilities FROM prediction WHERE trial = 0 ORDER BY image"
    ).fetchall()
    parts = {"spec": json.loads(spec), "record": json.loads(record),
             "epochs": [[n, json.loads(text)] for n, text in epochs],
             "answers": [[n, label, json.loads(text)] for n, label, text in answers]}  # fmt: skip
    change(parts)
    spec, record, status = map(
        json.dumps, (parts["spec"], parts["record"], parts["record"].get("status"))
    )
    epochs = [(n, json.dumps(value)) for n, value in parts["epochs"]]
    answers = [(n, label, json.dumps(value)) for n, label, value in parts["answers"]]
    status = json.loads(status)
    digest = _digest(0, status, spec, record, epochs, answers)
    database.execute("DELETE FROM epoch WHERE trial = 0")
    database.execute("DELETE FROM prediction WHERE trial = 0")
    database.execute(
        "UPDATE trial SET status = ?, spec = ?, record = ?, sha256 = ?, model = ?, seed = ? "
        "WHERE number = 0",
        (status, spec, record, digest, str(parts["spec"]["model"]),
         str(parts["spec"]["seed"])[:18]),
    )  # fmt: skip
    database.executemany("INSERT INTO epoch VALUES (0, ?, ?)", epochs)
    database.executemany("INSERT INTO prediction VALUES (0, ?, ?, ?)", answers)


_UNUSABLE: dict[str, Any] = {
    "NaN": math.nan, "infinity": math.inf, "a huge number": 10**400, "text": "many", "a list": [[]],
}  # fmt: skip


def _lies() -> dict[str, Change]:
    found: dict[str, Change] = {}
    for kind, value in _UNUSABLE.items():
        for field in ("test_accuracy", "test_loss", "train_seconds", "parameters", "peak_bytes"):
            found[f"lie {field} {kind}"] = _with_trial("record", field, value)
        if kind not in ("NaN", "infinity"):  # which SQLite itself refuses there
            found[f"lie spec.seed {kind}"] = _with_trial("spec", "seed", value)
        found[f"lie baseline {kind}"] = _with_about(baseline=[value, 2])
        found[f"lie started {kind}"] = _with_about(environment={"started": [value]})
        found[f"lie train_loss {kind}"] = _with_epoch("train_loss", value)
        found[f"lie probability {kind}"] = _with_answer(2, [value, 0.5])
    found |= {
        "lie another accuracy": _with_trial("record", "test_accuracy", 0.25),
        "lie a negative time": _with_trial("record", "train_seconds", -1.0),
        "lie another number of images": _with_trial("record", "test_images", 99),
        "lie another label": _with_answer(1, 7),
        "lie a negative label": _with_answer(1, -1),
        "lie no answers": lambda run: signed(run, trial=lambda trial: trial.update(answers=[])),
        "lie another split": _with_about(split={"fingerprint": "1" * 64, "test": ["a", "b"]}),
        "lie another seed": _with_about(request={"seeds": [5]}),
        "lie other classes": _with_about(classes=["a", "b", "c"]),
        "lie another recipe": _with_about(recipe={"name": "x", "epochs": 9, "batch_size": 3}),
        "lie no title": lambda run: signed(run, about=lambda about: about.pop("title")),
        "lie a title of another type": _with_about(title=7),
        "lie images of another type": _with_about(split={"test": [1, 2]}),
        "model ..": _with_trial("spec", "model", ".."),
        "model of a path": _with_trial("spec", "model", "../../outside"),
        "model of a file": _with_trial("spec", "model", "run.db"),
        "model of a zero": _with_trial("spec", "model", "a\0b"),
        "model of a device": _with_trial("spec", "model", "NUL"),
        "model of 9,000 letters": _with_trial("spec", "model", "a" * 9000),
        "model without a name": _with_trial("spec", "model", ""),
    }
    return found


def _with_trial(part: str, field: str, value: object) -> Change:
    return lambda run: signed(run, trial=lambda trial: trial[part].update({field: value}))


def _with_epoch(field: str, value: object) -> Change:
    return lambda run: signed(run, trial=lambda trial: trial["epochs"][0][1].update({field: value}))


def _with_answer(place: int, value: object) -> Change:
    def change(trial: dict[str, Any]) -> None:
        trial["answers"][0][place] = value

    return lambda run: signed(run, trial=change)


def _with_about(**values: object) -> Change:
    return lambda run: signed(run, about=lambda about: about.update(values))


def _code() -> dict[str, Change]:
    def sql(text: str) -> Change:
        def change(run: Path) -> None:
            with closing(sqlite3.connect(run / "run.db")) as database:
                database.executescript(text)

        return change

    def journal(run: Path) -> None:
        name = str(run.parents[1] / "outside" / ".bashrc").encode()
        tail = name + len(name).to_bytes(4, "big") + sum(name).to_bytes(4, "big")
        journal = run / "run.db-journal"
        journal.write_bytes(bytes(512) + tail + bytes.fromhex("d9d505f920a163d7"))

    endless = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i, i, i FROM n"
    )
    return {
        "code in a trigger": sql(
            "CREATE TRIGGER t AFTER INSERT ON run BEGIN DELETE FROM trial; END;"
        ),
        "code in a view": sql(
            f"DROP TABLE run; CREATE VIEW run(name, value, sha256) AS {endless};"
        ),
        "code in another table": sql("CREATE TABLE other (x);"),
        "code of a journal": journal,
    }


def main() -> None:
    """Try all, and print the figures."""
    counts = harms()
    print(f"{counts.total():>8,}  hostile run folders: {dict(counts)}")


if __name__ == "__main__":
    main()
