from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest
from conftest import draw_folder, noise
from torch import nn

from bench.data.fetch import NAMES
from registry.checks import CHECKS
from registry.checks.parametrize import wanted_by
from registry.verify import verify
from zoo.cli import main

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


COMMANDS = [line for block in _blocks("sh") for line in block.splitlines() if line]
RUN = [line for line in COMMANDS if not line.startswith("zoo data fetch")]
SMALLER = ["--epochs", "1", "--batch-size", "64", "--limit", "24"]  # the same, in a shorter time
ISOLATED = (  # trials have processes of their own, which take seconds each to begin
    "zoo bench --models lenet alexnet",
    "zoo bench -m lenet5 --data photographs --timeout 3600",
)


def _smaller(arguments: list[str]) -> list[str]:
    """Return the same command, to be done in a shorter time."""
    if arguments[1] not in ("bench", "plan", "tune") or "--help" in arguments:
        return arguments
    if arguments[1] == "tune":
        return [*arguments, *SMALLER[:2]]
    smaller = SMALLER if shlex.join(arguments) in ISOLATED else [*SMALLER, "--no-isolate"]
    if "--budget" in arguments:  # is instead of epochs
        return [*arguments, "--budget", "0.1s", *smaller[2:]]
    return [*arguments, *smaller]


class TinyNet(nn.Sequential):
    """A network that keeps the promise printed in the README."""

    def __init__(self, num_classes: int) -> None:
        super().__init__(nn.Flatten(), nn.Linear(3 * 64 * 64, num_classes))


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A folder with what the README says is there: photographs, and a picture of a pet."""
    folder = tmp_path_factory.mktemp("readme")
    draw_folder(folder / "photographs", each=15)
    noise(1).save(folder / "my-pet.jpg")
    return folder


@pytest.mark.parametrize("command", RUN)
def test_every_command_runs(command, workplace, monkeypatch):
    """In the README's order, in one folder, each ends well."""
    monkeypatch.chdir(workplace)
    monkeypatch.setattr("bench.data.split._TEXTBOOK_TRAIN", 12)  # of 24
    monkeypatch.setattr(sys, "argv", [*_smaller(shlex.split(command))])

    try:
        main()
        code = 0
    except SystemExit as ended:
        code = ended.code or 0

    assert code == 0


def test_the_commands_of_processes_are_there():
    """Those that are not run here, in this one, are commands of the README."""
    assert set(ISOLATED) <= set(RUN)


def test_the_sets_to_fetch_exist():
    """What the README fetches can be fetched."""
    fetched = {shlex.split(line)[3] for line in COMMANDS if line.startswith("zoo data fetch")}

    assert fetched == set(NAMES)


def test_the_ten_lines_make_an_architecture(monkeypatch):
    """The printed value keeps its promise with a network of the kind it names."""
    namespace: dict[str, object] = {}
    exec(_blocks("python")[0], namespace)
    monkeypatch.setitem(sys.modules, "tinynet_network", sys.modules[__name__])

    assert verify(namespace["TINYNET"]).measured.parameters == 24_578
    assert 'tinynet = "tinynet:TINYNET"' in _blocks("toml")[0]


def test_the_lines_for_an_authors_tests_ask_for_all_checks():
    """The printed test is one that the pytest plugin takes up."""
    namespace: dict[str, object] = {}
    exec(_blocks("python")[2], namespace)
    wanted = wanted_by(namespace["test_tinynet_keeps_its_promises"])

    assert (wanted.architectures, wanted.only) == (("tinynet",), ())


def test_every_check_is_explained():
    """The table of checks names each of them, in their order."""
    table = README.partition("| check | a network |")[2].partition("\n\n")[0]

    assert re.findall(r"^\| (\w+) \|", table, re.MULTILINE) == [check.name for check in CHECKS]


def test_the_notebook_lines_run(tmp_path, monkeypatch):
    """`bench.run` as printed gives a frame; here, in this process."""
    for module in ("bench.session", "bench.harness"):
        monkeypatch.setattr(f"{module}.can_spawn", lambda: False)
    monkeypatch.chdir(draw_folder(tmp_path / "photographs", each=12).parent)
    namespace: dict[str, object] = {}
    exec(_blocks("python")[1], namespace)

    assert set(namespace["results"].frame["model"]) >= {"lenet5", "lenet"}
