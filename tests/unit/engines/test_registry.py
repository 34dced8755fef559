"""Engines by name: ours, a plugin's, those that break, and those that two claim."""

from __future__ import annotations

import json
from importlib.metadata import entry_points

import pytest

import bench
from bench.engines.executor import ExecutorConfig, start_executor
from bench.engines.registry import ENGINES, LOCAL, Engine, get_engine
from bench.runs.progress import Progress
from registry.claims import Claims
from registry.errors import AmbiguousNameError, BrokenPluginError, RunError, UnknownNameError

_MODULE = """
from bench import Engine
from bench.engines.in_process import InProcessExecutor

LOCAL = Engine(name="local", constructor="{module}:Mine")
MINE = Engine(name="mine", constructor="{module}:Mine", source="a test's own")
LEAVING = Engine(name="leaving", constructor="{module}:leave")
LACKING = Engine(name="lacking", constructor="{module}:Mine", library="no_such_module",
                 install="lacking[all]")
begun = []


class Mine(InProcessExecutor):
    def __init__(self, callback, setup):
        super().__init__(callback)
        begun.append(setup)

    def close(self):
        begun.append("closed")


def leave(callback, setup):
    raise SystemExit("no more")
"""


def _install(folder, name, *claims):
    """Lay a distribution `name` into `folder`, with the entry points `claims`."""
    information = folder / f"{name}-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = [f"{claim} = {name}_engines:{claim.upper()}" for claim in claims]
    (information / "entry_points.txt").write_text("\n".join(["[zoo.engines]", *lines]))
    module = f"{name}_engines"
    (folder / f"{module}.py").write_text(_MODULE.format(module=module))


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """A distribution that claims names of engines, among them one of ours."""
    _install(tmp_path, "crew", "local", "mine", "leaving", "lacking", "gone")
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_an_unknown_engine_is_one_line(zoo):
    """It says where those that there are stand."""
    code, out, err = zoo("bench", "lenet5", "--engine", "locall")

    assert (code, out) == (2, "")
    assert err.startswith("zoo: unknown engine 'locall'. Did you mean 'local'? `zoo list engines`")
    assert err.count("\n") == 1


def test_engines_are_listed(zoo):
    """Each with where it does trials; nothing of them is begun."""
    code, out, _ = zoo("list", "engines", "--json")
    rows = {row["name"]: row for row in json.loads(out)}

    assert code == 0
    assert "its own process" in rows["local"]["source"]
    assert "Ray cluster" in rows["ray"]["source"]


def test_ours_is_not_overwritten(plugin):
    """A plugin's `local` is reached by its full name alone."""
    assert get_engine("local") is LOCAL
    assert get_engine("crew/local").constructor == "crew_engines:Mine"


def test_a_name_that_two_claim_is_neithers(plugin):
    """Each has its full name."""
    _install(plugin, "other", "mine")

    with pytest.raises(AmbiguousNameError, match="crew/mine"):
        get_engine("mine")
    assert get_engine("other/mine").constructor == "other_engines:Mine"


def test_a_broken_plugin_is_a_reason(plugin):
    """What can't be imported, and what leaves when it is begun."""
    claims = Claims(ENGINES, entry_points(group=ENGINES.group))

    assert "GONE" in (claims.entry("gone").broken or "")
    with pytest.raises(BrokenPluginError, match=r"'gone' from crew 1\.0 is broken"):
        get_engine("gone")
    with pytest.raises(BrokenPluginError, match="'leaving' cannot start: SystemExit: no more"):
        start_executor("leaving", Progress(shown=False), ExecutorConfig())


def test_what_an_engine_needs_is_said(plugin):
    """In the words that pip is told."""
    with pytest.raises(RunError, match=r"--engine lacking needs a library: pip install 'lacking"):
        get_engine("lacking")


def test_a_value_of_another_kind_is_no_engine():
    """The liar: a recipe where an engine is claimed."""
    (claim,) = [each for each in entry_points(group="zoo.recipes") if each.name == "demo"]
    entry = Claims(ENGINES, [claim]).entry("demo")

    assert "is a Recipe, not a bench.Engine" in (entry.broken or "")
    assert isinstance(LOCAL, Engine)


def test_a_plugins_engine_does_the_trials(plugin, drawn, tmp_path):
    """It is begun with what was asked, given the trials, and closed; the title names it."""
    import crew_engines

    options = {"epochs": 1, "layout": "contiguous", "jobs": 1, "address": "there"}
    results = bench.run(["lenet5"], drawn, engine="mine", runs=tmp_path / "runs",
                        progress=False, **options)  # fmt: skip
    setup, closed = crew_engines.begun

    assert [record.status for record in results.records] == ["ok"]
    assert (setup.jobs, setup.address, list(setup.architectures)) == (1, "there", ["lenet5"])
    assert closed == "closed"
    assert ", by mine" in results.title


def test_an_address_is_for_clusters(drawn, tmp_path):
    """Where trials are done here, none is taken."""
    with pytest.raises(RunError, match="--address names a cluster: add --engine ray"):
        bench.run(["lenet5"], drawn, address="here", runs=tmp_path / "runs", progress=False)


def test_no_engine_of_that_name(plugin):
    """From Python, too."""
    with pytest.raises(UnknownNameError, match="unknown engine 'minne'"):
        get_engine("minne")
