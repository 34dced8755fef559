"""Lines for a terminal of some width."""

from __future__ import annotations

import io
import os

import pytest

from bench.system.terminal import folded, terminal_cells

_TOLD = "for a verdict, 2 to 11 more seeds: zoo bench --resume runs/0001-a-long-name --until-clear"


class _Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def narrow(monkeypatch):
    """A terminal of 40 characters."""
    monkeypatch.setenv("COLUMNS", "40")
    return _Terminal()


def test_lines_end_between_words(narrow):
    """A word that is longer than the terminal stays whole."""
    path = f"runs/{'x' * 50}"

    assert folded(f"the drawings of cats and dogs that were made are in {path}", narrow) == (
        f"the drawings of cats and dogs that were\nmade are in\n{path}"
    )


def test_a_command_is_never_broken(narrow):
    """It has a line of its own, to be copied."""
    assert folded(_TOLD, narrow).splitlines() == [
        "for a verdict, 2 to 11 more seeds:",
        "zoo bench --resume runs/0001-a-long-name --until-clear",
    ]


def test_a_log_has_a_line_for_each_message(monkeypatch):
    """However long it is; and a wide terminal has, too."""
    monkeypatch.setenv("COLUMNS", "100")

    assert folded(_TOLD, io.StringIO()) == folded(_TOLD, _Terminal()) == _TOLD


@pytest.mark.parametrize("columns", ["", "no number"])
def test_a_terminal_has_its_own_width(monkeypatch, columns):
    """Without a number in `COLUMNS`; one that does not tell has 80."""
    monkeypatch.setenv("COLUMNS", columns)

    assert terminal_cells(_Terminal()) == 80
    assert terminal_cells(io.StringIO()) is None


def test_a_terminal_is_asked_for_its_width(monkeypatch):
    """Also a dumb one."""
    monkeypatch.setenv("COLUMNS", "")
    monkeypatch.setattr(os, "get_terminal_size", lambda number: os.terminal_size((50, 20)))
    terminal = _Terminal()
    terminal.fileno = lambda: 1

    assert terminal_cells(terminal) == 50
