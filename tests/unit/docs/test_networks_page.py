from __future__ import annotations

import json
import re
import shlex

import pytest
from environment import Environment
from pages import blocks_of

_BLOCKS = blocks_of("docs/how-to/networks.md")
_FILES = [(block.file, block.text) for block in _BLOCKS if block.file]
_COMMANDS = [line for block in _BLOCKS for line in block.commands]
_FEW = ["--epochs", "1", "--limit", "12"]
_SMALLER = {  # the same paths, in a shorter time
    "zoo bench --models ./mynet.py:MyNet lenet5": _FEW,
    "zoo bench --models my_net lenet5": [*_FEW, "--no-isolate"],
    "zoo bench --models lenet5 torchvision:shufflenet_v2_x0_5": [*_FEW, "--no-isolate"],
    "zoo check my_net": ["--only", "shapes"],  # the next command, its tests, holds it to all
}


@pytest.fixture(scope="module")
def life(tmp_path_factory):
    """What each command of the page gave, in its order, in one folder and environment."""
    folder = tmp_path_factory.mktemp("author")
    for name, text in _FILES:
        (folder / name).write_text(text)
    environment = Environment(tmp_path_factory.mktemp("environment"))
    found = {}
    for command in _COMMANDS:
        words = [*shlex.split(command), *_SMALLER.get(command, ())]
        found[command] = environment.run(words, cwd=folder)
    found["afterwards"] = environment.run(["zoo", "list", "--json"], cwd=folder)
    return found


@pytest.mark.parametrize("command", _COMMANDS)
def test_every_command_of_the_page_ends_well(life, command):
    """As written, from the first line to the last."""
    done = life[command]

    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def test_the_commands_made_smaller_are_there():
    """Each is a command of the page, and no training is forgotten."""
    assert set(_SMALLER) <= set(_COMMANDS)
    assert {line for line in _COMMANDS if line.startswith("zoo bench")} <= set(_SMALLER)


def test_a_new_package_is_listed_checked_tested_and_trained(life):
    """With no edit: beside a built-in, its contract verified, each check a test of its own."""
    assert "23,826" in life["zoo list my_net"].stdout
    assert "my_net" in life["zoo bench --models my_net lenet5"].stdout
    assert re.search(r"13 passed", life["python -m pytest zoo-my-net"].stdout)
    assert "parameters=23_826" in life["zoo contract freeze my_net"].stdout


def test_what_is_uninstalled_is_gone(life):
    """And the built-ins are as before."""
    names = {row["name"] for row in json.loads(life["afterwards"].stdout)}

    assert "my_net" not in names
    assert "lenet5" in names
