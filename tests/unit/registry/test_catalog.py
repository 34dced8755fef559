from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest
from claims import claim

import registry
from registry import Catalog
from registry.catalog import ARCHITECTURES
from registry.errors import (
    AmbiguousNameError,
    BrokenPluginError,
    UnknownNameError,
)


def _claim(name: str, value: str, distribution: str, **files: str) -> EntryPoint:
    return claim(name, value, distribution, ARCHITECTURES.group, **files)


BUILT_IN = _claim("lenet", "zoo:LENET", "zoo-bench")
OTHER = _claim("lenet", "zoo:LENET", "Other_Pkg")
FIRST = _claim("lenet5", "zoo:LENET5", "first")
SECOND = _claim("lenet5", "zoo:LENET5", "second")


def test_the_built_ins_come_through_the_entry_points():
    """All nine are installed under their own names."""
    built_ins = {"alexnet", "alexnet_2012", "lenet", "lenet5", "lenet_as_printed"}

    assert built_ins | {"vgg11", "vgg13", "vgg16", "vgg19"} <= set(registry.names())


def test_an_architecture_is_had_by_name():
    """`registry.get` returns the value itself."""
    assert registry.get("lenet").contract.parameters == 46_038_242


def test_a_built_in_wins_a_clash():
    """The bare name stays the built-in's; the plugin keeps its qualified name."""
    catalog = Catalog([OTHER, BUILT_IN])

    assert catalog.names() == ("lenet", "other-pkg/lenet")
    assert catalog.get("lenet").origin.distribution == "zoo-bench"
    assert catalog.get("other-pkg/lenet").origin.distribution == "other-pkg"


def test_two_plugins_with_one_name_both_need_their_full_name():
    """Neither is chosen silently: the message names both."""
    catalog = Catalog([SECOND, FIRST])

    assert catalog.names() == ("first/lenet5", "second/lenet5")
    assert catalog.get("second/lenet5").origin.distribution == "second"
    with pytest.raises(AmbiguousNameError, match="'first/lenet5' or 'second/lenet5'"):
        catalog.get("lenet5")


def test_a_qualified_name_always_works():
    """Also where nothing clashes."""
    assert Catalog([FIRST]).get("first/lenet5").value is not None


def test_an_entry_is_called_by_its_shortest_name():
    """Asked for by its full name, an unclashed architecture is called by its bare one."""
    assert Catalog([FIRST]).get("first/lenet5").name == "lenet5"


def test_two_names_of_one_architecture_are_one():
    """No architecture is compared with itself, and an exclusion takes it by either name."""
    catalog = Catalog([BUILT_IN, FIRST])

    assert catalog.resolve(["lenet", "zoo-bench/lenet"]) == ("lenet",)
    assert catalog.resolve(["!zoo-bench/lenet"]) == ("lenet5",)


@pytest.mark.parametrize(
    ("told", "editable"),
    [
        ('{"url": "file:///x", "dir_info": {"editable": true}}', True),
        ('{"url": "file:///x", "dir_info": {}}', False),
        ('{"url": "https://x/y.whl", "archive_info": {}}', False),
        ("{half writ", False),
        ('{"dir_info": null}', False),
        ("[]", False),
    ],
)
def test_editable_is_read_from_the_installation(told, editable):
    """A direct_url.json that says nothing sensible is no editable installation, and no crash."""
    claim = _claim("lenet5", "zoo:LENET5", "first", **{"direct_url.json": told})

    assert Catalog([claim]).get("lenet5").origin.editable is editable


def test_a_half_removed_distribution_does_not_hide_the_others():
    """One without METADATA has neither name nor version, and the list goes on."""
    claim = _claim("leftover", "leftover:NET", "leftover", METADATA="")
    origins = {entry.name: str(entry.origin) for entry in Catalog([claim, BUILT_IN]).entries()}

    assert origins == {"lenet": "zoo-bench 1.0", "leftover": "unknown"}


@pytest.mark.parametrize("module", ["gone", "registry.gone"])
def test_a_module_of_its_own_that_is_gone_is_told(module):
    """A plugin that lost a file is to be installed anew."""
    claim = _claim("mine", f"{module}:NET", "mine")

    told = Catalog([claim]).entries()[0].broken
    assert told == f"its own module {module!r} is gone: reinstall or uninstall mine 1.0"


def test_an_unknown_name_says_what_is_near():
    """A typing error is told with the name that was meant."""
    with pytest.raises(UnknownNameError, match=r"'lenett'\. Did you mean 'lenet'"):
        Catalog.installed().get("lenett")


def test_patterns_choose_and_exclude():
    """`*` takes all that match, `!` takes away, each name comes once, in the order asked."""
    catalog = Catalog.installed()

    assert catalog.resolve(["vgg*", "!vgg19", "lenet", "vgg11"]) == (
        "vgg11",
        "vgg13",
        "vgg16",
        "lenet",
    )


def test_exclusions_alone_take_from_everything():
    """`!vgg*` means all but those."""
    chosen = Catalog.installed().resolve(["!vgg*"])

    assert "lenet" in chosen
    assert not [name for name in chosen if name.startswith("vgg")]


def test_a_pattern_that_matches_nothing_is_an_error():
    """An empty comparison is never what was meant."""
    with pytest.raises(UnknownNameError, match=r"no architecture matches 'vggg\*'"):
        Catalog.installed().resolve(["vggg*"])


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("zoo:__version__", "is a str, not a registry.Architecture"),
        ("zoo:LENET", "its entry point is called 'mine', its architecture 'lenet'"),
        ("zoo:NOTHING", "AttributeError"),
    ],
)
def test_a_wrong_value_is_a_broken_entry(value, reason):
    """The list goes on; only asking for it is an error."""
    catalog = Catalog([_claim("mine", value, "mine"), BUILT_IN])

    broken = {entry.name: entry.broken for entry in catalog.entries()}
    assert reason in str(broken["mine"])
    assert broken["lenet"] is None
    with pytest.raises(BrokenPluginError, match=r"'mine' from mine 1\.0 is broken"):
        catalog.get("mine")


def test_listing_imports_no_torch():
    """Names, contracts and origins of everything are known without torch."""
    code = (
        "import sys, registry; registry.Catalog.installed().entries();print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"
