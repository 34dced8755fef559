"""The columns of the table that a person reads: names, headings, and a cell for each row."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import pandas as pd

from bench.system.options import format_seconds
from registry.errors import RunError

Row = Mapping[str, Any]
ALL = "all"
NOT_REACHED = "not reached"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: `name` for `--columns`, `heading` above it, and the text of a row's `cell`.

    Attributes:
        key: the value of a row by which rows are sorted, if it is none of words.
    """

    name: str
    heading: str
    cell: Callable[[Row], str]
    key: str = ""
    left: bool = False

    def sorted_by(self, row: Row) -> str:
        """Return by what a row is sorted: a number in full, or the cell's words; empty: last."""
        if not self.key:
            return self.cell(row)
        value = row.get(self.key)
        return "" if _missing(value) else repr(float(value))  # type: ignore[arg-type]


def columns() -> tuple[Column, ...]:
    """Return all columns in their order."""
    return _COLUMNS


def select_columns(names: Sequence[str]) -> tuple[Column, ...]:
    """Return the columns of these names, the model first; all for `all`.

    Raises:
        RunError: there is none of that name; it names those there are.
    """
    known = {column.name: column for column in _COLUMNS}
    for name in names:
        if name not in known and name != ALL:
            near = get_close_matches(name, known, 1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise RunError(f"no column {name!r}.{hint} There are: {', '.join(known)}; or {ALL}")
    if ALL in names:
        return _COLUMNS
    return tuple(known[name] for name in dict.fromkeys(("model", *names)))


def informative_columns(frame: pd.DataFrame) -> list[Column]:
    """Return the columns that have something to say of the rows of `frame`, in their order."""
    rows = rows_of(frame)
    silent = {column.name for column in _COLUMNS if not any(map(column.cell, rows))}
    if not frame["difference_to_best"].notna().any():
        silent |= {"difference", "group"}
    if not (frame["seeds"] > 1).any():
        silent.add("seeds")
    if frame["recipe"].nunique() < 2 and not (frame["recipe_configurations"] > 0).any():
        silent.add("recipe")
    if frame["budget_seconds"].isna().all() and not frame["selection"].any():
        silent |= {"epochs", "steps"}  # the title has them
    return [column for column in _COLUMNS if column.name not in silent]


def rows_of(frame: pd.DataFrame) -> list[Row]:
    """Return the rows of `frame`, values by name."""
    return frame.to_dict("records")  # type: ignore[return-value]


def _model(row: Row) -> str:
    began = f" ({row['trained_from']})" if row.get("trained_from") else ""
    return f"{row['model']}{began}{' ≠' if row['marks'] else ''}"


def _accuracy(row: Row) -> str:
    """Return the accuracy, or why there is none: `out-of-memory`, say."""
    if not _missing(row["test_accuracy"]):
        return _percent(row["test_accuracy"])
    return "" if row["status"] == "ok" else str(row["status"])


def _interval(row: Row) -> str:
    if not _missing(row["test_accuracy_low"]):
        return f"{row['test_accuracy_low'] * 100:.1f} to {row['test_accuracy_high'] * 100:.1f}"
    if not _missing(row["test_accuracy_deviation"]):
        return f"± {row['test_accuracy_deviation'] * 100:.1f}"
    return ""


def _difference(row: Row) -> str:
    """Return the difference in points; the best model has no interval."""
    if _missing(row["difference_low"]):
        return "" if _missing(row["difference_to_best"]) else "best"
    return f"{row['difference_to_best'] * 100:+.1f}"


def _seconds(name: str) -> Callable[[Row], str]:
    def cell(row: Row) -> str:
        if _missing(row.get(f"{name}_deviation")):
            return _number(row.get(name), "{:,.1f} s")
        return f"{row[name]:,.1f} ± {row[f'{name}_deviation']:,.1f} s"

    return cell


def _epochs(row: Row) -> str:
    """Return how long it was trained: `10`; `60 s`; `7 of 20, best 4`, where the best is tested."""
    asked = _of("budget_seconds", format_seconds)(row) or _number(row.get("epochs"), "{:.0f}")
    if not row.get("selection") or _missing(row.get("epochs_trained")):
        return asked
    trained, best = row["epochs_trained"], row["tested_epoch"]
    return f"{trained:g} of {asked}" + ("" if _missing(best) else f", best {best:g}")


def _to_target(kind: str = "") -> Callable[[Row], str]:
    """Return a cell of the seconds, or that it was not reached, and how often it was."""

    def cell(row: Row) -> str:
        if _missing(row.get(f"{kind}time_to_target_seconds")):
            return ""
        seconds = row[f"{kind}time_to_target_seconds"]
        told = NOT_REACHED if math.isinf(seconds) else f"{seconds:,.1f} s"
        reached, trainings = row[f"{kind}target_reached"], row[f"{kind}target_trainings"]
        return told if reached in (0, trainings) else f"{told} ({reached} of {trainings} reached)"

    return cell


def _latency(size: int) -> Callable[[Row], str]:
    def cell(row: Row) -> str:
        names = [f"inference_batch_{size}_{each}_seconds" for each in ("p50", "p95")]
        if any(_missing(row.get(name)) for name in names):
            return ""
        return f"{' / '.join(_figures(row[name] * 1e3) for name in names)} ms"

    return cell


def _recipe(row: Row) -> str:
    """Return the recipe's name, and among how many it was chosen."""
    if _missing(row.get("recipe")):
        return ""
    tried = row.get("recipe_configurations")
    select_columns = "" if _missing(tried) or not tried else f" (of {tried})"
    return f"{row['recipe']}{select_columns}"


def _contract(row: Row) -> str:
    if row["status"] == "baseline":
        return ""
    if str(row["contract"]).startswith("verified"):
        shown = _missing(row["test_accuracy"])  # then the status stands in its place
        return "✓" if row["status"] == "ok" or shown else f"✓ ({row['status']})"
    if str(row["contract"]).startswith("measured"):
        return "measured"
    return f"✗ {row['contract']}"


def _of(name: str, form: Callable[[Any], str]) -> Callable[[Row], str]:
    """Return a cell that shows the value `name`, if there is one."""
    return lambda row: "" if _missing(row.get(name)) else form(row[name])


def _value_column(name: str, key: str, heading: str, form: Callable[[Any], str]) -> Column:
    """Return a column that shows the value `key`, and is sorted by it."""
    return Column(name=name, key=key, heading=heading, cell=_of(key, form))


def _missing(value: object) -> bool:
    return value is None or bool(pd.isna(value))  # type: ignore[call-overload]


def _percent(value: Any) -> str:
    return f"{value * 100:.1f} %"


def _number(value: Any, form: str) -> str:
    return "" if _missing(value) else form.format(value)


def _figures(value: float) -> str:
    """Return three figures, or more where the whole part has more; two digits at most after it."""
    return f"{value:,.{0 if value >= 99.95 else 1 if value >= 9.995 else 2}f}"


def _abbreviate(value: float) -> str:
    """Return three figures and `k`, `M` or `G`: thousands, millions, thousands of millions."""
    for unit, letter in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= 0.9995 * unit:
            return f"{_figures(value / unit)}{letter}"
    return f"{value:.0f}"


_COLUMNS = (
    Column(name="model", heading="model", cell=_model, left=True),
    Column(name="accuracy", key="test_accuracy", heading="accuracy", cell=_accuracy),
    Column(name="interval", key="test_accuracy_low", heading="95 % interval", cell=_interval),
    _value_column("seeds", "seeds", "seeds", "{:.0f}".format),
    Column(name="difference", key="difference_to_best", heading="to the best", cell=_difference),
    Column(name="group", heading="group", cell=_of("group", str), left=True),
    _value_column("validation", "validation_accuracy_last", "validation", _percent),
    _value_column("best_epoch", "validation_accuracy_best", "best epoch", _percent),
    Column(
        name="training", key="train_seconds", heading="training", cell=_seconds("train_seconds")
    ),
    Column(
        name="shared_training",
        key="shared_train_seconds",
        heading="training (shared)",
        cell=_seconds("shared_train_seconds"),
    ),
    Column(name="epochs", key="epochs_trained", heading="epochs", cell=_epochs),
    _value_column("steps", "steps_trained", "steps", "{:,.0f}".format),
    Column(
        name="time_to_target",
        key="time_to_target_seconds",
        heading="to the target",
        cell=_to_target(),
    ),
    Column(
        name="shared_time_to_target",
        key="shared_time_to_target_seconds",
        heading="to the target (shared)",
        cell=_to_target("shared_"),
    ),
    _value_column("images_per_second", "train_images_per_second", "images/s", "{:,.0f}".format),
    _value_column("data_wait", "data_wait_share", "data wait", _percent),
    Column(
        name="latency",
        key="inference_batch_1_p50_seconds",
        heading="1 image, p50/p95",
        cell=_latency(1),
    ),
    Column(
        name="latency_32",
        key="inference_batch_32_p50_seconds",
        heading="32 images, p50/p95",
        cell=_latency(32),
    ),
    _value_column(
        "answers_per_second", "inference_batch_1_images_per_second", "answers/s", "{:,.0f}".format
    ),
    _value_column(
        "answers_per_second_32",
        "inference_batch_32_images_per_second",
        "answers/s by 32",
        "{:,.0f}".format,
    ),
    _value_column("memory", "peak_bytes", "memory", lambda value: f"{value / 1e6:,.0f} MB"),
    _value_column("parameters", "parameters", "parameters", _abbreviate),
    _value_column("multiply_adds", "multiply_adds", "multiply-adds", _abbreviate),
    Column(name="recipe", heading="recipe", cell=_recipe, left=True),
    Column(name="contract", heading="contract", cell=_contract, left=True),
    Column(name="origin", heading="origin", cell=_of("origin", str), left=True),
)
