"""Damage to database, log and journal of a run, and what four commands make of it.

`attack_store.py 400` damages as often. Each either gives what was stored or names the damage; a
trial that was acknowledged is never taken for one that is still to be made.
"""

from __future__ import annotations

import json
import random
import re
import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from drawn_folder import draw_folder
from made_run import about, results_of_trials
from mutants import no_hang
from run_reading import trials_of
from struck import Strike, command
from tally import Tally, changes, table, tree

from bench.report.run_files import comparison_as_json
from bench.runs import execute as execution
from bench.runs import store as store_module
from bench.runs.compare import compare
from bench.runs.progress import Progress
from bench.runs.request import Request, as_plain
from bench.runs.run_list import list_runs
from bench.runs.store import Store
from bench.runs.stored_runs import read_run, write_report
from registry.errors import ZooError

FILES = ("run.db", "run.db-wal", "run.db-shm", "finished.json")
_ACKNOWLEDGED = 2
_FULL_EACH = 50  # so many damages for one that whole commands meet
_OPTIONS = shlex.split(
    "--models lenet5 --seeds 3 --epochs 1 --batch-size 4 --threads 1 --workers 0 --no-isolate "
    "--memory-format channels_last --data ../drawn --runs-dir runs"
)
Content = tuple[Any, ...]  # of a run: its records and the rows of its table
Reader = Callable[[Path, Content], object]


class _ReachedError(Exception):
    """The resumed run is about to train."""


class _Listener(Progress):
    """Keeps what is said."""

    def __init__(self) -> None:
        super().__init__(shown=False)
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


def damage(content: bytes, generator: random.Random) -> tuple[str, bytes]:
    """Return a kind of damage, and the content that has it."""
    kind = generator.choice(("a bit", "a bit", "a byte", "cut", "zeros", "torn", "gone"))
    spoilt, at = bytearray(content), generator.randrange(max(1, len(content)))
    if kind == "gone" or not content:
        return "gone", b""
    if kind == "a bit":
        spoilt[at] ^= 1 << generator.randrange(8)
    elif kind == "a byte":
        spoilt[at] = generator.randrange(256)
    elif kind == "cut":
        del spoilt[at:]
    elif kind == "zeros":
        start = at // 512 * 512
        spoilt[start : start + 512] = bytes(len(spoilt[start : start + 512]))
    else:  # a page of before, as a disk without power leaves it
        start, other = at // 4096 * 4096, generator.randrange(1 + len(content) // 4096) * 4096
        spoilt[start : start + 4096] = content[other : other + 4096]
    return kind, bytes(spoilt)


def attack_store(count: int, seed: int, *, readers: dict[str, Reader] | None = None) -> Tally:
    """Return what came of `count` damages; each `_FULL_EACH`th is met by whole commands, too."""
    tally = Tally(campaign="damage to database and log")
    generator = random.Random(seed)
    with tempfile.TemporaryDirectory() as scratch, _quick():
        for logged in (True, False):
            run = Path(scratch) / f"runs-{logged}" / "0001-a"
            _make(run, logged=logged)
            stored = _content(read_run(str(run), run.parent))
            for _ in range(count // 2):
                _damage_one(run, stored, generator, tally, readers or READERS)
        if count >= _FULL_EACH:
            _with_commands(Path(scratch) / "full", count // _FULL_EACH, generator, tally)
    return tally


def _make(folder: Path, *, logged: bool) -> None:
    """Write a run of three trials, two finished; with `logged`, all is still in the log."""
    made, images, classes = folder.with_name("made"), [f"{n}.jpg" for n in range(8)], ("cat", "dog")
    made.mkdir(parents=True)
    trials = results_of_trials(("lenet5",), 3, images, classes)
    asked = as_plain(Request(models=("lenet5",), data=Path("drawn"), seeds=(0, 1, 2)))
    move = (lambda database: None) if logged else store_module.empty_log
    with mock.patch.object(store_module, "empty_log", move):
        plan = [trial.record.spec for trial in trials]
        told = about(images, classes, request=asked)
        with closing(Store.create(made / "run.db", told, plan)) as store:
            for number in range(_ACKNOWLEDGED):
                store.finish(number, trials[number])
            shutil.copytree(made, folder)  # as a kill leaves it
    shutil.rmtree(made)


def _damage_one(
    run: Path, stored: Content, generator: random.Random, tally: Tally, readers: dict[str, Reader]
) -> None:
    """Damage one file of a copy of `run`, and let all readers meet it, in an order by chance."""
    with tempfile.TemporaryDirectory(dir=run.parents[1]) as folder:
        copy = Path(folder) / "runs" / run.name
        shutil.copytree(run, copy)
        told = _spoil(copy, generator)
        before = tree(copy.parents[2], without=[Path(folder)])
        for name in generator.sample(sorted(readers), len(readers)):
            tally.add(f"{told}, {name}", *_met(readers[name], copy, stored))
        outside = changes(before, tree(copy.parents[2], without=[Path(folder)]))
        tally.add_outside(told, outside)


def _spoil(run: Path, generator: random.Random) -> str:
    """Damage one file of the run, and return which and how."""
    there = [name for name in FILES if (run / name).is_file()]
    filled = [name for name in there if (run / name).stat().st_size] or there
    name = generator.choice(filled)
    kind, content = damage((run / name).read_bytes(), generator)
    if kind == "gone" and generator.random() < 0.5:
        (run / name).unlink()
    else:
        (run / name).write_bytes(content)
    return f"{kind} of {name}"


def _met(reader: Reader, run: Path, stored: Content) -> tuple[str, str]:
    """Return what a reader makes of a damaged run, in the words of a tally."""
    try:
        with no_hang():
            reader(run, stored)
    except AssertionError as error:
        return "silently wrong", str(error)
    except ZooError as error:
        one_line = "\n" not in str(error) and (run.name in str(error) or "run.db" in str(error))
        return ("named", "") if one_line else ("silently wrong", f"unnamed: {error}")
    except Exception as error:  # noqa: BLE001  (a traceback, for who has called the command)
        return "tracebacks", f"{type(error).__name__}: {error}"
    return "as stored", ""


def _report(run: Path, stored: Content) -> None:
    assert _content(write_report(str(run), run.parent)) == stored, "another content"


def _show(run: Path, stored: Content) -> None:
    assert _content(read_run(str(run), run.parent)) == stored, "another content"


def _list(run: Path, stored: Content) -> None:
    """Require of the only row that it counts all, or says that the run is damaged."""
    if not (run / "run.db").is_file():
        return  # it is no run any more
    (row,) = list_runs(run.parent)
    told = row.get("finished")
    is_named = told is None and str(run) in row["state"]
    assert is_named or told == _ACKNOWLEDGED, f"listed as {row}"


def _compare(run: Path, stored: Content) -> None:
    changes_of = compare(run, run, runs=run.parent)
    assert changes_of is not None


def _resume(run: Path, stored: Content) -> None:
    """Require that only the trial without a result is about to be made."""
    said = _Listener()
    try:
        execution.resume(str(run), run.parent, {}, said)
    except _ReachedError:
        told = [re.search(r"(\d+) of (\d+) trials remain", line) for line in said.said]
        assert [each.groups() for each in told if each] == [("1", "3")], str(said.said)
        return
    raise AssertionError(f"nothing is left to be done: {said.said}")


def _content(results: Any) -> Content:
    return results.records, json.dumps(comparison_as_json(results)["rows"])


READERS: dict[str, Reader] = {
    "report": _report, "runs show": _show, "runs": _list, "compare": _compare, "resume": _resume,
}  # fmt: skip


@contextmanager
def _quick() -> Iterator[None]:
    """Draw no page, and stop a resumed run where it would look for its pictures."""

    def reached(request: object) -> None:
        raise _ReachedError

    with (
        mock.patch("bench.runs.stored_runs.write_page"),
        mock.patch.object(execution, "resolve_request", reached),
    ):
        yield


def _with_commands(place: Path, count: int, generator: random.Random, tally: Tally) -> None:
    """Stop a real run of three after two trials, damage copies, and resume and report them."""
    work = place / "work"
    (place / "home").mkdir(parents=True)
    work.mkdir()
    draw_folder(place / "drawn")
    env = {"ZOO_CACHE": str(place / "cache"), "HOME": str(place / "home")}
    command(["bench", *_OPTIONS], work, env=env)
    truth = {name: each.predictions for name, each in trials_of(work / "runs").items()}
    shutil.rmtree(work / "runs")
    command(["bench", *_OPTIONS], work, env=env, strike=_AFTER_TWO)
    for number in range(count):
        copy = place / f"copy-{number}"
        shutil.copytree(work, copy)
        (run,) = (copy / "runs").glob("0001-*")
        done = {path: path.read_bytes() for path in run.rglob("predictions.csv")}
        told = _spoil(run, generator)
        for arguments in (["report", "1"], ["bench", "--resume", "1"], ["compare", "1", "1"]):
            ended = command(arguments, copy, env=env)
            case = f"{told}, zoo {' '.join(arguments)}"
            if ended.code is None:
                tally.add(case, "hangs")
            elif "Traceback (most" in ended.err:
                tally.add(case, "tracebacks", ended.err[-900:])
            elif ended.code and len(ended.refusals) != 1:
                tally.add(case, "silently wrong", ended.err[-300:])
            else:
                tally.add(case, "named" if ended.code else "as stored")
        found = {name: each.predictions for name, each in trials_of(copy / "runs").items()}
        lost = [str(path) for path in done if path.read_bytes() != done[path]]
        other = [name for name in found if found[name] != truth[name]]
        tally.add(f"{told}, predictions", "silently wrong" if lost or other else "as stored",
                  f"{lost} {other}")  # fmt: skip


_AFTER_TWO = Strike(moment="trial", harm="struck:interrupt", after=2)


def main() -> None:
    """Make as many as the first argument says, with the seed that the second one is."""
    tally = attack_store(int(sys.argv[1]), int(sys.argv[2]) if sys.argv[2:] else 0)
    print(table([tally]), dict(tally.counts))
    sys.exit(1 if tally.wrong else 0)


if __name__ == "__main__":
    main()
