"""docs/tuning.md: each command ends well, in its order."""

from __future__ import annotations

import re
import shlex

import pytest
from drawn_folder import draw_folder
from paths import ROOT

pytestmark = pytest.mark.usefixtures("hastened_runs")

_PAGE = (ROOT / "docs" / "tuning.md").read_text(encoding="utf-8")
_FILES = re.findall(r"```toml file=(\S+)\n(.*?)```", _PAGE, flags=re.DOTALL)
_BLOCKS = re.findall(r"```sh\n(.*?)```", _PAGE, flags=re.DOTALL)
_COMMANDS = [line for block in _BLOCKS for line in block.splitlines()]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A folder with photographs and the files of the page."""
    folder = tmp_path_factory.mktemp("tuning")
    draw_folder(folder / "photographs", each=20)
    for name, text in _FILES:
        (folder / name).write_text(text)
    return folder


def test_every_command_of_the_page_ends_well(workplace, zoo, monkeypatch):
    """In its order, in one folder; one epoch is enough to see that."""
    monkeypatch.chdir(workplace)
    ended = {}
    for command in _COMMANDS:
        _, *arguments = shlex.split(command)
        code, _, err = zoo(*arguments, "--epochs", 1, "--no-isolate")
        ended[command] = (code, err if code else "")

    assert len(ended) >= 4
    assert ended == dict.fromkeys(_COMMANDS, (0, ""))
