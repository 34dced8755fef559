from __future__ import annotations

import pytest

from bench.report.display import cell, display


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("cat.0.jpg", "cat.0.jpg"),
        ("Katze ä 猫.jpg", "Katze ä 猫.jpg"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("a\u202eb", "a\\u202eb"),
        ("caf\udce9.jpg", "caf\\udce9.jpg"),
    ],
)
def test_nothing_reaches_the_terminal_that_could_drive_it(text, shown):
    """Control characters, direction marks and broken bytes are written out; letters stay."""
    assert display(text) == shown


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x"])
def test_a_formula_stays_text(text):
    """A spreadsheet shows what a file is called and computes nothing."""
    assert cell(text) == f"'{text}"
