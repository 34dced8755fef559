"""Pictures that a second hand changes while a run is made of them: `attack_images.py 150`.

Whatever happens, a run either predicts what the undisturbed one does, or names what has changed.
"""

from __future__ import annotations

import random
import shlex
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from drawn_folder import draw_folder
from image_harm import HARMS
from run_reading import Trials, judged, trials_of
from struck import MOMENTS, Ended, Strike, command
from tally import Tally, changes, table, tree

_FIXED = shlex.split(
    "--models lenet5 --seeds 2 --epochs 2 --batch-size 4 --threads 1 --workers 0 "
    "--memory-format channels_last --runs-dir runs"
)
_WAYS = (("--no-isolate",), ("--no-isolate", "--no-cache"), (), ("--jobs", "2"),
         ("--jobs", "2", "--no-cache"))  # fmt: skip
_WHEN = (*MOMENTS, "between", "planned elsewhere")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is done to which pictures, when, and how the run is made."""

    when: str
    harm: str
    way: tuple[str, ...]
    seed: int

    @property
    def told(self) -> str:
        """All of it in one line."""
        return f"{self.harm}, {self.when}, {' '.join(self.way) or 'plain'}, seed {self.seed}"


def cases(count: int, seed: int) -> list[Case]:
    """Return so many cases: each harm at each moment first, in an order that `seed` has it."""
    generator = random.Random(seed)
    found: list[Case] = []
    while len(found) < count:
        pairs = [*product(_WHEN, HARMS)]
        generator.shuffle(pairs)
        for number, (when, harm) in enumerate(pairs):
            way = _WAYS[number % len(_WAYS)]
            found.append(Case(when=when, harm=harm, way=way, seed=generator.randrange(10**6)))
    return found[:count]


def attack_images(
    count: int, seed: int, *, chosen: Sequence[Case] = (), believing: Sequence[str] = ()
) -> Tally:
    """Return what came of `count` runs whose pictures were changed, or of those of `chosen`.

    With `believing`, these checks of the program find all right, which must be noticed.
    """
    tally = Tally(campaign="images changed during runs")
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        draw_folder(place / "drawn")
        truth = _truth(place)
        for case in chosen or cases(count, seed):
            with _room(place) as room:
                _try(case, room, truth, tally, believing)
    return tally


def _try(case: Case, room: Path, truth: Trials, tally: Tally, believing: Sequence[str]) -> None:
    """Make the run of a case in `room`, which has the pictures, and count what came of it."""
    before = tree(room, without=[room / "work"])
    pictures = sorted((room / "drawn").glob("*/*.jpg"))
    several = case.harm in ("replace", "remove", "flip")
    chosen = random.Random(case.seed).sample(pictures, 3 if several else 1)
    ended = _made(case, room / "work", chosen, believing)
    changed = changes(before, tree(room, without=[room / "work"]))
    touched = [name.removeprefix("drawn/") for name in changed if _of_the_hand(name)]
    outcome, seen = judged(ended, room / "work", truth, [*touched, "drawn does not exist"])
    tally.add(case.told, outcome, seen)
    tally.add_outside(case.told, [name for name in changed if not _of_the_hand(name)])


def _made(case: Case, work: Path, chosen: list[Path], believing: Sequence[str]) -> Ended:
    """Return how the last command of the run ended."""
    paths, how = tuple(map(str, chosen)), f"image_harm:{case.harm}"
    env = {"ZOO_CACHE": str(work / "cache"), "HOME": str(work.parent / "home")}
    options = [*_FIXED, "--data", "../drawn", *case.way]
    if case.when in MOMENTS:
        strike = Strike(moment=case.when, harm=how, paths=paths, seed=case.seed)
        return command(["bench", *options], work, strike=strike, believing=believing, env=env)
    if case.when == "between":
        stop = Strike(moment="trial", harm="struck:interrupt")
        command(["bench", *options], work, strike=stop, env=env)
        HARMS[case.harm](chosen, case.seed)
        return command(["bench", "--resume", "1"], work, env=env)
    options = [each for each in options if each not in ("--no-isolate",)]
    options = options[: options.index("--runs-dir")]
    command(["plan", *options, "--data", "../drawn", "--out", "plan.json"], work, env=env)
    HARMS[case.harm](chosen, case.seed)
    worked = command(["work", "plan.json"], work, env=env)
    return worked if worked.code else command(["gather", "plan.json"], work, env=env)


def _truth(place: Path) -> Trials:
    with _room(place) as room:
        env = {"ZOO_CACHE": str(room / "work" / "cache")}
        asked = ["bench", *_FIXED, "--data", "../drawn", "--no-isolate"]
        ended = command(asked, room / "work", env=env)
        found = trials_of(room / "work" / "runs")
    assert len(found) == 2, ended.err
    return found


@contextmanager
def _room(place: Path) -> Iterator[Path]:
    """Yield a folder with the pictures, an empty one to work in, and a home that is watched."""
    with tempfile.TemporaryDirectory(dir=place) as folder:
        room = Path(folder)
        draw_folder(room / "drawn")
        for name in ("work", "home"):
            (room / name).mkdir()
        yield room


def _of_the_hand(name: str) -> bool:
    """Say whether the second hand may have done it: it works on the pictures."""
    return name.startswith(("drawn", "copy-of-"))


def main() -> None:
    """Make as many as the first argument says, with the seed that the second one is."""
    tally = attack_images(int(sys.argv[1]), int(sys.argv[2]) if sys.argv[2:] else 0)
    print(table([tally]), dict(tally.counts))
    sys.exit(1 if tally.wrong else 0)


if __name__ == "__main__":
    main()
