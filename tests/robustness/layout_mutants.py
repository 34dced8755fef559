"""Random layouts of folders, each read twice: by the program, and by a reader written apart.

`layout_mutants.py 10000 [seed]` prints figures; nothing may be wrong.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from made_layouts import Layout, made_layout
from path_list import listed
from second_reader import Reading, Refusal, part_of, read_again

from bench.data.find import Finding, find
from registry.errors import DataError

Finder = Callable[[Path], Finding]


@dataclass(slots=True, kw_only=True)
class Outcome:
    """How the mutants ended, and all that was wrong with one."""

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[tuple[str, Layout]] = field(default_factory=list)


def layout_mutants(count: int, seed: int, finder: Finder = find) -> Outcome:
    """Return how so many random layouts were read by `finder`, and where it was wrong."""
    outcome = Outcome()
    with tempfile.TemporaryDirectory(dir=_fast()) as scratch:
        for number in range(count):
            layout = made_layout(random.Random(f"{seed} {number}"))
            root = layout.build(Path(scratch, str(number), "owner"))
            _look(root, layout, finder, outcome)
            layout.set_mode(root, 0o700)
            shutil.rmtree(root.parent)
    return outcome


def _look(root: Path, layout: Layout, finder: Finder, outcome: Outcome) -> None:
    mine = read_again(root)
    try:
        finding = finder(root)
    except DataError as error:
        outcome.counts["refused"] += 1
        lines = [] if len(str(error).splitlines()) == 1 else ["a message of several lines"]
        if isinstance(mine, Reading):
            lines.append(f"refused, but the second reader reads {mine.classes}: {error}")
    except Exception as error:  # noqa: BLE001  (whatever it is, it is no refusal)
        lines = [f"{type(error).__name__}: {error}"]
    else:
        outcome.counts["read"] += 1
        lines = [*_faults(finding, root), *_differences(finding, mine, root)]
    outcome.wrong += [(line, layout) for line in lines]


def _faults(finding: Finding, root: Path) -> list[str]:
    """Return what no reading may have, whatever the second reader says."""
    used = Counter(image.path.resolve() for image in finding.images)
    named = {_clean(finding.folder / reject.name) for reject in finding.rejects}
    parts = {image.part: {} for image in finding.images}
    parts = {
        part: {image.label for image in finding.images if image.part == part} for part in parts
    }
    untold = [
        "/".join(path)
        for path in listed(root).images + listed(root).odd
        if root.joinpath(*path).resolve() not in used
        and not {root.joinpath(*path), *root.joinpath(*path).parents} & named
    ]
    split_words = [name for name in finding.classes if part_of(name) and name.lower() != "train"]
    nowhere = {each.path.resolve() for each in finding.images if each.path.is_symlink()}
    labels = set(range(len(finding.classes)))
    faults = {
        f"a class with the name of a split: {split_words}": split_words,
        "one image twice": max(used.values()) > 1,
        "an image that is not there": not all(path.is_file() or path in nowhere for path in used),
        f"images that nothing tells of: {untold}": untold,
        "an image that is used and rejected": named & {image.path for image in finding.images},
        "parts with different classes": any(each != labels for each in parts.values()),
        "images with and without a part": None in parts and len(parts) > 1,
    }
    return [fault for fault, is_there in faults.items() if is_there]


def _differences(finding: Finding, mine: Reading | Refusal, root: Path) -> list[str]:
    if isinstance(mine, Refusal):
        return [f"read as {finding.classes}, but the second reader refuses: {mine.reason}"]
    theirs = {
        image.path.relative_to(root).as_posix(): (finding.classes[image.label], image.part)
        for image in finding.images
    }
    different = sorted(
        f"{name} {theirs.get(name)} {mine.images.get(name)}"
        for name in theirs.keys() | mine.images.keys()
        if theirs.get(name) != mine.images.get(name)
    )
    lines = [f"images are read otherwise: {different}"] if different else []
    if finding.classes != mine.classes:
        lines.append(f"classes {finding.classes}, second reader {mine.classes}")
    return lines


def _clean(path: Path) -> Path:
    """Return the path without `..`, and without following a link."""
    pieces: list[str] = []
    for piece in path.parts:
        pieces = pieces[:-1] if piece == ".." else [*pieces, piece]
    return Path(*pieces)


def _fast() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def main() -> None:
    """Print how so many mutants as are asked for ended."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("count", type=int, nargs="?", default=10_000)
    asked.add_argument("seed", type=int, nargs="?", default=0)
    given = asked.parse_args()
    outcome = layout_mutants(given.count, given.seed)
    for line, layout in outcome.wrong:
        print(line, "\n   ", " | ".join(layout.told()))
    for name, number in {**outcome.counts, "wrong": len(outcome.wrong)}.items():
        print(f"{number:>8,}  {name}")
    sys.exit(1 if outcome.wrong else 0)


if __name__ == "__main__":
    main()
