"""The `zoo demo` command: two networks, three seeds, a verdict, in two minutes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import typer

from bench.runs.run_options import OPTIONS
from zoo.cli.bench import run_and_show
from zoo.cli.options import Columns, Json, given_options, refuse_torchrun, with_run_options
from zoo.cli.output import column_names, say

# Decoded drawings and weights would be 1.3 GB; a checkpoint costs more than a trial of ten seconds.
DEMO = {
    "models": ("alexnet", "lenet"),  # the longer first, so that the cores end together
    "epochs": 1,
    "seeds": (0, 1, 2),
    "batch_size": 8,
    "jobs": 2,
    "weights": False,
    "cache": False,
    "checkpoint_every": "never",
    "layout": "channels_last",
}
_OWN: dict[str, dict[str, Any]] = {  # how options differ from those of a run
    "seeds": {"default": "3", "panel": None},
    "weights": {
        "text": "Keep the trained weights: 180 MB a trial.",
        "default": False,
        "flags": ("--weights",),
    },
    "device": {"panel": None},
    "runs": {},
}
_OPTIONS = {name: replace(OPTIONS[name], shown=True, **own) for name, own in _OWN.items()}


@with_run_options(_OPTIONS.values())
def demo(
    context: typer.Context, columns: Columns = None, as_json: Json = False, **options: Any
) -> None:
    """Compare lenet and alexnet on drawings, to a verdict: two minutes on two cores.

    The data are synthetic: cats and dogs drawn by code. `zoo bench` compares other models, on
    your images.
    """
    refuse_torchrun()
    shown = column_names(columns, as_json=as_json)
    say("zoo: lenet or alexnet? One epoch on drawings for each of several seeds")
    run_and_show(DEMO | given_options(context, names=_OPTIONS), columns=shown, as_json=as_json)
