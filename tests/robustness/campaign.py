"""Runs that are hit at random moments and gone on with, against one that nothing has disturbed.

`campaign.py 100` prints figures; 0 of them may be lost, different, or orphans. `make soak` does.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from drawn_folder import draw_folder
from endings import Acknowledged, acknowledged, differences, ending, resumed
from hits import KINDS, Kind, can_mount, damage, relieve, strike, working_folder
from moments import MOMENTS, Moment, await_moment
from paths import PLUGINS
from zoo_process import ZooProcess

_SHARES = (70, 10, 10, 5, 5)  # of KINDS, in a hundred
_EPOCHS = 4
_MOST_BEGINNINGS = 8
_EXPECTED = {
    "SIGKILL": {137},
    "damaged checkpoint": {137},
    "SIGTERM": {143},
    "SIGINT": {130},
    "full disk": {2, 4},
}


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What one run that was hit came to."""

    kind: Kind
    seed: int
    moments: list[str] = field(default_factory=list)
    resumed: int = 0
    damaged: int = 0
    passed_over: int = 0
    orphans: int = 0
    wrong: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)

    @property
    def went_wrong(self) -> bool:
        """Something is not as it should be."""
        return bool(self.wrong or self.lost or self.different or self.orphans)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where runs are made, and how the one ended that nothing has disturbed."""

    folder: Path
    unbroken: dict[str, object]
    most_hits: int

    @classmethod
    def prepared(cls, folder: Path, most_hits: int) -> Place:
        """Return a place in `folder`, an unbroken run being made in it."""
        draw_folder(folder / "drawn")
        (folder / "unbroken").mkdir()
        zoo = _begun(_arguments(folder), folder / "unbroken", folder / "cache")
        code = zoo.wait()
        run = _run_folder(zoo, folder / "unbroken")
        assert code == 0, zoo.lines
        assert run is not None
        return cls(folder=folder, unbroken=ending(run), most_hits=most_hits)


def campaign(
    kinds: Sequence[Kind], seed: int, *, at_once: int = 2, most_hits: int = 3
) -> list[Outcome]:
    """Return what became of one run for each of `kinds`, hit as `seed` has it."""
    with tempfile.TemporaryDirectory() as scratch:
        place = Place.prepared(Path(scratch), most_hits)
        with ThreadPoolExecutor(at_once) as pool:
            numbers = range(seed * 1000, seed * 1000 + len(kinds))
            return list(pool.map(lambda kind, number: _hit(place, kind, number), kinds, numbers))


def kinds_of(count: int) -> list[Kind]:
    """Return the kinds of so many runs, by their shares; each at least once."""
    each = [max(1, count * share // 100) for share in _SHARES]
    each[0] += count - sum(each)
    return [kind for kind, number in zip(KINDS, each, strict=True) for _ in range(number)]


def figures(outcomes: Sequence[Outcome]) -> dict[str, int]:
    """Return what is to be told of a campaign, by name."""
    kinds = Counter(outcome.kind for outcome in outcomes)
    hits = Counter(moment for outcome in outcomes for moment in outcome.moments)
    return {
        **{f"runs hit by {kind}": kinds[kind] for kind in KINDS},
        **{f"hits in {name}": number for name, number in sorted(hits.items())},
        "hits in all": hits.total(),
        "trials gone on with from a checkpoint": sum(each.resumed for each in outcomes),
        "checkpoints damaged": sum(each.damaged for each in outcomes),
        "damaged checkpoints passed over": sum(each.passed_over for each in outcomes),
    }


def failures(outcomes: Sequence[Outcome]) -> dict[str, int]:
    """Return what must be 0, by name."""
    return {
        "acknowledged trials lost or changed": sum(len(each.lost) for each in outcomes),
        "runs that end otherwise": sum(bool(each.different) for each in outcomes),
        "runs that went otherwise wrong": sum(bool(each.wrong) for each in outcomes),
        "orphans": sum(each.orphans for each in outcomes),
    }


def _hit(place: Place, kind: Kind, number: int) -> Outcome:
    """Make a run, hit it until it was hit often enough, and let it end."""
    generator, outcome = random.Random(number), Outcome(kind=kind, seed=number)
    root = place.folder / str(number)
    try:
        with working_folder(kind, root) as folder:
            _hit_in(folder, place, outcome, generator)
    except Exception as error:  # noqa: BLE001  (one run more that went wrong)
        outcome.wrong.append(f"{type(error).__name__}: {error}")
    finally:
        shutil.rmtree(root, ignore_errors=True)
    return outcome


def _hit_in(folder: Path, place: Place, outcome: Outcome, generator: random.Random) -> None:
    cache = folder / "cache" if generator.random() < 0.2 else place.folder / "cache"
    arguments, hits = _arguments(place.folder), generator.randint(1, place.most_hits)
    known: list[Acknowledged] = []
    run: Path | None = None
    for beginning in range(_MOST_BEGINNINGS):
        zoo = _begun(arguments, folder, cache)
        if beginning < hits:
            # the first may fall anywhere; the others are more, if they come at all
            moment = MOMENTS[(outcome.seed + 3 * beginning) % len(MOMENTS)]
            _strike_at(zoo, moment, folder, outcome, generator)
        code = zoo.wait()
        relieve(folder)
        outcome.orphans += len(zoo.orphans())
        outcome.passed_over += sum("cannot use the checkpoint" in line for line in zoo.lines)
        run = _run_folder(zoo, folder) or run  # one that goes on may be hit before it says which
        known = _still_there(run, known, outcome)
        if code == 0:
            break
        if code not in _EXPECTED[outcome.kind] and not _too_soon(zoo.lines):
            outcome.wrong.append(f"exit code {code}: {zoo.lines[-3:]}")
        if outcome.kind == "damaged checkpoint" and generator.random() < 0.8:
            outcome.damaged += damage(folder, generator)
        arguments = zoo.resume_command() or arguments
    if code or run is None:
        outcome.wrong.append(f"it never ended: {zoo.lines[-3:]}")
        return
    outcome.resumed = resumed(run)
    outcome.different = differences(place.unbroken, ending(run))


def _too_soon(lines: Sequence[str]) -> bool:
    """Say whether Ctrl-C met Python before it had come to the first line of ours."""
    return any("init_import_site" in line for line in lines) and lines[-1] == "KeyboardInterrupt"


def _strike_at(
    zoo: ZooProcess, moment: Moment, folder: Path, outcome: Outcome, generator: random.Random
) -> None:
    if await_moment(zoo, folder, moment, generator):
        outcome.moments.append(moment.name)
        strike(zoo, outcome.kind, folder, generator)


def _still_there(
    folder: Path | None, known: list[Acknowledged], outcome: Outcome
) -> list[Acknowledged]:
    """Return what is acknowledged now; all that was must be there, as it was."""
    try:
        now = acknowledged(folder)
    except Exception as error:  # noqa: BLE001  (whatever it is, the records can't be read)
        outcome.lost.append(f"{type(error).__name__}: {error}")
        return known
    outcome.lost += [each.trial for each in known if each not in now]
    return now


def _arguments(folder: Path) -> list[str]:
    fixed = (
        "--batch-size 4 --threads 1 --workers 1 --memory-format channels_last --checkpoint-every 1"
    )
    asked = ["bench", "--models", "lenet5", "shaky", "--data", str(folder / "drawn")]
    return [*asked, "--epochs", str(_EPOCHS), *fixed.split()]


def _begun(arguments: list[str], folder: Path, cache: Path) -> ZooProcess:
    return ZooProcess(arguments, cwd=folder, plugins=[PLUGINS / "shakynet"], cache=cache)


def _run_folder(zoo: ZooProcess, folder: Path) -> Path | None:
    command = zoo.resume_command()
    named = [line.partition(": ")[2] for line in zoo.lines if line.startswith("Results, ")]
    name = named[-1] if named else command[-1] if command else None
    return None if name is None else folder / name


def told(count: int, seed: int, at_once: int) -> int:
    """Make a campaign of so many runs, print its figures, and return how much went wrong."""
    started = time.monotonic()
    kinds = kinds_of(count)
    if not can_mount():
        kinds = [kind for kind in kinds if kind != "full disk"]
        print("no disk can be filled here: nothing may be mounted")
    outcomes = campaign(kinds, seed, at_once=at_once)
    wrong = failures(outcomes)
    for name, number in {**figures(outcomes), **wrong}.items():
        print(f"{number:>8,}  {name}")
    for outcome in outcomes:
        if outcome.went_wrong:
            print(outcome)
    print(f"{time.monotonic() - started:>8,.0f}  seconds of the campaign")
    return sum(wrong.values())


def main() -> None:
    """Make a campaign of as many runs as are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--at-once", type=int, default=2)
    asked = parser.parse_args()
    sys.exit(1 if told(asked.count, asked.seed, asked.at_once) else 0)


if __name__ == "__main__":
    main()
