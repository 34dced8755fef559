"""What is installed from a wheel of zoo, and what the wheel says of itself."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
import zipfile
from email.parser import Parser

import pytest
from paths import ROOT

_ROOMS = ("registry", "zoo", "bench")
_BUILD = "import sys; from setuptools.build_meta import build_wheel; build_wheel(sys.argv[1])"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of this checkout, built without a network in a copy of what it needs."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in _ROOMS:
        shutil.copytree(ROOT / name, source / name)
    for path in [
        *ROOT.glob("zoo_bench_*.py"),
        *map(ROOT.joinpath, ("pyproject.toml", "README.md", "LICENSE")),
    ]:
        shutil.copy(path, source)
    command = [sys.executable, "-c", _BUILD, str(target)]
    subprocess.run(command, cwd=source, capture_output=True, check=True)
    (path,) = target.glob("*.whl")
    with zipfile.ZipFile(path) as opened:
        yield opened


def _file(wheel, name):
    (path,) = (each for each in wheel.namelist() if each.endswith(f".dist-info/{name}"))
    return wheel.read(path).decode()


def test_a_wheel_has_every_file_of_the_packages(wheel):
    """Modules, types, templates and the parts of the page; no file of the tests."""
    ours = {
        path.relative_to(ROOT).as_posix()
        for room in _ROOMS
        for path in (ROOT / room).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    found = {name for name in wheel.namelist() if ".dist-info/" not in name}

    assert found == ours | {"zoo_bench_pytest.py", "zoo_bench_start.py"}


def test_a_wheel_describes_itself(wheel):
    """Summary, licence, README, addresses, classifiers, Python, and each extra."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    about = Parser().parsestr(_file(wheel, "METADATA"))
    addresses = dict(each.split(", ", 1) for each in about.get_all("Project-URL"))

    assert about["Summary"] == project["description"]
    assert about["License-Expression"] == "MIT"
    assert about["Requires-Python"] == project["requires-python"]
    assert addresses == project["urls"]
    assert set(about.get_all("Classifier")) == set(project["classifiers"])
    assert set(about.get_all("Provides-Extra")) == project["optional-dependencies"].keys()
    assert "make bench" in about.get_payload()


def test_a_wheel_has_the_command_and_the_networks(wheel):
    """By their entry points."""
    entries = _file(wheel, "entry_points.txt")

    assert "zoo = zoo_bench_start:main" in entries
    assert "lenet5 = zoo:LENET5" in entries


def test_no_upper_bound_keeps_a_newer_torch_out():
    """Who has one keeps it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [each for each in project["dependencies"] if each.startswith("torch")]

    assert wanted == ["torch>=2.9", "torchvision>=0.24"]
