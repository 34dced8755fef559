"""What the shell offers after Tab, and what the commands say of the networks of libraries."""

from __future__ import annotations

import json
import subprocess
import sys
from types import SimpleNamespace

import pytest

from bench.system.cache_folder import own_cache_folder
from zoo import library_names as names
from zoo.cli import options

_KNOWN = {"timm": ["timm:resnet18", "timm:vgg11"], "torchvision": ["torchvision:resnet18"]}


@pytest.fixture
def known(monkeypatch, tmp_path):
    """Two libraries of three networks, in a cache folder of their own."""
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(names, "imported_names", lambda: _KNOWN)
    monkeypatch.setattr(names, "_asked", lambda: _KNOWN)


def test_networks_are_completed_with_those_of_libraries(known):
    """A library's prefix is offered first, and after it the names."""
    assert {"lenet", "lenet5", "lenet_as_printed"} == set(options.complete("lenet"))
    assert options.complete("tim") == ["timm:"]
    assert options.complete("timm:res") == ["timm:resnet18"]


def test_recipes_are_completed():
    """By their first letters."""
    assert options.complete_recipe("te") == ["textbook"]


def test_runs_are_completed_from_the_given_folder(tmp_path):
    """That of --runs-dir; a folder without records is no run."""
    for name in ("0001-lenet", "0002-vgg11", "notes"):
        (tmp_path / name).mkdir()
    (tmp_path / "0001-lenet" / "run.db").touch()
    (tmp_path / "0002-vgg11" / "run.db").touch()
    context = SimpleNamespace(params={"runs_dir": tmp_path})

    assert options.complete_run(context, "000") == ["0001-lenet", "0002-vgg11"]
    assert options.complete_run(context, "0002") == ["0002-vgg11"]


def test_the_last_of_several_columns_is_completed():
    """What stands before its comma stays."""
    assert options.complete_columns("accuracy,para") == ["accuracy,parameters"]
    assert "all" in options.complete_columns("")


def test_completion_imports_no_torch(tmp_path):
    """It answers at every Tab: neither networks, recipes nor runs need torch."""
    code = (
        "import sys; from types import SimpleNamespace; from zoo.cli import options\n"
        "options.complete('l'), options.complete_recipe('d')\n"
        "options.complete_run(SimpleNamespace(params={}), '0')\n"
        "print({'torch', 'pandas'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"


def test_names_of_libraries_are_kept_for_their_versions(known, monkeypatch):
    """The libraries are asked once; another version of one is asked again."""
    assert names.library_names() == _KNOWN
    monkeypatch.setattr(names, "imported_names", dict)
    monkeypatch.setattr(names, "_asked", dict)
    assert names.library_names() == _KNOWN
    kept = own_cache_folder() / "library-networks.json"
    stored = json.loads(kept.read_text())
    stored["versions"]["timm"] = "timm 0.0.1"
    kept.write_text(json.dumps(stored))

    assert names.library_names() == {}


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"versions": 1}', "\x00"])
def test_a_damaged_list_of_names_is_made_again(known, content):
    """It is only a cache."""
    (own_cache_folder() / "library-networks.json").write_text(content)

    assert names.library_names() == _KNOWN


def test_a_network_of_a_library_is_offered_with_its_prefix(known, zoo):
    """`resnet18` alone is unknown, and both libraries have one."""
    code, out, err = zoo("show", "resnet18")

    assert (code, out) == (2, "")
    assert "Did you mean 'timm:resnet18' or 'torchvision:resnet18'?" in err


def test_a_list_ends_with_the_number_of_library_networks(known, zoo):
    """And with the command that lists them; a list of some names does not."""
    _, out, err = zoo("list")

    assert "Simonyan" not in out
    assert err.startswith("and 3 networks of libraries: 2 of timm and 1 of torchvision.")
    assert "zoo list --family timm" in err
    assert zoo("list", "lenet")[2] == ""


def test_a_long_list_has_the_sources(known, zoo):
    """The paper of each network."""
    assert "Simonyan and Zisserman 2015" in zoo("list", "--long")[1]
