from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from drawn_folder import draw_folder
from environment import Environment


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """An environment with a good plugin, a broken one, and one that claims a taken name."""
    made = Environment(tmp_path_factory.mktemp("environment"))
    made.install("goodnet", "brokennets", "rivalnet")
    return made


@pytest.fixture(scope="module")
def rows(environment):
    """What `zoo list --json` says there, by name, in a Python that is begun for it."""
    done = environment.run_cold(["zoo", "list", "--json"])
    return {row["name"]: row for row in json.loads(done.stdout)}


@pytest.fixture(scope="module")
def compared(environment, tmp_path_factory):
    """How a comparison of the good plugin with a built-in has ended there, and its table."""
    folder = tmp_path_factory.mktemp("compared")
    data, runs = draw_folder(folder / "drawn"), folder / "runs"
    done = environment.bench("goodnet", "lenet5", "--json", "--data", data, "--runs-dir", runs)
    return done, _table(runs)


def _table(runs: Path) -> dict[str, dict[str, str]]:
    """Return the rows of the one run's table, by model."""
    (run,) = runs.iterdir()
    return {row["model"]: row for row in csv.DictReader((run / "comparison.csv").open())}


def test_a_plugin_is_listed_with_its_origin(rows):
    """Its promise and its distribution stand in the list, though it prints while imported."""
    assert rows["goodnet"]["parameters"] == 322
    assert rows["goodnet"]["origin"] == "goodnet 1.2.3"
    assert rows["goodnet"]["broken"] is None


def test_a_plugin_is_compared_with_a_built_in(compared):
    """An installed entry point is all it takes to be trained beside LeNet-5."""
    done, table = compared

    assert done.returncode == 0, done.stderr
    assert {"goodnet", "lenet5"} <= set(table)
    assert table["goodnet"]["origin"] == "goodnet 1.2.3"
    assert table["goodnet"]["contract"].startswith("verified")


def test_a_talking_network_leaves_the_json_clean(compared):
    """What the network prints at import is not in the way of who reads the JSON."""
    done, _ = compared

    assert {row["model"] for row in json.loads(done.stdout)["rows"]} >= {"goodnet", "lenet5"}
    assert "hello from a network" in done.stderr


def test_a_network_that_exits_at_import_is_a_failed_row(environment, tmp_path):
    """The others are trained, and the exit code is not that of a success."""
    data, runs = draw_folder(tmp_path / "drawn"), tmp_path / "runs"
    done = environment.bench("broken_network", "lenet5", "--data", data, "--runs-dir", runs)
    table = _table(runs)

    assert done.returncode == 4
    assert table["broken_network"]["status"] == "failed"
    assert table["lenet5"]["status"] == "ok"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("broken_syntax", "SyntaxError: invalid syntax (syntax.py, line 1)"),
        ("broken_runtime", "RuntimeError: operator torchvision::nms does not exist"),
        ("broken_exit", "SystemExit: 3"),
        ("broken_dependency", "it needs 'a_module_nobody_has', which is not installed"),
        ("broken_gone", "its own module 'brokennets.gone' is gone: reinstall or uninstall"),
        ("broken_part", "its own module 'brokennets.lost' is gone: reinstall or uninstall"),
        ("broken_kind", "brokennets.kind:NET is a function, not a registry.Architecture"),
        ("broken_name", "its entry point is called 'broken_name', its architecture 'another'"),
    ],
)
def test_a_broken_plugin_is_a_row_with_its_reason(rows, name, reason):
    """Whatever a plugin raises at import is one line in the list."""
    assert reason in rows[name]["broken"]
    assert rows[name]["origin"] == "brokennets 0.0.1"


def test_asking_for_a_broken_plugin_is_an_error(environment):
    """It is told with its reason on one line; the exit code is 4."""
    done = environment.zoo("bench", "--models", "broken_exit")

    assert done.returncode == 4
    assert done.stderr == ("zoo: 'broken_exit' from brokennets 0.0.1 is broken: SystemExit: 3\n")


def test_built_ins_are_unaffected(rows):
    """A clash with a built-in leaves the name to the built-in, and both are listed."""
    assert rows["lenet"]["origin"].startswith("zoo-bench")
    assert rows["brokennets/lenet"]["source"] == "not the real one"


def test_neither_of_two_plugins_gets_a_name_both_claim(environment, rows):
    """Both stand in the list by their full names, and the bare one asks which."""
    done = environment.zoo("show", "twice")

    assert {"brokennets/twice", "rivalnet/twice"} <= set(rows)
    assert "twice" not in rows
    assert done.returncode == 2
    assert "use 'brokennets/twice' or 'rivalnet/twice'" in done.stderr
