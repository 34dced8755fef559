"""Folders of runs and trials, with names that every system takes."""

from __future__ import annotations

import re
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
