"""How wide a table is that goes to a terminal, to a pipe, or has a width from `COLUMNS`."""

from __future__ import annotations

import pytest
from made_records import made_results

from bench.runs.predict import Prediction
from zoo.cli.list_tables import kinds_table, predictions_table, runs_table
from zoo.cli.output import print_rendered, say_meanwhile
from zoo.cli.runs import print_table

_NAME = "a-name-of-a-hundred-characters-and-more-" * 3
_ROW = {"name": _NAME, "state": "done", "trials": 2, "finished": 2, "failed": 0}
_TABLES = {
    "predictions": lambda: predictions_table(
        [
            Prediction(
                photo=f"pictures/{_NAME}.jpg",
                model="lenet5",
                predicted="a class of animals with a long name",
                probability=0.75,
                probabilities={},
            )
        ]
    ),
    "runs": lambda: runs_table([_ROW | {"started": "2026-01-02T03:04", "title": _NAME}]),
    "kinds": lambda: kinds_table(
        [{"name": _NAME, "origin": "zoo", "broken": None, "source": "made"}], "recipe"
    ),
}


@pytest.fixture
def piped(monkeypatch, capsys):
    """Print without a terminal; return the lines."""
    monkeypatch.delenv("COLUMNS", raising=False)

    def lines(what):
        print_rendered(what)
        return capsys.readouterr().out.splitlines()

    return lines


@pytest.mark.parametrize("table", _TABLES)
def test_a_pipe_gets_whole_cells(piped, table):
    """One line a row, however long."""
    (row,) = [line for line in piped(_TABLES[table]()) if _NAME in line]

    assert "…" not in row


@pytest.mark.parametrize("table", _TABLES)
@pytest.mark.parametrize("width", [50, 80, 120])
def test_a_narrow_terminal_folds_cells(monkeypatch, capsys, table, width):
    """Nothing is wider than the terminal, and no letter is missing."""
    monkeypatch.setenv("COLUMNS", str(width))
    print_rendered(_TABLES[table]())
    lines = capsys.readouterr().out.splitlines()

    assert max(map(len, lines)) <= width
    assert "…" not in "".join(lines)
    assert sum(line.count("-") for line in lines) >= _NAME.count("-")


def test_a_dumb_terminal_has_its_width(monkeypatch, capsys):
    """A table is not drawn for the 80 characters that other programs assume."""
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("COLUMNS", "50")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    print_table(made_results(seeds=2))
    lines = capsys.readouterr().out.splitlines()

    assert any("accuracy" in line for line in lines)
    assert max(map(len, lines)) <= 50


def test_a_function_gets_the_width_that_there_is(monkeypatch, capsys):
    """No terminal has none that matters; `COLUMNS` sets one."""
    widths = []
    for columns in (None, "70"):
        if columns:
            monkeypatch.setenv("COLUMNS", columns)
        else:
            monkeypatch.delenv("COLUMNS", raising=False)
        print_rendered(lambda width: widths.append(width) or "")

    assert widths[0] >= 10_000
    assert widths[1] == 70


def test_a_comparison_in_a_pipe_has_whole_names(monkeypatch, capsys):
    """And the columns that fit into 80 characters, as in a log."""
    results = made_results(seeds=2)
    results.frame.loc[results.frame["model"] == "lenet", "model"] = _NAME
    monkeypatch.delenv("COLUMNS", raising=False)
    print_table(results)
    out = capsys.readouterr().out

    assert _NAME in out
    assert ": --columns all" in out


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_wait_is_told_on_a_terminal_alone(monkeypatch, capsys, is_terminal):
    """It is gone from its line afterwards; a log of lines has none of it."""
    monkeypatch.setattr("sys.stderr.isatty", lambda: is_terminal)
    with say_meanwhile("wait"):
        meanwhile = capsys.readouterr().err
    after = capsys.readouterr().err

    assert (meanwhile, after) == (("wait", "\r    \r") if is_terminal else ("", ""))
