"""Folders of runs and trials, with names that every system takes."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench.runs.run_folder import RunFolder, require_own_folders
from registry.errors import RunError


@pytest.mark.parametrize("model", ["con", "Nul.txt", "a:b?*<>|", "net.", "..", "lock", "COM1", " "])
def test_a_models_folder_has_a_name_that_windows_takes(tmp_path, model):
    """Devices, signs, a dot at the end: none of them, and nothing outside the run."""
    folder = RunFolder.create(tmp_path, (model,))
    name = folder.path_of(SimpleNamespace(model=model, seed=0, fold=None)).parent.name

    for each in (name, folder.path.name):
        assert re.fullmatch(r"[\w.-]*[\w-]", each)
        assert not re.fullmatch(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", each, re.IGNORECASE)
    assert name != "lock"


def test_models_whose_folders_differ_in_case_alone_are_refused():
    """On macOS and Windows they would be one."""
    require_own_folders(["./a.py:Net", "./a.py:Net2", "lenet5", "lenet5"])

    with pytest.raises(RunError, match=re.escape("./a.py:Net and ./a.py:net would share")):
        require_own_folders(["./a.py:Net", "lenet5", "./a.py:net"])


def test_a_number_may_stand_behind_the_folder_of_runs(tmp_path, monkeypatch):
    """`runs/1` is number 1 there, whatever the folder for runs is; a missing one is told."""
    made = RunFolder.create(tmp_path / "kept", ["lenet5"])
    (made.path / "run.db").touch()
    monkeypatch.chdir(tmp_path)

    assert RunFolder.find("kept/1", Path("runs")).path == Path("kept") / made.path.name
    assert RunFolder.find("kept/0001", Path("runs")).path == Path("kept") / made.path.name
    with pytest.raises(RunError, match="no run '2' here or in kept:"):
        RunFolder.find("kept/2", Path("runs"))
