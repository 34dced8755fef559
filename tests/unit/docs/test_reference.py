"""The generated pages of docs/reference/ beside the code that they are generated from."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from reference_pages import PAGES, commands, exit_codes, options

from bench.runs.run_options import OPTIONS
from registry.exit_codes import ExitCode


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_each_page_is_what_the_code_says(path):
    """`make reference` would change nothing."""
    assert path.read_text(encoding="utf-8") == PAGES[path]()


def test_every_option_has_a_row():
    """Its flags, and the name of its field."""
    rows = re.findall(r"^\| \**`(--[^`]+)`.*?\| `(\w+)` \|", options(), re.M)

    assert {name: flag for flag, name in rows} == {
        name: option.flags[0] for name, option in OPTIONS.items()
    }


def test_every_command_has_a_section():
    """Groups of commands and the commands in them."""
    found = re.findall(r"^## `zoo (.+)`$", commands(), re.M)

    assert {"bench", "data check", "runs show", "contract freeze", "gather"} < set(found)
    assert len(found) == len(set(found)) > 20


def test_every_exit_code_has_a_row():
    """Number and meaning are those of the enumeration, in its order."""
    rows = re.findall(r"^\| (\d+) \| (.*) \|$", exit_codes(), re.M)

    assert [(int(code), said) for code, said in rows] == [(c.value, c.meaning) for c in ExitCode]


def test_an_option_that_changed_is_found_out(monkeypatch):
    """The liar: an option with another text."""
    before = options()
    other = OPTIONS | {"limit": replace(OPTIONS["limit"], text="Another text.")}
    monkeypatch.setattr("reference_pages.OPTIONS", other)

    assert options() != before
