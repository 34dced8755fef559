"""Files of another user, and files that nobody may read: `attack_owners.py 150`.

Each is read or refused in one line, and nothing is ever written into one of another user.
"""

from __future__ import annotations

import os
import random
import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from drawn_folder import draw_folder
from powers import NOBODY, can_be_two
from struck import Ended, Strike, command
from tally import Tally, Tree, changes, table, tree

_FIXED = shlex.split(
    "--seeds 2 --epochs 1 --batch-size 4 --threads 1 --memory-format channels_last --no-isolate"
)
_BENCH = ["bench", "--models", "lenet5", "--data", "../drawn", *_FIXED, "--runs-dir", "runs"]
_OF_RUN = (
    *(["report", "1"], ["runs"], ["runs", "show", "1"], ["bench", "--resume", "2"]),
    *(["compare", "1", "2"], ["predict", "../drawn/Cat/cat.0.jpg", "--run", "1"]),
    *(
        ["export", "1", "--safetensors", "out/", "--seed", "0"],
        ["runs", "rm", "2", "--yes"],
        _BENCH,
    ),
)
_OF_PLAN = (["work", "plan.json"], ["gather", "plan.json"])
_OF_PICTURES = (_BENCH, ["data", "check", "../drawn"], ["predict", "../drawn", "--run", "1"])
_OF_CACHE = (_BENCH, ["data", "cache"], ["data", "cache", "--clear"], ["data", "check", "../drawn"])
OBJECTS: dict[str, tuple[tuple[str, ...], tuple[list[str], ...]]] = {
    "run folder": (("work/runs/0001-lenet5", "work/runs/0002-lenet5"), _OF_RUN),
    "runs folder": (("work/runs",), _OF_RUN),
    "trial folder": (("work/runs/0001-lenet5/lenet5", "work/runs/0002-lenet5/lenet5"), _OF_RUN),
    "database": (("work/runs/0001-lenet5/run.db", "work/runs/0002-lenet5/run.db"), _OF_RUN),
    "journal": (
        ("work/runs/0001-lenet5/finished.json", "work/runs/0002-lenet5/finished.json"),
        _OF_RUN,
    ),
    "lock": (("work/runs/0001-lenet5/lock", "work/runs/0002-lenet5/lock"), _OF_RUN),
    "tables": (
        ("work/runs/0001-lenet5/comparison.csv", "work/runs/0002-lenet5/comparison.csv"),
        _OF_RUN,
    ),
    "whole run": (("work/runs/000*-lenet5", "work/runs/000*-lenet5/**/*"), _OF_RUN),
    "weights": (("work/runs/0001-lenet5/lenet5/seed-0/weights.safetensors",), _OF_RUN),
    "record": (("work/runs/000*-lenet5/lenet5/seed-0/record.json",), _OF_RUN),
    "working folder": (("work",), (*_OF_RUN, *_OF_PLAN)),
    "pictures": (("drawn", "drawn/**/*"), _OF_PICTURES),
    "a picture": (("drawn/Cat/cat.3.jpg",), _OF_PICTURES),
    "class folder": (("drawn/Dog",), _OF_PICTURES),
    "cache": (("work/cache",), _OF_CACHE),
    "whole cache": (("work/cache", "work/cache/**/*"), _OF_CACHE),
    "pixels": (("work/cache/pixels/*.pixels",), _OF_CACHE),
    "pixel folder": (("work/cache/pixels",), _OF_CACHE),
    "pixel locks": (("work/cache/pixels/*.lock",), _OF_CACHE),
    "verdicts": (("work/cache/checked.sqlite",), _OF_CACHE),
    "plan": (("work/plan.json",), _OF_PLAN),
    "work of a plan": (("work/plan.work/**/*",), _OF_PLAN),
    "recipe": (("work/recipe.toml",), ([*_BENCH, "--recipe", "./recipe.toml"],)),
    "labels": (("work/labels.csv",), ([*_BENCH, "--labels", "labels.csv"],)),
    "settings": (("work/run.toml",), (["bench", "--config", "run.toml"],)),
    "network": (("work/mynet.py",), ([*_BENCH[:2], "./mynet.py:MyNet", *_BENCH[3:]],)),
}
_STATES = (
    ("theirs", 0o755, 0o644),
    ("theirs", 0o700, 0o600),
    ("theirs", 0, 0),
    ("theirs", 0o777, 0o666),
    ("theirs, sticky", 0o1777, 0o666),
    ("ours, shut", 0, 0),
    ("ours, read-only", 0o500, 0o400),
)
_PLANTED = ("linked cache", "linked to theirs", "cache in a sticky folder", "sticky runs folder")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A command, and the files that are in a state when it comes."""

    what: str
    state: tuple[str, int, int]
    command: tuple[str, ...]

    @property
    def told(self) -> str:
        """All of it in one line."""
        name, folder, file = self.state
        return f"{self.what}, {name} {folder:o}/{file:o}: {' '.join(self.command)}"


def cases(count: int, seed: int) -> list[Case]:
    """Return so many cases, as `seed` has them."""
    every = [
        Case(what=what, state=state, command=tuple(each))
        for what, (_, commands) in OBJECTS.items()
        for state in _STATES
        for each in commands
    ]
    every += [Case(what=what, state=_STATES[3], command=tuple(_BENCH)) for what in _PLANTED]
    random.Random(seed).shuffle(every)
    return every[:count]


def attack_owners(
    count: int,
    seed: int,
    *,
    chosen: Sequence[Case] = (),
    run: Callable[..., Ended] = command,
    make: Callable[[Path], object] | None = None,
) -> Tally:
    """Return what came of `count` commands that meet files of another user, or shut ones.

    Args:
        count: how many.
        seed: which.
        chosen: these, and no others.
        run: runs a command.
        make: makes what they meet; none: whole runs, a plan, a cache.
    """
    tally = Tally(campaign="files of another user")
    if not can_be_two():
        tally.skipped = "skipped: only root can give files to another user"
        return tally
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        place.chmod(0o755)
        (make or _make)(place / "made")
        for case in chosen or cases(count, seed):
            with _room(place) as room:
                _try(case, room, tally, run)
    return tally


def _try(case: Case, room: Path, tally: Tally, run: Callable[..., Ended]) -> None:
    cache = _lay_out(case, room)
    vault = _kept(room)
    before = {"vault": tree(vault), "room": tree(room), "outside": _outside(room)}
    env = {"ZOO_CACHE": str(cache), "HOME": str(room / "home"), "TMPDIR": str(room / "work/tmp")}
    ended = run(list(case.command), room / "work", powerless=True, env=env)
    tally.add(case.told, *_judged(ended))
    written = changes(before["vault"], tree(vault))
    theirs = [name for name, state in before["room"].items() if state[2] == NOBODY]
    after = tree(room)
    written += [n for n in theirs if after.get(n, (0, 0, 0))[2] == NOBODY and _is_written(
        n, before["room"], after)]  # fmt: skip
    tally.add_outside(case.told, [*written, *changes(before["outside"], _outside(room))])


def _is_written(name: str, before: Tree, after: Tree) -> bool:
    """Say whether a file or folder of the other user has another mode or content."""
    return name in after and before[name] != after[name]


def _outside(room: Path) -> Tree:
    """Return all but what commands may write to."""
    return tree(room, without=[room / "work", room / "vault", room / "shared", room / "place"])


def _judged(ended: Ended) -> tuple[str, str]:
    if ended.code is None:
        return "hangs", ended.err[-300:]
    if "Traceback (most" in ended.err + ended.out:
        return "tracebacks", ended.err[-900:]
    if ended.code and len(ended.refusals) != 1 and "failed" not in ended.err:
        lines = [line for line in ended.err.splitlines() if line]
        is_told = len(lines) == 1 or "trials are missing" in ended.err
        return ("refused", "") if is_told else ("silently wrong", ended.err[-400:])
    return ("refused" if ended.code else "read"), ""


def _lay_out(case: Case, room: Path) -> Path:
    """Put the files of a case into its state, and return the cache folder to be named."""
    cache = room / "work" / "cache"
    if case.what in OBJECTS:
        for pattern in OBJECTS[case.what][0]:
            for path in sorted(room.glob(pattern)):
                _put(path, case.state)
    elif case.what.startswith("linked"):
        target = room / "place"
        shutil.move(cache, target)
        if case.what == "linked to theirs":
            _put(target, case.state)
        cache.symlink_to(target)
    else:
        shared = room / "shared"
        shared.mkdir()
        shared.chmod(0o1777)
        os.chown(shared, NOBODY, NOBODY)
        name = "cache" if case.what.startswith("cache") else "runs"
        shutil.move(room / "work" / name, shared / name)
        _put(shared / name, case.state)
        (room / "work" / name).symlink_to(shared / name)
    return cache


def _put(path: Path, state: tuple[str, int, int]) -> None:
    owner, folder, file = state
    if path.is_symlink():
        return
    if owner.startswith("theirs"):
        os.chown(path, NOBODY, NOBODY)
    path.chmod(folder if path.is_dir() else file)


def _kept(room: Path) -> Path:
    """Return a folder with a second name of each file of the other user, under which it stays."""
    vault = room / "vault"
    vault.mkdir()
    found = [path for path in room.rglob("*") if path.is_file() and not path.is_symlink()]
    for number, path in enumerate(found):
        if path.stat().st_uid == NOBODY:
            os.link(path, vault / f"{number}-{path.name}")
    return vault


@contextmanager
def _room(place: Path) -> Iterator[Path]:
    """Yield a copy of what was made, with a home of its own."""
    with tempfile.TemporaryDirectory(dir=place) as folder:
        room = Path(folder)
        room.chmod(0o755)
        shutil.copytree(place / "made", room, dirs_exist_ok=True)
        yield room


def _make(made: Path) -> None:
    """Make two runs, one of which was interrupted, a plan that was begun, and what they need."""
    work = made / "work"
    for folder in (work / "tmp", made / "home"):
        folder.mkdir(parents=True)
    draw_folder(made / "drawn")
    env = {"ZOO_CACHE": str(work / "cache"), "HOME": str(made / "home")}
    stop = Strike(moment="trial", harm="struck:interrupt")
    plan = [*_BENCH[1:5], *_FIXED[:-1], "--out", "plan.json"]
    done = [
        command(_BENCH, work, env=env),
        command(_BENCH, work, strike=stop, env=env),
        command(["plan", *plan], work, env=env),
        command(["work", "plan.json", "--array-task", "0/2"], work, env=env),
    ]
    assert [each.code for each in done] == [0, 130, 0, 0], [each.err[-500:] for each in done]
    (work / "recipe.toml").write_text('base = "default"\n')
    rows = [f"{path.relative_to(made / 'drawn')},{path.parent.name}"
            for path in sorted((made / "drawn").glob("*/*.jpg"))]  # fmt: skip
    (work / "labels.csv").write_text("\n".join(["file,label", *rows]) + "\n")
    (work / "run.toml").write_text('models = ["lenet5"]\ndata = "../drawn"\nepochs = 1\n')
    (work / "mynet.py").write_text(_NETWORK)


_NETWORK = """
from torch import nn


class MyNet(nn.Sequential):
    def __init__(self, num_classes=2):
        super().__init__(nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(48, num_classes))
"""


def main() -> None:
    """Make as many as the first argument says, with the seed that the second one is."""
    tally = attack_owners(int(sys.argv[1]), int(sys.argv[2]) if sys.argv[2:] else 0)
    print(table([tally]), dict(tally.counts))
    sys.exit(1 if tally.wrong else 0)


if __name__ == "__main__":
    main()
