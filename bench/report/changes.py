"""Changes between two runs: as a table and as JSON values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Group, JustifyMethod, RenderableType
from rich.table import Table
from rich.text import Text

from bench.analysis.change import NEGLIGIBLE, AccuracyChange, ModelChange, TimeChange
from bench.analysis.comparison import RunComparison
from bench.system.display import (
    BAD,
    GOOD,
    LINE_CELLS,
    count_noun,
    percent,
    points,
    points_interval,
    round_points,
    short,
)
from bench.training.spec import as_plain

SCHEMA_VERSION = 1
_ACCURACY = ("accuracy", "points", "95 % interval", "p", "seeds", "")
_COLUMNS = ("model", *_ACCURACY, "training", "time", "parameters")
_ONLY_WIDE = ("p", "seeds", "training")
_WIDE = 110  # characters per line
_NAME_CELLS = 24  # a longer name may be truncated
_SHOWN = {"same": "same", "better": "✓ better", "worse": "✗ worse"}  # others by their ending
_LOSSES = {"accuracy": "is less accurate", "time": "is slower", "parameters": "is larger"}


def render(comparison: RunComparison, width: int) -> RenderableType:
    """Return the table for a terminal of `width` characters, notes, and the verdict.

    A narrow terminal gets accuracies with intervals, times relative to BASE, and parameters only
    where they changed.
    """
    rows, shown, room = _fit_columns(comparison, width)
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in shown:
        side: JustifyMethod = "left" if name in ("model", "") else "right"
        table.add_column(name, justify=side, no_wrap=True)
    worse = comparison.regressions()
    for cells in rows:
        texts = [short(cells.get(name, ""), 60 if name != "model" else room) for name in shown]
        style = BAD if cells["model"] in worse else ""
        table.add_row(*map(Text, texts), style=style)
    sides = (f"BASE {comparison.base}", f"NEW  {comparison.new}")
    heads = [Text(short(side, LINE_CELLS)) for side in sides]
    below = [Text(short(line, LINE_CELLS)) for line in _notes(comparison)]
    last = _verdict(comparison)
    style = f"bold {BAD if last.startswith('✗') else GOOD}"
    return Group(*heads, table, *below, Text(short(last, LINE_CELLS), style=style))


def _fit_columns(
    comparison: RunComparison, width: int
) -> tuple[list[dict[str, str]], list[str], int]:
    """Return the rows, the columns that leave room for full names, and the names' width."""
    names = [len(change.model) for change in comparison.changes]
    for wide in (True, False) if width >= _WIDE else (False,):
        rows = [_cells(change, comparison.tolerance, wide=wide) for change in comparison.changes]
        shown = [name for name in _COLUMNS if any(row.get(name) for row in rows)]
        figures = [[name, *(row.get(name, "") for row in rows)] for name in shown[1:]]
        room = width - 4 - sum(2 + max(map(cell_len, texts)) for texts in figures)
        if room >= min(_NAME_CELLS, max(names)):
            break
    return rows, shown, room


def comparison_as_json(comparison: RunComparison, fail_on: Sequence[str] = ()) -> dict[str, Any]:
    """Return the comparison as JSON values, with the exit code for `fail_on`."""
    return {
        "schema_version": SCHEMA_VERSION,
        "base": str(comparison.base),
        "new": str(comparison.new),
        "models": [_model(change, comparison.tolerance) for change in comparison.changes],
        "only_base": list(comparison.only_base),
        "only_new": list(comparison.only_new),
        "differences": list(comparison.differences),
        "recipe_changes": list(comparison.recipe_changes),
        "unfinished": dict(zip(("base", "new"), comparison.unfinished, strict=True)),
        "tolerance": comparison.tolerance,
        "notes": _notes(comparison),
        "verdict": _verdict(comparison),
        "fail_on": list(fail_on),
        "regressions": as_plain(comparison.regressions()),
        "exit_code": comparison.exit_code(fail_on),
    }


def _model(change: ModelChange, tolerance: float) -> dict[str, Any]:
    accuracy, time = change.accuracy, change.time
    return {
        "model": change.model,
        "accuracy": accuracy
        and {**as_plain(accuracy), "kind": accuracy.kind, "ending": accuracy.ending(tolerance)},
        "time": time and {**as_plain(time), "ratio": time.ratio, "kind": time.kind},
        "parameters": dict(zip(("base", "new"), change.parameters, strict=True)),
        "failed": list(change.failed),
        "mended": change.mended,
        "not_compared": dict(change.unanswered),
        "regressions": list(change.regressions(tolerance)),
        "sentences": _sentences(change),
    }


def _cells(change: ModelChange, tolerance: float, *, wide: bool) -> dict[str, str]:
    cells = {"model": change.model, "parameters": _parameters(change, wide=wide)}
    if change.accuracy is not None:
        cells |= dict(zip(_ACCURACY, _accuracy_cells(change.accuracy, tolerance), strict=True))
    else:
        cells |= {"accuracy": "fixed" if change.mended else "", "": ""}
    if change.failed:
        cells[""] = "✗ failed"
    if change.time is not None:
        seconds, more = _time_figures(change.time)
        sign = {"slower": "✗ ", "faster": "✓ "}.get(change.time.kind, "")
        cells |= {"training": seconds, "time": f"{sign}{more}"}
    return {name: text for name, text in cells.items() if wide or name not in _ONLY_WIDE}


def _accuracy_cells(change: AccuracyChange, tolerance: float) -> tuple[str, ...]:
    found, seeds = change.found, str(change.found.seeds)
    if change.kind == "same":
        return percent(change.base), "", "", "", seeds, "same"
    interval = f"{points(found.low)} to {points(found.high)}"
    p = _p_text(change.p).removeprefix("= ")
    ending = {"not worse": "✓ not worse"}.get(change.ending(tolerance), "cannot tell")
    kind = _SHOWN.get(change.kind, ending)
    return _accuracy_figures(change), points(found.difference), interval, p, seeds, kind


def _parameters(change: ModelChange, *, wide: bool) -> str:
    if added := change.added_parameters:
        return f"{'✗' if added > 0 else '✓'} {added:+,}"
    _, new = change.parameters
    return f"{new:,}" if wide and new is not None else ""


def _sentences(change: ModelChange) -> list[str]:
    """Return the changes of a model, one sentence each."""
    found = _endings(change)
    if change.accuracy is not None:
        found.append(_accuracy(change.accuracy))
    if change.time is not None:
        found.append(_time(change.time))
    if change.added_parameters:
        base, new = change.parameters
        found.append(f"parameters {base:,} → {new:,}, {change.added_parameters:+,}")
    found += [f"{what} not compared: {why}" for why, what in _group_by_reason(change).items()]
    return [f"{change.model}: {line}" for line in found]


def _notes(comparison: RunComparison) -> list[str]:
    """Return notes below the table: failures, gaps, and the limits of p."""
    found = [f"{each.model}: {line}" for each in comparison.changes for line in _endings(each)]
    found += _gaps(comparison)
    for side, models in (("BASE", comparison.only_base), ("NEW", comparison.only_new)):
        found += [f"only in {side}: {', '.join(models)}"] if models else []
    for side, left in zip(("BASE", "NEW"), comparison.unfinished, strict=True):
        if left:
            found.append(f"{side} is unfinished: {count_noun(left, 'trial')} left")
    if comparison.recipe_changes:
        found.append(f"NEW has a different recipe: {'; '.join(comparison.recipe_changes)}")
    if comparison.differences:
        found.append(f"NEW has a different setup: {'; '.join(comparison.differences)}")
    compared = [each.accuracy for each in comparison.changes if each.accuracy is not None]
    seeds = {each.found.seeds for each in compared if each.kind != "same"}
    grouped = next((each.found for each in compared if each.found.groups is not None), None)
    if grouped is not None and grouped.groups is not None:
        counted = count_noun(grouped.groups, "group")
        found.append(f"intervals and p count {counted}, not {grouped.images:,} images")
    if 1 in seeds:
        found.append(
            "one seed: interval and p cover only the choice of images; "
            "another seed may differ by more"
        )
    if any(each.time is not None and each.time.kind == "untested" for each in comparison.changes):
        found.append("times are not tested: the runs were not measured in turn, and speed drifts")
    return found


def _verdict(comparison: RunComparison) -> str:
    """Return the verdict in one line."""
    tolerance, worse = comparison.tolerance, comparison.regressions()
    lost = [line for change in comparison.changes for line in _loss_text(change, tolerance)]
    gained = [line for change in comparison.changes for line in _gain_text(change)]
    if worse:
        also = f"; but {', '.join(gained)}" if gained else ""
        return f"✗ NEW is worse: {', '.join(lost)}{also}"
    compared = [each for each in comparison.changes if each.accuracy is not None]
    unknown = [m.model for m in compared if "accuracy" in m.unknown(tolerance)]
    if unknown:
        margin = round_points(max(tolerance, NEGLIGIBLE))
        names = ", ".join(unknown)
        return f"✗ no verdict: cannot tell whether {names} lost more than {margin} of accuracy"
    if lost or gained:
        return f"✓ NEW is not worse: {', '.join([*lost, *gained])}"
    if all(change.unchanged for change in comparison.changes):
        return "✓ nothing changed"
    if not compared:
        return "✗ no verdict: no accuracy could be compared"
    return "✓ NEW is not worse: smaller differences may be chance"


def _accuracy_figures(change: AccuracyChange) -> str:
    """Return both accuracies, in percent."""
    return f"{percent(change.base).removesuffix(' %')} → {percent(change.new)}"


def _time_figures(change: TimeChange) -> tuple[str, str]:
    """Return the medians of the seconds, and the change in percent."""
    seconds = f"{median(change.base):,.1f} → {median(change.new):,.1f} s"
    return seconds, f"{(change.ratio - 1) * 100:+.0f} %"


def _p_text(p: float) -> str:
    """Return p to one significant digit: `= 0.002`, `< 0.001`."""
    return "< 0.001" if p < 0.001 else f"= {p:.1g}"


def _accuracy(change: AccuracyChange) -> str:
    found = change.found
    if change.kind == "same":
        return f"{percent(change.base)} in both, identical predictions"
    figures = (
        f"{_accuracy_figures(change)}, "
        f"{points_interval(found.difference, found.low, found.high)}, p {_p_text(change.p)}"
    )
    if change.kind != "level":
        return f"{figures}: {change.kind}"
    hidden = f"a loss under {round_points(change.detectable)} would not show"
    return f"{figures}: may be chance; {hidden}"


def _time(change: TimeChange) -> str:
    word = {"level": "within noise", "untested": "not tested"}.get(change.kind, change.kind)
    return f"training {', '.join(_time_figures(change))}: {word}"


def _endings(change: ModelChange) -> list[str]:
    """Return how the end of trials differs from BASE."""
    found = [f"failed in NEW but not in BASE: {why}" for why in change.failed]
    return [*found, "has predictions in NEW but not in BASE"] if change.mended else found


def _group_by_reason(change: ModelChange) -> dict[str, str]:
    """Return the figures that are not comparable, by reason."""
    found: dict[str, str] = {}
    for kind, why in change.unanswered.items():
        found[why] = f"{found[why]} and {kind}" if why in found else kind
    return found


def _gaps(comparison: RunComparison) -> list[str]:
    """Return the figures that are not comparable, one line per reason."""
    found: dict[str, list[str]] = {}
    for change in comparison.changes:
        for why, what in _group_by_reason(change).items():
            found.setdefault(f"{what} not compared: {why}", []).append(change.model)
    return [f"{', '.join(models)}: {line}" for line, models in found.items()]


def _loss_text(change: ModelChange, tolerance: float) -> Iterator[str]:
    if change.failed:
        yield f"{change.model} failed"
        return
    counted = change.regressions(tolerance)
    for kind in change.regressions():
        yield f"{change.model} {_LOSSES[kind]}{'' if kind in counted else ' (tolerated)'}"


def _gain_text(change: ModelChange) -> Iterator[str]:
    if change.mended:
        yield f"{change.model} has predictions again"
    if change.accuracy is not None and change.accuracy.kind == "better":
        yield f"{change.model} is more accurate"
    if change.time is not None and change.time.kind == "faster":
        yield f"{change.model} is faster"
    if change.added_parameters < 0:
        yield f"{change.model} is smaller"
