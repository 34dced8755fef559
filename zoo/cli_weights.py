"""The commands that use trained weights: ask them about pictures, hand them on."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from zoo.cli_output import Json, print_json, print_rendered

Best = Annotated[bool, typer.Option("--best", help="Weights of the best epoch, not the last.")]


def predict(
    photos: Annotated[list[Path], typer.Argument(help="Pictures of your own.")],
    run: Annotated[Path, typer.Option(help="A run folder, a trial's, or a weights file.")],
    best: Best = False,
    as_json: Json = False,
) -> None:
    """Say what the networks of a run see in your own pictures."""
    from bench.predict import find_weights, predict
    from zoo.listing import predictions_table

    found = list(predict(photos, find_weights(run, best=best)))
    if as_json:
        print_json([asdict(prediction) for prediction in found])
    else:
        print_rendered(predictions_table(found))


def add_to(app: typer.Typer) -> None:
    """Make these commands of `app`."""
    app.command()(predict)
