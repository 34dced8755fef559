"""Columns of how a model was trained, where it came from, and what is to be known of its row."""

from __future__ import annotations

import math

import pandas as pd

from bench.analysis.column import Column, ModelTrials, Row, median_of, missing
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


def _recipes_differ(frame: pd.DataFrame) -> bool:
    return frame["recipe"].nunique() > 1 or bool((frame["recipe_configurations"] > 0).any())


def _length_differs(frame: pd.DataFrame) -> bool:
    """Say whether the length of the training is another than the epochs in the title."""
    return bool(frame["budget_seconds"].notna().any() or frame["selection"].any())


SETUP_COLUMNS = (
    Column("contract", lambda m: m.first.contract,
           "`verified (meta)`, `verified as frozen (cpu)` and so on, on which device (✓ in the "
           "table); `measured (meta)` where nobody has promised anything; `broken`; `unchecked`",
           name="contract", cell_of=_contract_cell, words=True, place=24, priority=6),
    Column("recipe", lambda m: m.first.spec.recipe.name, "its name",
           name="recipe", cell_of=_recipe_cell, words=True, place=23, priority=4,
           relevant=_recipes_differ),
    Column("recipe_configurations", lambda m: m.first.spec.recipe.configurations,
           "among how many it was chosen by a search; 0 where none was", whole=True),
    Column("epochs", lambda m: m.first.spec.recipe.epochs,
           "how many were asked for; empty where it was a budget of seconds", whole=True),
    Column("budget_seconds", lambda m: m.first.spec.recipe.seconds or math.nan,
           "wall seconds of training that each model had (`--budget`); empty where it was epochs",
           "s"),
    Column("epochs_trained", lambda m: median_of(t.last.epoch for t in m.done if t.last),
           "how many were trained, the last of a budget being a part of one; median over "
           "trainings. In the table the budget (`60 s`) or the epochs asked for, and with "
           "`--patience` how many of them were trained, and the best, which is tested",
           name="epochs", cell_of=_epochs_cell, place=10, priority=5, relevant=_length_differs),
    Column("steps_trained", lambda m: median_of(trial.steps for trial in m.done),
           "of the optimiser; median over trainings. Under a budget it depends on the machine",
           name="steps", text="{:,.0f}".format, place=11, priority=18, relevant=_length_differs),
    Column("tested_epoch", lambda m: median_of(trial.tested_epoch for trial in m.done),
           "the epoch whose weights were tested; median over trainings"),
    Column("selection",
           lambda m: "" if m.first.spec.recipe.patience is None else "validation accuracy",
           "`validation accuracy` where it ended the training and chose the epoch (`--patience`): "
           "that accuracy is flattered, the test's is not; else empty"),
    Column("training_side",
           lambda m: m.first.training_shape[1] if m.first.training_shape else None,
           "height in pixels of the images that it was trained on; validated and tested are those "
           "of the architecture's own size", "pixels", whole=True),
    Column("fidelity", lambda m: m.first.spec.fidelity,
           "how training images were resized: `exact`, `fast`"),
    Column("layout", lambda m: m.first.layout,
           "memory order of images and weights: `channels_last`, `contiguous`"),
    Column("compiled", lambda m: m.first.spec.compiled, "by `torch.compile`"),
    Column("origin", lambda m: m.first.spec.origin,
           "the distribution that the architecture came from, and its version",
           name="origin", words=True, place=25, priority=19),
    Column("trained_from", _trained_from,
           "the trained weights that training began with, and `head alone` where only the head was "
           "trained; empty where it began with random ones"),
    Column("marks",
           lambda m: "; ".join(dict.fromkeys(mark for trial in m.trials for mark in trial.marks)),
           "why the row can't be compared with the others; empty where it can"),
    Column("error", lambda m: "; ".join(f"{t.spec.turn}, {t.phase}: {t.error}" for t in m.failed),
           "for each trial that did not end well: seed, phase, reason"),
)  # fmt: skip
