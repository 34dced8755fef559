"""How often verdicts, looks and comparisons are right in many worlds: thousands at once.

`make simulations` runs it, prints each cell, and writes the table of docs/explanation/verdict.md.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field

import numpy as np
from made_looks import until_clear
from made_worlds import WORLDS, chunks, moments
from paths import ROOT

from bench.analysis.stats.looks import pairs_of
from bench.analysis.stats.spread import exclude_zero, p_values

SIZES = (2, 3, 4, 6, 12)
CELLS = [(models, images) for models in (2, 3, 5, 10) for images in (100, 300, 1500)]
PAGE = ROOT / "docs" / "explanation" / "verdict.md"
START, END = "<!-- simulations -->", "<!-- end of simulations -->"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    """Of a number of seeds: any false "better", intervals that hold, pairs told rightly."""

    false_better: float
    coverage: float
    told: float


def holm_rejects(gaps, spread, shape):
    """Return which pairs (E, P) Holm's steps tell apart at 5 %."""
    near = exclude_zero(gaps, spread)
    p = np.ones(len(gaps))
    if near.any():
        p[near] = p_values(gaps[near], spread.at(near))
    p = p.reshape(shape)
    order = np.argsort(p, axis=1, kind="stable")
    passed = np.take_along_axis(p, order, axis=1) * np.arange(p.shape[1], 0, -1) <= 0.05
    found = np.zeros(shape, bool)
    np.put_along_axis(found, order, np.logical_and.accumulate(passed, axis=1), axis=1)
    return found


def fixed(world, models, images, experiments, generator, gaps=None, sizes=SIZES, clusters=True):
    """Return `Fixed` by number of seeds, of models with these `gaps` (k,)."""
    one, other = pairs_of(models)
    gaps = np.zeros(models) if gaps is None else np.asarray(gaps, float)
    truth = np.array([world.truth(gap) for gap in gaps[one] - gaps[other]])
    totals = {size: np.zeros(3) for size in sizes}
    for count in chunks(experiments, models * max(sizes) * images):
        correct = world.correct(generator, count, models, max(sizes), images, gaps)
        for size in sizes:
            known = moments(correct[:, :, :size], world.cluster if clusters else 1)
            found, spread = known.gaps(one, other), known.spread(one, other)
            told = holm_rejects(found.ravel(), spread, found.shape)
            right = told & (np.sign(found) == np.sign(truth))
            held = ~exclude_zero((found - truth).ravel(), spread).reshape(found.shape)
            totals[size] += [(told & ~right).any(axis=1).sum(), held.mean() * count, right.sum()]
    apart = max(int((truth != 0).sum()), 1) * experiments
    return {
        size: Fixed(false_better=a / experiments, coverage=b / experiments, told=c / apart)
        for size, (a, b, c) in totals.items()
    }


def compared(world, models, images, seeds, loss, experiments, generator):
    """Return how often `zoo compare` finds any of `models` worse, which all have lost `loss`."""
    base = np.arange(models) * 2
    gaps = np.tile([0.0, -loss], models)
    worse = 0
    for count in chunks(experiments, 2 * models * seeds * images):
        known = moments(world.correct(generator, count, 2 * models, seeds, images, gaps))
        found = known.gaps(base, base + 1)
        told = holm_rejects(found.ravel(), known.spread(base, base + 1), found.shape)
        worse += (told & (found > 0)).any(axis=1).sum()
    return worse / experiments


def drifting_times(seeds, experiments, generator, *, in_turn, slower=1.0):
    """Return how often a change of training time is found, on a machine whose speed drifts."""
    from bench.analysis.change import time_changes

    found = 0
    for _ in range(experiments):
        speed = np.exp(np.cumsum(0.05 * generator.standard_normal(2 * seeds)))
        seconds = 60 * speed * np.exp(0.02 * generator.standard_normal(2 * seeds))
        base, new = (seconds[::2], seconds[1::2]) if in_turn else np.split(seconds, 2)
        change = time_changes({"m": base}, {"m": new * slower}, in_turn=True)["m"]
        found += change.kind in ("slower", "faster")
    return found / experiments


@dataclass(slots=True, kw_only=True)
class Row:
    """The worst cells of a world, for the table."""

    name: str
    false_fixed: list[float] = field(default_factory=list)
    coverage: list[float] = field(default_factory=list)
    false_looks: list[float] = field(default_factory=list)
    false_compare: list[float] = field(default_factory=list)
    figures: dict[str, float] = field(default_factory=dict)

    def cells(self):
        """Return the columns of the table."""
        seeds = " / ".join(f"{self.figures[f'seeds {gap}']:.1f}" for gap in (0, 6, 12))
        told = " / ".join(f"{self.figures[f'told {gap}']:.0%}" for gap in (6, 12))
        return [
            self.name,
            f"{max(self.false_fixed):.1%}",
            f"{min(self.coverage):.0%} to {max(self.coverage):.0%}",
            f"{max(self.false_looks):.1%}",
            seeds.replace("%", " %"),
            told.replace("%", " %"),
            f"{max(self.false_compare):.1%}",
        ]


def row(name, experiments, generator, cells=CELLS):
    """Return the row of a world, and print each of its cells."""
    world, found = WORLDS[name], Row(name=name)
    for models, images in cells:
        by_size = fixed(world, models, images, experiments, generator)
        looks = until_clear(world, models, images, experiments, generator)
        found.false_fixed += [each.false_better for each in by_size.values()]
        found.coverage += [each.coverage for size, each in by_size.items() if size >= 3]
        found.false_looks.append(looks.false_better)
        told = "  ".join(
            f"{size}: {each.false_better:.1%} {each.coverage:.1%}" for size, each in by_size.items()
        )
        print(
            f"{name:12} k{models:3} N{images:5}  false, coverage by seeds  {told}  "
            f"until clear {looks.false_better:.1%}, {looks.seeds:.1f} seeds",
            flush=True,
        )
    for gap in (0, 6, 12):
        looks = until_clear(world, 2, 300, experiments, generator, [0, -gap / 100])
        found.figures |= {f"seeds {gap}": looks.seeds, f"told {gap}": looks.right}
        print(f"{name:12} 2 models, N 300, {gap} points until clear: told {looks.right:.1%}, "
              f"same {looks.same:.1%}, {looks.seeds:.2f} seeds a model", flush=True)  # fmt: skip
    for models in (2, 3, 5, 10):
        gaps = np.full(models, -0.12)
        gaps[0] = 0
        power = fixed(world, models, 300, experiments // 2, generator, gaps, (3, 4, 6))
        print(f"{name:12} {models} models, N 300, the best by 12 points: told "
              + ", ".join(f"{s} seeds {each.told:.0%}" for s, each in power.items()))  # fmt: skip
    for models in (1, 5, 20):
        for images in (300, 2000):
            shares = [
                compared(world, models, images, seeds, 0, experiments // 2, generator)
                for seeds in (1, 2, 3, 6)
            ]
            found.false_compare += shares
            print(f"{name:12} compare {models:2} models N{images:5}, no change, 1, 2, 3, 6 seeds: "
                  + ", ".join(f"{share:.1%}" for share in shares), flush=True)  # fmt: skip
    losses = [compared(world, 1, 300, seeds, 0.08, experiments, generator) for seeds in (2, 3, 6)]
    print(f"{name:12} compare 1 model N 300, 8 points lost, 2, 3, 6 seeds: "
          + ", ".join(f"{share:.1%}" for share in losses), flush=True)  # fmt: skip
    found.figures["loss"] = losses[-1]
    return found


def table(rows, experiments):
    """Return the table of the page."""
    heads = [
        "world", "false “better”", "intervals that hold", "false until clear",
        "seeds for 0 / 6 / 12 points", "found: 6 / 12 points", "false alarm of compare",
    ]  # fmt: skip
    lines = [heads, ["---"] + ["---:"] * (len(heads) - 1), *(each.cells() for each in rows)]
    shown = [
        "| " + " | ".join(cells).replace("%", " %").replace("  %", " %") + " |" for cells in lines
    ]
    note = f"`make simulations`, {experiments:,} experiments a cell."
    return "\n".join([*shown, "", note])


def write_page(text):
    """Put the table into the page."""
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(START)
    _, after = rest.split(END)
    PAGE.write_text(f"{before}{START}\n\n{text}\n\n{END}{after}", encoding="utf-8")


def main(experiments=1000):
    """Print every figure, and write the page."""
    generator = np.random.default_rng(2024)
    rows = [row(name, experiments, generator) for name in WORLDS]
    for how in (False, True):
        shares = [drifting_times(seeds, experiments, generator, in_turn=how) for seeds in (3, 6)]
        print(f"times, in turn {how}: false {', '.join(f'{share:.1%}' for share in shares)}")
    text = table(rows, experiments)
    print(text)
    write_page(text)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
