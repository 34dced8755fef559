"""Names that strangers use, too: modules that hide ours, and files that replace ours."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import PathDistribution

import pytest
from environment import Environment
from paths import ROOT, python_path

from zoo.diagnostics.installation import changed_files, claimed_files
from zoo_bench_start import ROOMS, hidden_rooms

_SOURCES = (*ROOMS, "zoo_bench_pytest.py", "zoo_bench_start.py", "pyproject.toml", "README.md")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """An environment in which this package is really installed, by pip and without a network."""
    folder = tmp_path_factory.mktemp("strangers")
    source = folder / "source"
    skipped = shutil.ignore_patterns("__pycache__")
    for name in (*_SOURCES, "LICENSE"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        source.mkdir(exist_ok=True)
        copy(ROOT / name, source / name, **({"ignore": skipped} if copy is shutil.copytree else {}))
    made = Environment(folder / "environment")
    options = ("--no-index", "--no-build-isolation", "--no-deps", "--no-compile", "--quiet")
    done = made.run(["pip", "install", *options, "--ignore-installed", source])
    assert done.returncode == 0, done.stderr
    return folder / "environment"


def _run(environment, *arguments, cwd, **variables):
    """Run that environment's Python, without what this process's path adds."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [environment / "bin" / "python", *arguments],
        cwd=cwd,
        env=kept | variables,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", ROOMS)
def test_a_project_with_a_module_of_our_name_runs_its_tests(installed, tmp_path, name):
    """The start of pytest imports no module that a project may have, too."""
    (tmp_path / f"{name}.py").write_text("MINE = 1\n")
    text = f"import {name}\n\ndef test_mine():\n    assert {name}.MINE == 1\n"
    (tmp_path / "test_theirs.py").write_text(text)
    done = _run(installed, "-m", "pytest", "-q", "-pno:cacheprovider", cwd=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def test_a_hidden_package_is_named_where_a_test_needs_it(installed, tmp_path):
    """A stranger's `registry.py` is named, and what to do, where ours cannot be imported."""
    (tmp_path / "registry.py").write_text("")
    text = "from registry.checks import parametrize_architectures\n"
    (tmp_path / "test_theirs.py").write_text(text)
    done = _run(installed, "-m", "pytest", "-q", "-pno:cacheprovider", cwd=tmp_path)

    assert done.returncode == 2
    said = f"{tmp_path}/registry.py hides the package `registry` of zoo-bench: rename it"
    assert said in done.stdout


def test_the_command_says_what_hides_it(installed, tmp_path):
    """It is one line that names the file, even where the package `zoo` itself is hidden."""
    (tmp_path / "zoo.py").write_text("")
    command = installed / "bin" / "zoo"
    done = _run(installed, command, "list", cwd=tmp_path, PYTHONPATH=str(tmp_path))

    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        f"zoo: {tmp_path}/zoo.py hides the package `zoo` of zoo-bench: rename it, or run where "
        "Python does not look there first"
    ]


@pytest.mark.parametrize("name", ["registry", "bench"])
def test_the_module_says_what_hides_a_package(tmp_path, name):
    """`python -m zoo` has this folder first on its path."""
    (tmp_path / f"{name}.py").write_text("")
    done = subprocess.run(
        [sys.executable, "-m", "zoo", "list"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": python_path()},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert done.stderr.startswith(f"zoo: {tmp_path}/{name}.py hides the package `{name}`")
    assert done.stderr.count("\n") == 1


def test_nothing_is_hidden_here():
    """Our own packages hide nothing."""
    assert list(hidden_rooms()) == []


def test_a_folder_that_hides_a_package_is_told_by_doctor(tmp_path, monkeypatch, zoo):
    """Also where the command itself does not meet it."""
    (tmp_path / "registry.py").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("zoo.diagnostics.doctor.machine", lambda: ())
    monkeypatch.setattr("zoo.diagnostics.plugins.plugins", lambda: ())
    code, out, _ = zoo("doctor", width=300)

    assert code == 4
    assert f"{tmp_path}/registry.py hides the package `registry`" in out


def _distribution(folder, name, *files):
    """Return a distribution as pip installs it, with the digests of `files` in its RECORD."""
    info = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = []
    for file in files:
        path = folder / file
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"# of {name}\n")
        digest = base64.urlsafe_b64encode(hashlib.sha256(path.read_bytes()).digest())
        lines.append(f"{file},sha256={digest.rstrip(b'=').decode()},1")
    (info / "RECORD").write_text("\n".join([*lines, f"{info.name}/RECORD,,"]))
    return PathDistribution(info)


def test_files_as_installed_are_no_finding(tmp_path):
    """Their digests are those in RECORD."""
    ours = _distribution(tmp_path, "zoo-bench", "registry/__init__.py")

    assert list(changed_files(ours)) == []
    assert list(claimed_files([ours])) == []


def test_a_file_that_another_package_has_replaced_is_told(tmp_path):
    """Both the file and the package that claims it are named."""
    ours = _distribution(tmp_path, "zoo-bench", "registry/__init__.py")
    theirs = _distribution(tmp_path, "their-registry", "registry/__init__.py")
    (changed,), (claimed,) = changed_files(ours), claimed_files([ours, theirs])

    assert "changed since it was installed, or gone: registry/__init__.py" in changed.text
    assert claimed.about == "their-registry"
    assert "packages of zoo-bench: registry/__init__.py; uninstall it" in claimed.text


def test_a_file_that_is_gone_is_told(tmp_path):
    """Another package's removal takes it along."""
    ours = _distribution(tmp_path, "zoo-bench", "zoo_bench_start.py")
    (tmp_path / "zoo_bench_start.py").unlink()
    (found,) = changed_files(ours)

    assert "gone: zoo_bench_start.py" in found.text


def test_the_packages_modules_are_all_installed():
    """Each entry point that starts before ours are imported has a module of its own name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    modules = project["tool"]["setuptools"]["py-modules"]
    starts = [
        *project["project"]["scripts"].values(),
        *project["project"]["entry-points"]["pytest11"].values(),
    ]

    assert {each.partition(":")[0] for each in starts} == set(modules)
