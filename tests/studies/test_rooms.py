"""The rules of the layout find what breaks them."""

from __future__ import annotations

import pytest
from portable_names import bare_text, platform_names
from rooms import circles, function_lines, imports, long_files, loose, modules, twice, upward

_FILES = {
    "registry/__init__.py": "import bench.data.clean",
    "bench/__init__.py": "",
    "bench/stray.py": "",
    "bench/data/clean.py": "from bench.system import cpu",
    "bench/system/__init__.py": "",
    "bench/system/cpu.py": "def cores():\n    from bench.runs.plan import Plan\n\n    return Plan",
    "bench/runs/plan.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n"
    "    from bench.tune.cpu import search",
    "bench/tune/cpu.py": "from bench.runs import plan\n" + "\n" * 300,
}


@pytest.fixture
def files(tmp_path):
    """The modules of a house in which each rule is broken."""
    for name, text in _FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return modules(tmp_path)


def test_imports_of_every_kind_are_seen(files):
    """Of a module, of a name, within a function, for types alone."""
    graph = imports(files)

    assert graph["registry"] == {"bench.data.clean"}
    assert graph["bench.data.clean"] == {"bench.system.cpu"}
    assert graph["bench.system.cpu"] == {"bench.runs.plan"}
    assert graph["bench.runs.plan"] == {"bench.tune.cpu"}


def test_what_breaks_a_rule_is_named(files):
    """Each rule has its liar."""
    graph = imports(files)

    assert circles(graph) == [["bench.runs.plan", "bench.tune.cpu"]]
    assert upward(graph) == [
        "bench.runs.plan -> bench.tune.cpu",
        "bench.system.cpu -> bench.runs.plan",
        "registry -> bench.data.clean",
    ]
    assert loose(files) == ["bench.stray"]
    assert twice(files) == ["cpu"]
    assert long_files(files) == ["bench.tune.cpu (301)"]


def test_a_functions_lines_leave_out_its_docstring(tmp_path):
    """The line of `def` counts."""
    (tmp_path / "a.py").write_text('def one():\n    """Say.\n\n    More.\n    """\n    return 1\n')

    assert function_lines({"a": tmp_path / "a.py"}) == [2]


_NAMES = '''
"""os.fork and /proc are only spoken of here."""
import os
import resource
from signal import SIGKILL
from subprocess import Popen, run

def dead(pid):
    os.kill(pid, SIGKILL)
    return getattr(os, "waitid", None)

Popen(["a"], start_new_session=True)
run(["a"], text=True)
TABLE = open("/proc/self/status").read()
OTHER = open("table", encoding="utf-8").read() + open("picture", "rb").read()
'''


def test_names_that_some_system_lacks_are_found_outside_their_room(tmp_path):
    """With file and line; what is only spoken of is none, and bytes have no encoding."""
    for place in ("bench/data/a.py", "bench/system/b.py", "registry/processes.py"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text(_NAMES)
    names, texts = platform_names(tmp_path), bare_text(tmp_path)

    assert names == [
        "bench/data/a.py:4: resource",
        "bench/data/a.py:5: signal.SIGKILL",
        "bench/data/a.py:10: os.waitid",
        "bench/data/a.py:12: start_new_session",
        "bench/data/a.py:14: '/proc/self/status'",
    ]
    assert [each for each in texts if "/a.py" in each] == [
        "bench/data/a.py:13",
        "bench/data/a.py:14",
    ]
