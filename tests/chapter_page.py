"""The page on the chapter: what the printed loop gives, what each change gives, and what else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import mean, median

from chapter_outcome import Outcome
from chapter_steps import Step

from bench.stats.interval import accuracy_interval
from bench.stats.paired import LEVEL, paired_difference

_MAJORITY = 47  # dogs of the 92 that validate
_HEAD = """# The chapter's result, explained

Written by `make chapter` from `chapter.json`, where it keeps what came of its runs; anyone with the
photographs can repeat them. The textbook chapter trains a LeNet and an AlexNet on 400 photographs
of cats and dogs and validates them on 92: 50.0 % and 51.1 % after ten epochs, for which it blames
the few photographs. With the same photographs in the same order, the same networks and the same
ten epochs, the reasons turn out to be others.

## What was never trained

As the chapter's first loop is indented, its training phase is never run: it validates one
untrained network ten times, and all ten epochs have one loss. So its figure is a draw. Of {count}
untrained networks, seeds 0 to {last}, so many get so many of the 92 right:

{draws}

**46 of 92 is the chapter's 50.0 %**: {fifty}.

And 47 of the 92 are dogs: whoever always says dog is right for **47 of 92, the chapter's 51.1 %**.
That is what its AlexNet says after ten epochs with the printed recipe, in {majority} of {seeds}
trainings here (first line of its table).

## One change at a time

Each line has all changes of the lines before it, six seeds each. *Validated* are the accuracies on
the chapter's 92 validation photographs, least and greatest; *others* is the mean accuracy on the
1,500 of the 2,002 photographs that are not among the chapter's 502, with its 95 % interval over
seeds and photographs. *Gain* is against the line before, the same seeds and photographs, in
points, with its own interval; *better* or *worse* where that is no chance by the rule of
`zoo compare`. Seconds are of training on one thread of a shared machine, medians.
"""
_BUDGETS = """## In minutes, with more photographs

The `default` recipe with a budget of training time instead of epochs, on two cores: trained on
1,402 of the 2,002 photographs, tested on 300 others (`zoo bench --data dogs-vs-cats-2000
--budget 5m --seeds 6`). Accuracies with their 95 % interval over seeds and photographs. How far it
gets in a minute depends on the machine.
"""
_ELSEWHERE = """## Other networks

The `default` recipe was chosen by looking at the two networks above. Whether it is a fair rule for
others, too, is told by the other built-in ones and eight of other kinds, five minutes each on two
cores, one seed, with the same photographs. *Epochs* are passes over the 1,402; *above chance*: the
interval lies above what always saying the more frequent class would give.

`vgg16` and `squeezenet1_1` are not, and the line below each shows why. Of five minutes the first
weights of `vgg16` take more than one, and the rest is enough for a quarter of the photographs,
once: it only wants more time. `squeezenet1_1` has a ReLU after its head: where that puts out 0 for
each class and photograph, no gradient is left, and the loss stays at ln 2. Without it, it learns.
"""


def page(steps: Sequence[Step], outcomes: Mapping[str, Outcome], untrained: Sequence[int]) -> str:
    """Return the whole page, in Markdown; a line whose outcome is not there says so."""
    found = [(step, outcomes.get(step.key)) for step in steps]
    changes = {
        model: [e for e in found if e[0].table == "changes" and e[0].network.name == model]
        for model in ("lenet", "alexnet")
    }
    parts = [_head(changes["alexnet"][0][1], untrained)]
    for model, taken in changes.items():
        parts += [f"### {model}\n\n" + "\n".join(_table(taken)) + "\n", _whole(taken)]
    for table, head in (("budgets", _BUDGETS), ("elsewhere", _ELSEWHERE)):
        taken = [each for each in found if each[0].table == table]
        parts += [head, "\n".join(_plain_table(taken)) + "\n"]
    return "\n".join(parts)


def _head(alexnet: Outcome | None, untrained: Sequence[int]) -> str:
    right = alexnet.validated if alexnet else ()
    counts = Counter(untrained)
    fifty = [str(seed) for seed, count in enumerate(untrained) if count == 46]
    return _HEAD.format(
        count=len(untrained),
        last=len(untrained) - 1,
        draws="\n".join(_rows(["right of 92", "networks"], sorted(counts.items()))),
        fifty=f"seeds {', '.join(fifty)} give just that" if fifty else "no seed gave just that",
        majority=sum(count == _MAJORITY for count in right),
        seeds=len(right),
    )


def _whole(found: Sequence[tuple[Step, Outcome | None]]) -> str:
    """Return what all changes of the recipe give, the network being the same."""
    before = [outcome for step, outcome in found if step.recipe.name == "textbook"][-1]
    after = [outcome for step, outcome in found if not step.beyond][-1]
    if before is None or after is None:
        return "**From `textbook` to `default`**: not run yet.\n"
    gains = [
        100 * (new - old) / before.validating
        for old, new in zip(before.validated, after.validated, strict=True)
    ]
    return (
        f"**From `textbook` to `default`**, the network unchanged: {_gain(before, after)} on the "
        f"others; on the {before.validating} {mean(gains):+.1f}, of single seeds {min(gains):+.1f} "
        f"to {max(gains):+.1f}.\n"
    )


def _rows(header: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    lines = [header, ["--:" for _ in header], *rows]
    return ["| " + " | ".join(map(str, line)) + " |" for line in lines]


def _table(found: Sequence[tuple[Step, Outcome | None]]) -> list[str]:
    rows = []
    before: Outcome | None = None
    for place, (step, outcome) in enumerate(found):
        gain = "" if place == 0 else _gain(before, outcome)
        rows.append([step.what, *_figures(outcome), gain])
        before = outcome
    lines = _rows(["change", "validated", "others", "seconds", "gain"], rows)
    return [lines[0], "| --- | --: | --: | --: | --: |", *lines[2:]]


def _plain_table(found: Sequence[tuple[Step, Outcome | None]]) -> list[str]:
    """Return a table whose lines are not compared with one another."""
    rows = [[step.network.name, step.what, *_plain_figures(outcome)] for step, outcome in found]
    header = ["network", "", "test accuracy", "validated", "epochs", "above chance"]
    lines = _rows(header, rows)
    return [lines[0], "| --- | --- | --: | --: | --: | --- |", *lines[2:]]


def _plain_figures(outcome: Outcome | None) -> list[str]:
    if outcome is None:
        return ["not run yet", "", "", ""]
    accuracy, (low, high) = outcome.correct.mean(), accuracy_interval(outcome.correct)
    validated = mean(outcome.validated) / outcome.validating
    return [
        f"{accuracy:.1%} ({low:.1%} to {high:.1%})",
        f"{validated:.1%}",
        f"{median(outcome.epochs):.1f}",
        "yes" if low > outcome.majority / outcome.images else "**no**",
    ]


def _figures(outcome: Outcome | None) -> list[str]:
    if outcome is None:
        return ["not run yet", "", ""]
    validated = [right / outcome.validating for right in outcome.validated]
    low, high = accuracy_interval(outcome.correct)
    return [
        f"{min(validated):.1%} to {max(validated):.1%}",
        f"{outcome.correct.mean():.1%} ({low:.1%} to {high:.1%})",
        f"{median(outcome.seconds):.0f}",
    ]


def _gain(before: Outcome | None, found: Outcome | None) -> str:
    if before is None or found is None:
        return ""
    if before.split != found.split:
        return "other photographs"
    told = paired_difference(found.correct, before.correct)
    points = f"{100 * told.difference:+.1f} ({100 * told.low:+.1f} to {100 * told.high:+.1f})"
    if max(told.crossed_p, told.seeds_p) > LEVEL:
        return points
    return f"{points} {'better' if told.difference > 0 else 'worse'}"
