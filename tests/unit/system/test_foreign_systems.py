"""The main job on macOS and Windows, as `foreign_system` plays them: no name that they lack."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from drawn_folder import draw_folder
from foreign_system import SYSTEMS, environment_of
from paths import PLUGINS, ROOT

_QUICK = ["--epochs=1", "--threads=1", "--memory-format=contiguous", "--batch-size=14"]

_NETWORK = """
from torch import nn

class Grey(nn.Sequential):
    input_shape = (3, 16, 16)

    def __init__(self, num_classes, colours):
        super().__init__(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(colours, num_classes))
"""


class _Foreign:
    """A folder with drawn pictures, and commands that run there on another system."""

    def __init__(self, system: str, folder: Path) -> None:
        self.system, self.folder = system, folder
        draw_folder(folder / "drawn")
        environment = environment_of(system)
        added = [environment["PYTHONPATH"], str(ROOT), str(PLUGINS / "undrawn")]
        path = os.pathsep.join([*added, str(PLUGINS / "badnets")])
        cache = {"ZOO_CACHE": str(folder / "cache")}
        self._environment = os.environ | environment | cache | {"PYTHONPATH": path}

    def begin(self, *arguments: str) -> subprocess.Popen[bytes]:
        pipe = subprocess.PIPE
        command = [sys.executable, *arguments]
        return subprocess.Popen(
            command, cwd=self.folder, env=self._environment, stdout=pipe, stderr=pipe
        )

    def run(self, *arguments: str) -> tuple[int, str, str]:
        process = self.begin(*arguments)
        out, err = process.communicate()
        encoding = "cp1252" if self.system == "windows" else "utf-8"
        return process.returncode, out.decode(encoding), err.decode(encoding)

    def bench(self, *models: str) -> list[str]:
        return ["-m", "zoo", "bench", "--models", *models, "--data", "drawn", *_QUICK]


@pytest.fixture(params=SYSTEMS)
def foreign(request, tmp_path):
    """Either of the two systems."""
    return _Foreign(request.param, tmp_path)


@pytest.fixture
def windows(tmp_path):
    """The system that lacks more; trials have the same kind of process on both."""
    return _Foreign("windows", tmp_path)


def test_the_main_job_ends_with_its_table(foreign):
    """Two networks are trained, each in a process of its own, and the run can be removed."""
    code, out, err = foreign.run(*foreign.bench("lenet5", "alexnet"))
    (folder,) = foreign.folder.glob("runs/*")
    records = [json.loads(each.read_text()) for each in folder.rglob("record.json")]
    environment = json.loads((folder / "environment.json").read_text())
    removed = foreign.run("-m", "zoo", "runs", "rm", "1", "--yes")

    assert code == 0, err
    rows = [row.strip("|") for row in out.splitlines() if "%" in row]  # | is of an ASCII table
    assert {row.split()[0] for row in rows} >= {"alexnet", "lenet5"}
    assert [record["status"] for record in records] == ["ok", "ok"]
    assert environment["memory_limit"] is False
    assert "Traceback" not in err
    assert removed[0] == 0, removed
    assert not folder.exists()


def test_a_crash_is_one_row(windows):
    """The rest is trained, whatever signs its name has."""
    (windows.folder / "nets.py").write_text(_NETWORK)
    model = "./nets.py:Grey(colours=3)"
    code, out, err = windows.run(*windows.bench("bad_segfaulting", model), "--json")
    trials = [each["status"] for each in json.loads(out)["trials"]]

    assert code != 0, err
    assert trials == ["killed", "ok"]


def test_ctrl_c_saves_and_stops(windows):
    """The command asks the trial to stop, and says how to resume."""
    many = [each.replace("epochs=1", "epochs=1000") for each in windows.bench("lenet5")]
    process = windows.begin(*many)
    assert process.stderr
    while b"epoch 1/" not in (line := process.stderr.readline()):
        assert line
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    (record,) = windows.folder.rglob("record.json")

    assert process.returncode == 130
    assert b"zoo bench --resume" in err
    assert json.loads(record.read_text())["status"] == "interrupted"


def test_what_is_played_lacks_what_the_system_lacks(foreign):
    """The liar: names of POSIX are there for libraries, and not for modules of ours."""
    (foreign.folder / "zoo_bench_start.py").write_text(
        "import os, signal, sys\n"
        "found = [hasattr(os, 'waitid'), hasattr(os, 'fork'), hasattr(signal, 'SIGKILL')]\n"
        "try:\n    import resource\nexcept ImportError:\n    found.append(False)\n"
        "else:\n    found.append(True)\n"
        "print(sys.platform, *found)\n"
        "try:\n    open('/proc/self/status')\nexcept FileNotFoundError:\n    print('no /proc')\n"
    )
    _, out, err = foreign.run("-c", "import sys; sys.path.insert(0, ''); import zoo_bench_start")
    expected = {
        "macos": "darwin False True True True",
        "windows": "win32 False False False False",
    }

    assert out.split("\n")[:2] == [expected[foreign.system], "no /proc"], err
