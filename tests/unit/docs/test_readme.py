from __future__ import annotations

import io
import re
import shlex
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import replace

import liars
import pytest
from drawn_folder import draw_folder, noise
from environment import LESS, UNDRAWN, hasten
from paths import ROOT
from torch import nn
from warm import warm

import zoo
from bench.data.fetch import NAMES
from registry.checks import CHECKS
from registry.verify import verify
from zoo.cli.app import main

README = (ROOT / "README.md").read_text(encoding="utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


COMMANDS = [line for block in _blocks("sh") for line in block.splitlines() if line]
RUN = [line for line in COMMANDS if not line.startswith("zoo data fetch")]
SMALLER = ["--epochs", "1", "--batch-size", "64", "--limit", "24"]  # the same, in a shorter time
ISOLATED = (  # these are processes of their own, and their trials have processes of their own
    "zoo bench --models lenet alexnet",
    "zoo bench -m lenet5 --data photographs --timeout 3600",
)
_LARGE = ("LENET", "ALEXNET")
_IN_A_FORK = f"import runpy, sys; runpy.run_path({__file__!r})['be'](sys.argv[1:])"


class TinyNet(nn.Sequential):
    """A network that keeps the promise printed in the README."""

    def __init__(self, num_classes: int) -> None:
        super().__init__(nn.Flatten(), nn.Linear(3 * 64 * 64, num_classes))


@contextmanager
def _small() -> Iterator[pytest.MonkeyPatch]:
    """Let networks of the same names be small, pictures few, and what is timed be done once."""
    small = liars.architecture("Honest")
    with pytest.MonkeyPatch.context() as patch:
        for name in _LARGE:
            large = getattr(zoo, name)
            stand_in = replace(large, constructor=small.constructor, contract=small.contract)
            patch.setattr(zoo, name, stand_in)
        patch.setattr("bench.data.split._TEXTBOOK_TRAIN", 12)  # of 24
        hasten(patch.setattr, LESS)
        yield patch


def _smaller(arguments: list[str]) -> list[str]:
    """Return the same command, to be done in a shorter time."""
    if arguments[1:3] == ["data", "draw"]:
        return [*arguments, "--images", "10"]
    if arguments[1] not in ("bench", "plan", "tune") or "--help" in arguments:
        return arguments
    if arguments[1] == "tune":
        return [*arguments, *SMALLER[:2], "--no-isolate"]
    smaller = SMALLER if shlex.join(arguments) in ISOLATED else [*SMALLER, "--no-isolate"]
    if "--budget" in arguments:  # is instead of epochs
        return [*arguments, "--budget", "0.1s", *smaller[2:]]
    return [*arguments, *smaller]


def be(arguments: Sequence[str]) -> None:
    """Be the command `arguments`, with small networks for large ones."""
    with _small() as patch:
        patch.setattr(sys, "argv", [*arguments])
        main()


def _ended(arguments: Sequence[str]) -> tuple[object, str]:
    """Return how the command has ended here, in this process, and what it has said."""
    said, code = io.BytesIO(), 0
    with io.TextIOWrapper(said) as stream, redirect_stdout(stream), redirect_stderr(stream):
        try:
            be(arguments)
        except SystemExit as ended:
            code = ended.code or 0
        except Exception:  # noqa: BLE001  (it is the test of that command that fails)
            code = traceback.format_exc()
        stream.flush()
        return code, said.getvalue().decode()


def _ended_apart(arguments: Sequence[str]) -> tuple[object, str]:
    """Return the same of the command in a process of its own."""
    done = warm().run(["-c", _IN_A_FORK, *arguments])
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def ends(tmp_path_factory) -> Mapping[str, tuple[object, str]]:
    """How each command has ended: all in the README's order, in one folder.

    It holds what the README says is there: photographs, and a picture of a pet.
    """
    folder = tmp_path_factory.mktemp("readme")
    draw_folder(folder / "photographs", each=15)
    noise(1).save(folder / "my-pet.jpg")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("ZOO_CACHE", str(folder / "cache"))  # one of the commands empties it
        hasten(patch.setattr, UNDRAWN)  # here; what is done apart is drawn
        return {
            line: (_ended_apart if line in ISOLATED else _ended)(_smaller(shlex.split(line)))
            for line in RUN
        }


@pytest.mark.parametrize("command", RUN)
def test_every_command_runs(command, ends):
    """In the README's order, in one folder, each ends well."""
    code, said = ends[command]

    assert code == 0, said[-2000:]


def test_the_commands_of_processes_are_there():
    """Those that are processes of their own are commands of the README."""
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

    verify(namespace["TINYNET"])
    assert namespace["TINYNET"].contract.parameters == 24_578
    assert 'tinynet = "tinynet:TINYNET"' in _blocks("toml")[0]


def test_the_lines_for_an_authors_tests_ask_for_all_checks():
    """The printed test is one that the pytest plugin takes up."""
    namespace: dict[str, object] = {}
    exec(_blocks("python")[2], namespace)
    wanted = namespace["test_tinynet_keeps_its_promises"]._zoo_architectures

    assert wanted.args[:2] == (("tinynet",), ())


def test_every_check_is_explained():
    """The table of checks names each of them, in their order."""
    table = README.partition("| check | a network |")[2].partition("\n\n")[0]

    assert re.findall(r"^\| (\w+) \|", table, re.MULTILINE) == [check.name for check in CHECKS]


def test_the_notebook_lines_run(tmp_path, monkeypatch):
    """`bench.run` as printed gives a frame; here, in this process."""
    for module in ("bench.runs.session", "bench.engines.spawn"):
        monkeypatch.setattr(f"{module}.can_spawn", lambda: False)
    monkeypatch.chdir(draw_folder(tmp_path / "photographs", each=12).parent)
    namespace: dict[str, object] = {}
    with _small():
        exec(_blocks("python")[1], namespace)

    assert set(namespace["results"].frame["model"]) >= {"lenet5", "lenet"}
