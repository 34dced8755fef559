"""The script that draws charts on a page, in the cache."""

from __future__ import annotations

import pytest

from bench.report.page.chart_library import keep_library, kept_library
from bench.system.cache_folder import clear_cache


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache folder."""
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path))
    return tmp_path


def _file(cache):
    (path,) = cache.glob("charts/*.js")
    return path


def test_a_chart_library_is_kept(cache):
    """The second page has it from the cache; `zoo data cache --clear` removes it."""
    before, made = kept_library(), keep_library("let vega = 1;")
    kept = kept_library()
    clear_cache(cache)

    assert (before, made, kept) == (None, "let vega = 1;", "let vega = 1;")
    assert not (cache / "charts").exists()


@pytest.mark.parametrize("harm", [b"", b"let vega = 2;", b"\xff" * 100])
def test_a_damaged_chart_library_counts_as_none(cache, harm):
    """Its SHA-256 stands before it."""
    keep_library("let vega = 1;")
    _file(cache).write_bytes(harm)

    assert kept_library() is None


def test_a_chart_library_of_others_counts_as_none(cache):
    """It would run in the reader's browser."""
    keep_library("let vega = 1;")
    _file(cache).chmod(0o666)

    assert kept_library() is None


def test_a_chart_library_that_is_a_link_counts_as_none(cache):
    """What a link names may be anybody's."""
    keep_library("let vega = 1;")
    path = _file(cache)
    path.rename(cache / "elsewhere.js")
    path.symlink_to(cache / "elsewhere.js")

    assert kept_library() is None
