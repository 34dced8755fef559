"""Columns of how a model was trained, where it came from, and what is to be known of its row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

import pandas as pd

from bench.analysis.column import Column, ModelTrials, Row, missing
from bench.system.options import format_seconds


def _epochs_cell(row: Row) -> str:
    """Return how long it was trained: `10`; `60 s`; `7 of 20, best 4`, where the best is tested."""
    budget, epochs = row.get("budget_seconds"), row.get("epochs")
    asked = "" if missing(epochs) else f"{epochs:.0f}"
    if budget is not None and not missing(budget):
        asked = format_seconds(budget)
    if not row.get("selection") or missing(row.get("epochs_trained")):
        return asked
    trained, best = row["epochs_trained"], row["tested_epoch"]
    return f"{trained:g} of {asked}" + ("" if missing(best) else f", best {best:g}")


def _recipe_cell(row: Row) -> str:
    """Return the recipe's name, and among how many it was chosen."""
    if missing(row.get("recipe")):
        return ""
    tried = row.get("recipe_configurations")
    return f"{row['recipe']}{'' if missing(tried) or not tried else f' (of {tried})'}"


def _contract_cell(row: Row) -> str:
    if row["status"] == "baseline":
        return ""
    if str(row["contract"]).startswith("verified"):
        shown = missing(row["test_accuracy"])  # then the status stands in its place
        return "✓" if row["status"] == "ok" or shown else f"✓ ({row['status']})"
    if str(row["contract"]).startswith("measured"):
        return "measured"
    return f"✗ {row['contract']}"


def _trained_from(model: ModelTrials) -> str:
    """Return what the training began with: the name of trained weights, or nothing."""
    architecture = model.first.spec.architecture
    arguments = dict(architecture.arguments)
    if not arguments.get("pretrained"):
        return ""
    return f"{architecture.weights}{', head alone' if arguments.get('frozen') else ''}"


def _median(values: Sequence[float | None]) -> float:
    found = [value for value in values if value is not None]
    return median(found) if found else math.nan


def _recipes_differ(frame: pd.DataFrame) -> bool:
    return frame["recipe"].nunique() > 1 or bool((frame["recipe_configurations"] > 0).any())


def _length_differs(frame: pd.DataFrame) -> bool:
    """Say whether the length of the training is another than the epochs in the title."""
    return bool(frame["budget_seconds"].notna().any() or frame["selection"].any())


SETUP_COLUMNS = (
    Column(
        values={"contract": lambda m: m.first.contract},
        meaning="`verified (meta)`, `verified as frozen (cpu)` and so on, on which device (✓ in "
        "the table); `measured (meta)` where nobody has promised anything; `broken`; `unchecked`",
        name="contract",
        cell_of=_contract_cell,
        words=True,
        place=24,
        priority=6,
    ),
    Column(
        values={"recipe": lambda m: m.first.spec.recipe.name},
        meaning="its name",
        name="recipe",
        cell_of=_recipe_cell,
        words=True,
        place=23,
        priority=4,
        relevant=_recipes_differ,
    ),
    Column(
        values={"recipe_configurations": lambda m: m.first.spec.recipe.configurations},
        meaning="among how many it was chosen by a search; 0 where none was",
        whole=True,
    ),
    Column(
        values={"epochs": lambda m: m.first.spec.recipe.epochs},
        meaning="how many were asked for; empty where it was a budget of seconds",
        whole=True,
    ),
    Column(
        values={
            "budget_seconds": lambda m: (
                math.nan if m.first.spec.recipe.seconds is None else m.first.spec.recipe.seconds
            )
        },
        meaning="wall seconds of training that each model had (`--budget`); empty where it was "
        "epochs",
        unit="s",
    ),
    Column(
        values={"epochs_trained": lambda m: _median([t.last.epoch for t in m.done if t.last])},
        meaning="how many were trained, the last of a budget being a part of one; median over "
        "trainings. In the table the budget (`60 s`) or the epochs asked for, and with "
        "`--patience` how many of them were trained, and the best, which is tested",
        name="epochs",
        cell_of=_epochs_cell,
        place=10,
        priority=5,
        relevant=_length_differs,
    ),
    Column(
        values={"steps_trained": lambda m: _median([trial.steps for trial in m.done])},
        meaning="of the optimiser; median over trainings. Under a budget it depends on the machine",
        name="steps",
        text="{:,.0f}".format,
        place=11,
        priority=18,
        relevant=_length_differs,
    ),
    Column(
        values={"tested_epoch": lambda m: _median([trial.tested_epoch for trial in m.done])},
        meaning="the epoch whose weights were tested; median over trainings",
    ),
    Column(
        values={
            "selection": lambda m: (
                "" if m.first.spec.recipe.patience is None else "validation accuracy"
            )
        },
        meaning="`validation accuracy` where it ended the training and chose the epoch "
        "(`--patience`): that accuracy is flattered, the test's is not; else empty",
    ),
    Column(
        values={
            "training_side": lambda m: m.first.training_shape[1] if m.first.training_shape else None
        },
        meaning="height in pixels of the images that it was trained on; validated and tested are "
        "those of the architecture's own size",
        unit="pixels",
        whole=True,
    ),
    Column(
        values={"fidelity": lambda m: m.first.spec.fidelity},
        meaning="how training images were resized: `exact`, `fast`",
    ),
    Column(
        values={"layout": lambda m: m.first.layout},
        meaning="memory order of images and weights: `channels_last`, `contiguous`",
    ),
    Column(values={"compiled": lambda m: m.first.spec.compiled}, meaning="by `torch.compile`"),
    Column(
        values={"origin": lambda m: m.first.spec.origin},
        meaning="the distribution that the architecture came from, and its version",
        name="origin",
        words=True,
        place=25,
        priority=19,
    ),
    Column(
        values={"trained_from": _trained_from},
        meaning="the trained weights that training began with, and `head alone` where only the "
        "head was trained; empty where it began with random ones",
    ),
    Column(
        values={
            "marks": lambda m: "; ".join(
                dict.fromkeys(mark for trial in m.trials for mark in trial.marks)
            )
        },
        meaning="why the row can't be compared with the others; empty where it can",
    ),
    Column(
        values={
            "error": lambda m: "; ".join(f"{t.spec.turn}, {t.phase}: {t.error}" for t in m.failed)
        },
        meaning="for each trial that did not end well: seed, phase, reason",
    ),
)
