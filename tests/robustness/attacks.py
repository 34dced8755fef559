"""All campaigns of attacks, and one table of their figures: `attacks.py 400`."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial

from attack_caches import attack_caches
from attack_images import attack_images
from attack_owners import attack_owners
from attack_store import attack_store
from flip_store import flip_store
from fuzz_pixel_cache import fuzz_pixel_cache
from tally import Tally, table


def attacks(count: int, seed: int) -> Iterator[Tally]:
    """Yield the figures of each campaign; `count` are of the database, of others in proportion."""
    for attack, of_400 in _campaigns():
        yield attack(max(1, count * of_400 // 400), seed)


def _campaigns() -> tuple[tuple[Callable[[int, int], Tally], int], ...]:
    """Return the campaigns, and how many cases each has beside 400 of the database."""
    return (
        (attack_images, 150),
        (attack_caches, 120),
        (_faults, 600),
        (attack_owners, 300),
        (attack_store, 400),
        (partial(_flips, logged=True), 400),
        (partial(_flips, logged=False), 400),
    )


def _faults(count: int, seed: int) -> Tally:
    """Return the figures of faults of a pixel cache that is read image by image."""
    tally, counts = Tally(campaign="faults of the pixel cache"), fuzz_pixel_cache(count, seed)
    wrong = counts["silently wrong"] + counts["refused without a name"]
    tally.counts += Counter({"cases": count, "silently wrong": wrong})
    return tally


def _flips(count: int, seed: int, *, logged: bool) -> Tally:
    """Return the figures of bits flipped in a run whose log holds all, or nothing."""
    tally = Tally(campaign=f"flips of a database {'with' if logged else 'without'} a log")
    try:
        flip_store(count, seed, logged=logged)
    except AssertionError as error:
        tally.add(f"seed {seed}", "silently wrong", str(error))
    tally.counts["cases"] = count
    return tally


def told(count: int, seed: int) -> int:
    """Print the figures of all campaigns, and return how much went wrong."""
    tallies = [*attacks(count, seed)]
    print(table(tallies))
    return sum(tally.wrong for tally in tallies)


def main() -> None:
    """Make as many as are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=400)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    sys.exit(1 if told(asked.count, asked.seed) else 0)


if __name__ == "__main__":
    main()
