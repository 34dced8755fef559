"""The `zoo learn-curve` command: would more photographs help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.system.options import split_commas
from registry.errors import RunError
from zoo.cli.followups import Trust, print_followup
from zoo.cli.options import Json
from zoo.cli.output import end_when_interrupted
from zoo.cli.runs import Run, RunsDir

Sizes = Annotated[
    str | None,
    typer.Option(
        help="Numbers of training images: 50,100,200,400. Default: four or five, by halves."
    ),
]


def learn_curve(
    run: Run,
    train_sizes: Sizes = None,
    runs_dir: RunsDir = Path("runs"),
    trust: Trust = False,
    as_json: Json = False,
) -> None:
    """Train a run's models on parts of its images, to say what twice as many would give."""
    sizes = None if train_sizes is None else _numbers(train_sizes)
    from bench.followup.learn_curve import learn_curve

    with end_when_interrupted(
        f"stopped; what is trained is kept: `zoo learn-curve {run}` trains the rest"
    ):
        found = learn_curve(run, train_sizes=sizes, runs=runs_dir, trust=trust)
    print_followup(found, run, runs_dir, as_json=as_json)


def _numbers(given: str) -> list[int]:
    try:
        return [int(each) for each in split_commas([given])]
    except ValueError:
        raise RunError(
            f"--train-sizes takes numbers of images, such as 50,100,200,400, not {given[:40]!r}"
        ) from None
