"""Columns of training settings, origin and marks."""

from __future__ import annotations

import math

import pandas as pd

from bench.analysis.column import Column, ModelTrials, Row, median_of, missing
from bench.system.options import format_seconds


def _epochs_cell(row: Row) -> str:
    """Return the length of training: `10`; `7.5 in 60 s`; `7 of 20, best 4` if that is tested."""
    budget, epochs = row.get("budget_seconds"), row.get("epochs")
    asked = "" if missing(epochs) else f"{epochs:.0f}"
    trained, best, limit = row.get("epochs_trained"), row.get("tested_epoch"), "of"
    if budget is not None and not missing(budget):
        asked, limit = format_seconds(budget), "in"
    if missing(trained) or (limit == "of" and not row.get("selection")):
        return asked
    chosen = row.get("selection") and not missing(best)
    return f"{trained:g} {limit} {asked}" + (f", best {best:g}" if chosen else "")


def _recipe_cell(row: Row) -> str:
    """Return the recipe's name, with the number of configurations that a search tried."""
    if missing(row.get("recipe")):
        return ""
    tried = row.get("recipe_configurations")
    return f"{row['recipe']}{'' if missing(tried) or not tried else f' (of {tried})'}"


def _errors(model: ModelTrials) -> str:
    """Return each reason once, with the first trial that failed for it and the number of others."""
    turns: dict[str, list[str]] = {}
    for trial in model.failed:
        turns.setdefault(f"{trial.phase}: {trial.error}", []).append(trial.spec.turn)
    return "; ".join(
        f"{same[0]}{f' and {len(same) - 1} more' if len(same) > 1 else ''}, {why}"
        for why, same in turns.items()
    )


def _contract_cell(row: Row) -> str:
    if row["status"] == "baseline":
        return ""
    if str(row["contract"]).startswith("verified"):
        shown = missing(row["test_accuracy"])  # else the accuracy's cell shows the status
        return "✓" if row["status"] == "ok" or shown else f"✓ ({row['status']})"
    if str(row["contract"]).startswith("measured"):
        return "measured"
    return f"✗ {row['contract']}"


def _precisions(model: ModelTrials) -> str:
    """Return the precision of the trials; of those that never chose one, what was asked for."""
    used = dict.fromkeys(trial.precision for trial in model.trials if trial.precision)
    return ", ".join(used) or model.first.spec.precision


def _trained_from(model: ModelTrials) -> str:
    """Return the name of the trained weights that training started from, or nothing."""
    architecture = model.first.spec.architecture
    arguments = dict(architecture.arguments)
    if not arguments.get("pretrained"):
        return ""
    return f"{architecture.weights}{', head alone' if arguments.get('frozen') else ''}"


def _recipes_differ(frame: pd.DataFrame) -> bool:
    return frame["recipe"].nunique() > 1 or bool((frame["recipe_configurations"] > 0).any())


def _length_differs(frame: pd.DataFrame) -> bool:
    """Say whether the length of training differs from the epochs in the title."""
    return bool(frame["budget_seconds"].notna().any() or frame["selection"].any())


SETUP_COLUMNS = (
    Column("contract", lambda m: m.first.contract,
           "result of the contract check, with its device: `verified (meta)` or `verified as "
           "frozen (cpu)` (✓ in the table); `measured (meta)` without a promised contract; "
           "`broken`; `unchecked`",
           name="contract", cell_of=_contract_cell, words=True, place=24, priority=5),
    Column("recipe", lambda m: m.first.spec.recipe.name, "name of the recipe",
           name="recipe", cell_of=_recipe_cell, words=True, place=23, priority=2,
           relevant=_recipes_differ),
    Column("trained_by", lambda m: m.first.trained_by,
           "what suits the kind of network in place of the recipe's values; else empty"),
    Column("recipe_configurations", lambda m: m.first.spec.recipe.configurations,
           "number of configurations that a search tried to find the recipe; 0 without a search",
           whole=True),
    Column("epochs", lambda m: m.first.spec.recipe.epochs,
           "number of epochs requested; empty with a time budget", whole=True),
    Column("budget_seconds", lambda m: m.first.spec.recipe.seconds or math.nan,
           "time budget of training for each model (`--budget`); empty with epochs",
           "s"),
    Column("epochs_trained", lambda m: median_of(t.last.epoch for t in m.done if t.last),
           "number of trained epochs; a time budget may end within the last; median over "
           "trainings. The table shows them with the budget (`7 in 60 s`), or the requested "
           "epochs, and with `--patience` the trained epochs and the best one, which is tested",
           name="epochs", cell_of=_epochs_cell, place=10, priority=4, relevant=_length_differs),
    Column("steps_trained", lambda m: median_of(trial.steps for trial in m.done),
           "number of optimiser steps; median over trainings. With a budget it depends on the "
           "machine",
           name="steps", text="{:,.0f}".format, place=11, priority=18, relevant=_length_differs),
    Column("tested_epoch", lambda m: median_of(trial.tested_epoch for trial in m.done),
           "epoch of the tested weights; median over trainings"),
    Column("selection",
           lambda m: "" if m.first.spec.recipe.patience is None else "validation accuracy",
           "`validation accuracy` if it ended training and selected the epoch (`--patience`): then "
           "the validation accuracy is too optimistic, the test accuracy is not; else empty"),
    Column("training_side",
           lambda m: m.first.training_shape[1] if m.first.training_shape else None,
           "height of the training images; validation and test use the architecture's own size",
           "pixels", whole=True),
    Column("fidelity", lambda m: m.first.spec.fidelity,
           "method of resizing training images: `exact` or `fast`"),
    Column("layout", lambda m: m.first.layout,
           "memory format of images and weights: `channels_last` or `contiguous`"),
    Column("precision", _precisions,
           "type of matrix products; with `--precision auto` the one that a short test chose"),
    Column("compiled", lambda m: m.first.spec.compiled,
           "whether `torch.compile` was used"),
    Column("origin", lambda m: m.first.spec.origin,
           "distribution that provides the architecture, and its version",
           name="origin", words=True, place=25, priority=19),
    Column("trained_from", _trained_from,
           "trained weights that training started from, with `head alone` if only the head was "
           "trained; empty for random weights"),
    Column("marks",
           lambda m: "; ".join(dict.fromkeys(mark for trial in m.trials for mark in trial.marks)),
           "reasons why the row is not comparable with the others; empty if it is"),
    Column("error", _errors,
           "phase and reason of each kind of failure, with the first seed that had it"),
)  # fmt: skip
