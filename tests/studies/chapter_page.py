"""The page on the chapter: what the printed loop gives, what each change gives, and what else."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from statistics import mean, median
from textwrap import fill

import numpy as np
from chapter_outcome import Chapter, Outcome
from chapter_photographs import Bits, unpacked
from chapter_steps import SEEDS, Step

from bench.analysis.stats.interval import accuracy_interval
from bench.analysis.stats.paired import LEVEL, Difference, paired_difference

_Lines = Sequence[tuple[Step, Outcome | None]]
_MAJORITY = 47  # dogs of the 92 that validate
_HEAD = """# The chapter's result, explained

This page is written by `make chapter`, from the outcomes in `chapter.json`. Anyone with the
photographs can repeat them.

The textbook chapter trains a LeNet and an AlexNet on 400 photographs of cats and dogs, and
validates them on 92. After ten epochs it gets 50.0 % and 51.1 %, and blames the small number of
photographs. Other reasons turn out to weigh more. With the same photographs, networks and epochs,
these changes gain so many points of accuracy on other photographs, with 95 % intervals:

{short}

## What was never trained

The chapter's first loop is indented so that its training phase never runs. It validates one
untrained network ten times, and all ten epochs have the same loss. So its accuracy is random. The
table shows {count} untrained networks, seeds 0 to {last}, and how many of the 92 each gets right:

{draws}

**46 of 92 is the chapter's 50.0 %**: {fifty}.

47 of the 92 are dogs. Always answering "dog" is right for **47 of 92, the chapter's 51.1 %**. That
is what its AlexNet answers after ten epochs with the printed recipe, in {majority} of {trainings}
trainings here (first line of its table).

## One change at a time

Each line includes all changes of the lines before it, with {seeds} seeds each. The columns are:

- *validated*: the accuracies on the chapter's 92 validation photographs, lowest to highest;
- *others*: the mean accuracy on the 1,500 of 2,002 photographs outside the chapter's 502, with its
  95 % interval over seeds and photographs;
- *seconds*: training time on one thread of a shared machine, lowest to highest;
- *gain*: the difference from the line before in points, on the same seeds and photographs. It says
  *better* or *worse* where the rule of `zoo compare` excludes chance, for each line separately.

The 1,500 photographs decided one choice only: the side of the training images was tried on some of
them.

A second table goes beyond the chapter's ten epochs and 400 photographs. Its gains are measured
against the last line of the first table, on photographs that both tested and neither trained on.
*Others* gives their number. Ten epochs of more photographs are also more steps.
"""
_BUDGETS = """## In minutes, with more photographs

Here the `default` recipe has a budget of training time instead of epochs, on two cores. It trains
on 1,402 of the 2,002 photographs and tests on 300 others: `zoo bench -m lenet -m alexnet --data
dogs-vs-cats-2000 --budget 5m --seeds 6`. The 95 % intervals cover seeds and photographs. How far a
network gets in a minute depends on the machine.

`default` was chosen on the chapter's photographs, and some of them are among the 300. *Others* is
the accuracy without those.
"""
_ELSEWHERE = """## Other networks

The `default` recipe was chosen with the two networks above. Is it fair to others? The other
built-in networks and eight of other kinds trained for five minutes each on two cores, with one
seed and the same photographs. *Epochs* are passes over the 1,402. *Above chance* means: the
interval lies above the accuracy of always answering the more frequent class.

They were trained before the recipe had `fresh_statistics`. Those change the figures of networks
with batch normalisation: `resnet18`, `googlenet`, `mobilenet_v3_small` and `shufflenet_v2_x0_5`.
"""
_WHY = {
    "elsewhere/vgg16": "its first weights take more than one of the five minutes. The learning "
    "rate rises in that time, too. The rest is enough for a quarter of the photographs, once. "
    "`vgg19` learned from no more. The line below has more time.",
    "elsewhere/torchvision:squeezenet1_1": "it has a ReLU after its head. If that returns 0 for "
    "each class and photograph, no gradient is left, and the loss stays at ln 2. The line below is "
    "without it.",
}


def page(steps: Sequence[Step], chapter: Chapter) -> str:
    """Return the whole page, in Markdown; a line whose outcome is not there says so."""
    of: defaultdict[str, list[tuple[Step, Outcome | None]]] = defaultdict(list)
    for step in steps:
        of[step.table].append((step, chapter.outcomes.get(step.key)))
    of_model = {
        model: [
            [each for each in of[table] if each[0].network.name == model]
            for table in ("changes", "beyond")
        ]
        for model in ("lenet", "alexnet")
    }
    parts = [_head(of_model, chapter.untrained)]
    for model, (changes, beyond) in of_model.items():
        parts.append(f"### {model}\n\n" + _lines(_table(changes)))
        parts += [_single(changes), _whole(changes), _lines(_beyond(changes[-1][1], beyond))]
    known = chapter.chapters
    parts += [_BUDGETS, _lines(_plain_table(of["budgets"], known)), _ELSEWHERE]
    parts += [*_at_chance(of["elsewhere"]), _lines(_plain_table(of["elsewhere"], known))]
    return "\n".join(parts)


def _lines(lines: Sequence[str]) -> str:
    return "\n".join(lines) + "\n"


def _head(of_model: Mapping[str, Sequence[_Lines]], untrained: Sequence[int]) -> str:
    (_, alexnet), *_ = of_model["alexnet"][0]
    right = alexnet.validated if alexnet else ()
    counts = Counter(untrained)
    fifty = [str(seed) for seed, count in enumerate(untrained) if count == 46]
    return _HEAD.format(
        short="\n".join(_short(of_model)),
        count=len(untrained),
        last=len(untrained) - 1,
        draws="\n".join(_rows(["right of 92", "networks"], sorted(counts.items()), words=())),
        fifty=f"seeds {', '.join(fifty)} give just that" if fifty else "no seed gave just that",
        majority=sum(count == _MAJORITY for count in right),
        trainings=len(right),
        seeds=SEEDS,
    )


def _short(of_model: Mapping[str, Sequence[_Lines]]) -> list[str]:
    """Return what each network gains by our recipe, and by what is beyond the chapter."""
    rows: defaultdict[str, list[str]] = defaultdict(list)
    for changes, beyond in of_model.values():
        last = changes[-1][1]
        rows["`default` instead of `textbook`"].append(_gain(_textbook(changes), last))
        for step, outcome in beyond:
            rows[f"`default` with {step.what}"].append(_gain(last, outcome))
    return _rows(["", *of_model], [[what, *gains] for what, gains in rows.items()])


def _textbook(found: _Lines) -> Outcome | None:
    """Return what the chapter's recipe gives our network."""
    return [outcome for step, outcome in found if step.recipe.name == "textbook"][-1]


def _single(found: _Lines) -> str:
    """Return which changes have told by themselves."""
    told = [
        (step.what, _difference(before, after))
        for (_, before), (step, after) in pairwise(found)
        if before is not None and after is not None
    ]
    sure = [
        f"- {what}: {100 * each.difference:+.1f}" for what, each in told if not _is_chance(each)
    ]
    head = f"**Clear gains or losses among {len(told)} changes**, in points:"
    return "\n".join([head, "", *(sure or ["- none"])]) + "\n"


def _whole(found: _Lines) -> str:
    """Return what all changes of the recipe give, the network being the same."""
    before, after = _textbook(found), found[-1][1]
    if before is None or after is None:
        return "**From `textbook` to `default`**: not run yet.\n"
    gains = [
        100 * (new - old) / before.validating
        for old, new in zip(before.validated, after.validated, strict=True)
    ]
    told = (
        f"**From `textbook` to `default`**, the network unchanged: {_gain(before, after)} on the "
        f"others; on the {before.validating} {mean(gains):+.1f}, of single seeds {min(gains):+.1f} "
        f"to {max(gains):+.1f}."
    )
    return fill(told, 100) + "\n"


def _at_chance(found: _Lines) -> Iterator[str]:
    """Yield for each network that is not above chance why, as far as that is known."""
    for step, outcome in found:
        if outcome is not None and not _is_above_chance(outcome):
            why = _WHY.get(step.key, "the reason is unknown.")
            yield fill(f"**`{step.network.name}` is not above chance**: {why}", 100) + "\n"


def _rows(
    header: Sequence[str], rows: Sequence[Sequence[object]], words: Collection[int] = (0,)
) -> list[str]:
    """Return a table; the columns at the places `words` are text, all others figures."""
    marks = ["---" if place in words else "--:" for place in range(len(header))]
    lines = [header, marks, *rows]
    return ["| " + " | ".join(map(str, line)) + " |" for line in lines]


def _table(found: _Lines) -> list[str]:
    rows = []
    before: Outcome | None = None
    for place, (step, outcome) in enumerate(found):
        gain = "" if place == 0 else _gain(before, outcome)
        rows.append([step.what, *_figures(outcome), gain])
        before = outcome
    return _rows(["change", "validated", "others", "seconds", "gain"], rows)


def _beyond(before: Outcome | None, found: _Lines) -> list[str]:
    """Return the table of what is more than the chapter's, each line against `before`."""
    rows = []
    for step, outcome in found:
        if before is None or outcome is None:
            rows.append([step.what, "not run yet", "", ""])
            continue
        both = before.was_tested & outcome.was_tested
        accuracy = _accuracy(outcome.correct_of(both))
        told = f"{accuracy} of {both.sum():,}"
        rows.append([step.what, told, _seconds(outcome), _gain(before, outcome)])
    return _rows(["beyond", "others", "seconds", "gain"], rows)


def _plain_table(found: _Lines, known: str) -> list[str]:
    """Return a table whose lines are not compared with one another; `known` are the chapter's."""
    rows = [[step.network.name, step.what, *_plain_figures(outcome, known)]
            for step, outcome in found]  # fmt: skip
    header = ["network", "", "test accuracy", "others", "validated", "epochs", "above chance"]
    return _rows(header, rows, words=(0, 1, 6))


def _plain_figures(outcome: Outcome | None, known: str) -> list[str]:
    if outcome is None:
        return ["not run yet", "", "", "", ""]
    without = outcome.correct_of(~unpacked(known, outcome.photographs))
    return [
        _accuracy(outcome.correct),
        f"{without.mean():.1%} of {without.shape[1]}",
        f"{mean(outcome.validated) / outcome.validating:.1%}",
        f"{median(outcome.epochs):.1f}",
        "yes" if _is_above_chance(outcome) else "**no**",
    ]


def _is_above_chance(outcome: Outcome) -> bool:
    low, _ = accuracy_interval(outcome.correct)
    return low > outcome.majority / outcome.correct.shape[1]


def _accuracy(correct: Bits) -> str:
    low, high = accuracy_interval(correct)
    return f"{np.mean(correct):.1%} ({low:.1%} to {high:.1%})"


def _figures(outcome: Outcome | None) -> list[str]:
    if outcome is None:
        return ["not run yet", "", ""]
    validated = [right / outcome.validating for right in outcome.validated]
    return [
        f"{min(validated):.1%} to {max(validated):.1%}",
        _accuracy(outcome.correct),
        _seconds(outcome),
    ]


def _seconds(outcome: Outcome) -> str:
    return f"{min(outcome.seconds):.0f} to {max(outcome.seconds):.0f}"


def _gain(before: Outcome | None, found: Outcome | None) -> str:
    if before is None or found is None:
        return ""
    told = _difference(before, found)
    points = f"{100 * told.difference:+.1f} ({100 * told.low:+.1f} to {100 * told.high:+.1f})"
    if _is_chance(told):
        return points
    return f"{points} {'better' if told.difference > 0 else 'worse'}"


def _difference(before: Outcome, found: Outcome) -> Difference:
    """Return what `found` has gained, on the photographs that both were tested on."""
    both = before.was_tested & found.was_tested
    return paired_difference(found.correct_of(both), before.correct_of(both))


def _is_chance(told: Difference) -> bool:
    return max(told.crossed_p, told.seeds_p) > LEVEL
