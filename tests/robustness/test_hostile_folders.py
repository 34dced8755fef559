"""Folders that somebody else has made run no code, write nothing outside, and hang nothing."""

from __future__ import annotations

from hostile_folders import harms


def test_hostile_run_folders_do_no_harm():
    """Every fifth one: links, pipes, lies and code; all are refused in one line, or harmless."""
    counts = harms(every=5)

    assert counts.total() >= 30
    assert counts["refused"] >= 15
