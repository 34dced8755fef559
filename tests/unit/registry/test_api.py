"""The number of the interface that plugins are written for."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
from claims import claim

import registry
from registry import Architecture
from registry.catalog import ARCHITECTURES, Catalog
from registry.errors import BrokenPluginError

_TEXT = "[zoo.api]\n{} = registry:API\n"


def _entry(api: str):
    """Return what a plugin that names `api` comes to; its module does not exist."""
    files = {"entry_points.txt": _TEXT.format(api)}
    theirs = claim("theirs", "nowhere:NET", "theirs", ARCHITECTURES.group, **files)
    return Catalog([theirs])


def test_a_plugin_for_a_newer_api_is_a_row_with_what_to_do():
    """Nothing of it is imported."""
    with pytest.raises(BrokenPluginError, match=r"for API 2, and this one is 1: upgrade zoo-bench"):
        _entry("2").get("theirs")


def test_a_plugin_for_too_old_an_api_is_a_row_with_what_to_do():
    """It is the plugin that must be upgraded."""
    with pytest.raises(BrokenPluginError, match="for API 0, and the oldest one is 1: upgrade it"):
        _entry("0").get("theirs")


def test_an_api_that_is_no_number_says_how_to_write_it():
    """Such as a version."""
    with pytest.raises(BrokenPluginError, match=r'must name a number, such as 1 = "registry:API"'):
        _entry("v1").get("theirs")


@pytest.mark.parametrize("api", [str(registry.API)])
def test_a_plugin_for_this_api_is_loaded(api):
    """Its module is looked for."""
    with pytest.raises(BrokenPluginError, match="its own module 'nowhere' is gone"):
        _entry(api).get("theirs")


def test_the_api_is_no_field_of_an_architecture():
    """Or else specifications of before would have other digests."""
    assert "api" not in {field.name for field in fields(Architecture)}


def test_what_an_author_needs_is_public():
    """What the scaffold and the page on networks import stands in `registry.__all__`."""
    root = Path(registry.__file__).parents[1]
    needed = {"API", "Argument", "parametrize_architectures", "Family", "Described", "Deviation"}
    template = root / "zoo" / "scaffold" / "plugin_template"
    texts = [path.read_text() for path in template.iterdir()]

    assert needed <= set(registry.__all__)
    assert all(hasattr(registry, name) for name in registry.__all__)
    assert not any("from registry." in text for text in texts)
