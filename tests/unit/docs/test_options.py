"""docs/options.md beside the fields that it is written from."""

from __future__ import annotations

import re

from options_page import PAGE, page

from bench.runs.run_options import OPTIONS


def test_the_page_is_the_one_that_is_written_from_the_fields():
    """`make options` would change nothing."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_option_has_a_row():
    """Its flags, and the name of its field."""
    rows = re.findall(r"^\| \**`(--[^`]+)`.*?\| `(\w+)` \|", page(), re.M)

    assert {name: flag for flag, name in rows} == {
        name: option.flags[0] for name, option in OPTIONS.items()
    }
