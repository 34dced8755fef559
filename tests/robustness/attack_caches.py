"""Caches that a second hand alters while a run reads them, or before: `attack_caches.py 100`.

Whatever is in a cache, a run predicts what it does without one, or names the file.
"""

from __future__ import annotations

import random
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from cache_harm import HARMS
from drawn_folder import draw_folder, noise
from run_reading import Trials, judged, trials_of
from struck import Ended, Strike, command
from tally import Tally, changes, table, tree

_FIXED = shlex.split(
    "--models lenet5 --seeds 2 --epochs 2 --batch-size 4 --threads 1 --workers 0 "
    "--memory-format channels_last --runs-dir runs"
)
_WAYS = (("--no-isolate",), (), ("--jobs", "2"))
_WHEN = ("before", "checked", "planned", "epoch", "trial")
_FILES = (
    "pixels/whole-*.pixels",
    "pixels/centre-*.pixels",
    "checked.sqlite",
    "synthetic-*/*/*/*.jpg",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is done to which file of the cache, when, and how the run is made."""

    when: str
    harm: str
    file: str
    way: tuple[str, ...]
    seed: int

    @property
    def told(self) -> str:
        """All of it in one line."""
        way = " ".join(self.way) or "plain"
        return f"{self.harm} of {self.file}, {self.when}, {way}, seed {self.seed}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What runs of the folder and of the drawings come to, and a cache that both have filled."""

    folder: Trials
    drawings: Trials


def cases(count: int, seed: int) -> list[Case]:
    """Return so many cases: each harm of each file at each moment, as `seed` has it."""
    generator, found = random.Random(seed), list[Case]()
    while len(found) < count:
        all_of_them = [*product(_WHEN, HARMS, _FILES)]
        generator.shuffle(all_of_them)
        for number, (when, harm, file) in enumerate(all_of_them):
            way, chance = _WAYS[number % len(_WAYS)], generator.randrange(10**6)
            found.append(Case(when=when, harm=harm, file=file, way=way, seed=chance))
    return found[:count]


def attack_caches(
    count: int, seed: int, *, chosen: Sequence[Case] = (), believing: Sequence[str] = ()
) -> Tally:
    """Return what came of `count` runs whose cache was altered, and of pairs that share one.

    With `believing`, these checks of the program find all right, which must be noticed.
    """
    tally = Tally(campaign="caches altered while open")
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        truth = _truth(place)
        for case in chosen or cases(count, seed):
            with _room(place) as room:
                _try(case, room, truth, tally, believing)
        for number in range(count // 20):
            with _room(place, empty=True) as room:
                _two_at_once(number, room, truth, tally)
    return tally


def _try(case: Case, room: Path, truth: Truth, tally: Tally, believing: Sequence[str]) -> None:
    work = room / "work"
    there = sorted((work / "cache").glob(case.file))
    paths = there
    if case.harm in ("remove_all", "link_lock_out", "link_folder_out", "leave_partial"):
        paths = paths[:1]
    paths = random.Random(case.seed).sample(paths, min(2, len(paths)))
    strike = None
    if case.when == "before":
        HARMS[case.harm](paths, case.seed)
    else:
        named = tuple(map(str, paths))
        harm = f"cache_harm:{case.harm}"
        strike = Strike(moment=case.when, harm=harm, paths=named, seed=case.seed)
    before = tree(room, without=[work])
    of_drawings = case.file.startswith("synthetic")
    ended = _made(of_drawings, case.way, work, strike, believing=believing)
    truth_of_it = truth.drawings if of_drawings else truth.folder
    names = [str(work / "cache"), *map(str, paths)]
    if of_drawings:
        gone = there if case.harm == "remove_all" else paths
        names += [f"{path.parent.name}/{path.name}" for path in gone]
    outcome, seen = judged(ended, work, truth_of_it, names)
    outcome = "silently wrong" if outcome.startswith("recorded") else outcome
    tally.add(case.told, outcome, seen)
    changed = changes(before, tree(room, without=[work]))
    tally.add_outside(case.told, [n for n in changed if strike is None or n not in _new(n, before)])


def _new(name: str, before: dict[str, tuple[object, ...]]) -> list[str]:
    """Return the name if the hand has put it there."""
    return [name] if name.startswith("victim") and name not in before else []


def _two_at_once(number: int, room: Path, truth: Truth, tally: Tally) -> None:
    """Have two runs fill one cache at once."""
    works = [room / "work", room / "beside"]
    works[1].mkdir()

    def make(work: Path) -> Ended:
        return _made(False, _WAYS[number % len(_WAYS)], work, None, cache=room / "work" / "cache")

    with ThreadPoolExecutor(2) as pool:
        for work, ended in zip(works, pool.map(make, works), strict=True):
            outcome, seen = judged(ended, work, truth.folder, [])
            outcome = outcome if outcome == "as undisturbed" else "silently wrong"
            tally.add(f"two at once, {number}", outcome, seen or ended.err[-300:])


def _made(
    drawings: bool,
    way: tuple[str, ...],
    work: Path,
    strike: Strike | None,
    *,
    cache: Path | None = None,
    believing: Sequence[str] = (),
) -> Ended:
    env = {"ZOO_CACHE": str(cache or work / "cache"), "HOME": str(work.parent / "home")}
    data = [] if drawings else ["--data", "../drawn"]
    asked = ["bench", *_FIXED, *data, *way]
    return command(asked, work, strike=strike, believing=believing, env=env)


def _truth(place: Path) -> Truth:
    """Return what undisturbed runs come to; the cache of theirs is kept as `filled`."""
    found = []
    for drawings in (False, True):
        with _room(place, empty=drawings is False) as room:
            ended = _made(drawings, ("--no-isolate",), room / "work", None)
            assert not ended.code, ended.err
            found.append(trials_of(room / "work" / "runs"))
            _copy(room / "work" / "cache", place / "filled")
    return Truth(folder=found[0], drawings=found[1])


@contextmanager
def _room(place: Path, *, empty: bool = False) -> Iterator[Path]:
    """Yield a folder with pictures, an own cache that is filled or not, and a watched home."""
    with tempfile.TemporaryDirectory(dir=place) as folder:
        room = Path(folder)
        _drawn_with_copies(room / "drawn")
        for name in ("work", "home"):
            (room / name).mkdir()
        if not empty:
            _copy(place / "filled", room / "work" / "cache")
        yield room


def _copy(source: Path, target: Path) -> None:
    """Copy a tree with its modes."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)


def _drawn_with_copies(folder: Path) -> None:
    """Draw pictures, of which some are copies of others: a split keeps them together."""
    draw_folder(folder)
    for number in (3, 8):
        noise(number).resize((24, 20)).save(folder / "Cat" / f"cat.2{number}.jpg")
        noise(number).save(folder / "Cat" / f"cat.3{number}.jpg")


def main() -> None:
    """Make as many as the first argument says, with the seed that the second one is."""
    tally = attack_caches(int(sys.argv[1]), int(sys.argv[2]) if sys.argv[2:] else 0)
    print(table([tally]), dict(tally.counts))
    sys.exit(1 if tally.wrong else 0)


if __name__ == "__main__":
    main()
