"""One flipped bit in the files of a run with finished trials, and what is read then.

`python tests/robustness/flip_store.py 400` flips as many bits in database, log and journal.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
import sys
import tempfile
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import fuzz_store

from bench.runs import store as store_module
from bench.runs.run_list import list_runs
from bench.runs.store import Store
from bench.runs.stored_runs import read_run
from registry.errors import RunError, StorageError

_NAMES = ("run.db", "run.db-wal", "finished.json")


def make_with_log(folder: Path, *, logged: bool) -> None:
    """Write a run of three trials, two finished; with `logged`, all is still in the log.

    So it is after a kill between the commit and the move of the log.
    """
    made = folder.with_name("made")
    made.mkdir(parents=True)
    move = store_module.empty_log
    store_module.empty_log = (lambda database: None) if logged else move
    try:
        plan = [fuzz_store.spec(number) for number in range(3)]
        with closing(Store.create(made / "run.db", fuzz_store.ABOUT, plan)) as store:
            for number in (0, 1):
                store.finish(number, fuzz_store.result(number))
            shutil.copytree(made, folder)  # as a kill leaves it
    finally:
        store_module.empty_log = move
    shutil.rmtree(made)


def flip_store(count: int, seed: int, *, logged: bool) -> Counter[str]:
    """Return how many flips were refused, and how many gave what was written.

    Raises:
        AssertionError: other records were read without an error.
    """
    generator, counts = random.Random(seed), Counter[str]()
    with tempfile.TemporaryDirectory() as scratch:
        run = Path(scratch) / "runs" / "0001-a"
        make_with_log(run, logged=logged)
        whole = {name: (run / name).read_bytes() for name in _NAMES if (run / name).is_file()}
        expected = None
        for number in range(count + 1):
            for path in run.iterdir():
                path.unlink()
            name = "nothing" if number == 0 else _flip(run, whole, generator)
            if number == 0:
                _write(run, whole)
            found = _read(run)
            expected = expected or found
            assert found in (None, expected), f"{name}: silently different"
            counts[f"{name} {'refused' if found is None else 'read'}"] += 1
    return counts


def _flip(run: Path, whole: dict[str, bytes], generator: random.Random) -> str:
    filled = [name for name, content in whole.items() if content]
    sizes = [max(len(whole[name]), 4096) for name in filled]
    (name,) = generator.choices(filled, sizes)
    content = bytearray(whole[name])
    content[generator.randrange(len(content))] ^= 1 << generator.randrange(8)
    _write(run, whole | {name: bytes(content)})
    return name


def _write(run: Path, content: dict[str, bytes]) -> None:
    for name, each in content.items():
        (run / name).write_bytes(each)


def _read(run: Path) -> Any:
    """Return all that is read of the run, or None if it is refused by name."""
    listed, found, results, told = list_runs(run.parent), None, None, ""
    try:
        found = fuzz_store.content(run / "run.db")
        results = read_run(str(run), run.parent)
    except (RunError, StorageError) as error:
        told = str(error)
    if results is None:
        assert str(run) in told, "the run is not named"
        assert all(row.get("finished") in (None, 2) for row in listed), "silently different"
        return None
    assert len(results.records) == 2, "silently different"
    assert [row["finished"] for row in listed] == [2], "silently different"
    return found


if __name__ == "__main__":
    for logged in (True, False):
        print(dict(flip_store(int(sys.argv[1]), 0, logged=logged)), sqlite3.sqlite_version)
