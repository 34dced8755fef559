"""A Python environment of the tests' own, in which plugins are really installed."""

from __future__ import annotations

import importlib
import os
import runpy
import shutil
import site
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from paths import PLUGINS
from warm import warm

from bench.data.synthetic import write_synthetic

_OURS = sysconfig.get_path("purelib")
_OFFLINE = {  # pip: from this disk alone, and with the build backend that is here
    "PIP_NO_INDEX": "1",
    "PIP_NO_DEPS": "1",
    "PIP_NO_BUILD_ISOLATION": "0",  # pip's way to say yes
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_ROOT_USER_ACTION": "ignore",
}
LESS = (  # few pictures, and little of what is done over and over to be timed
    ("bench.data.synthetic.write_synthetic", partial(write_synthetic, images=48)),
    ("bench.training.latency.repeat_timing", lambda measure: [measure()]),
    ("bench.training.memory_format._ROUNDS", 1),
    ("bench.training.memory_format._BATCH", 2),
)
UNDRAWN = tuple(
    (name, lambda *arguments: None)
    for name in (
        "bench.runs.stored_runs.write_page",
        "bench.runs.pictures.draw_answers",
    )
)
_IN_A_FORK = "import sys, environment; environment.be(*sys.argv[1:])"


class Environment:
    """A Python environment that sees what this one has, and more; charts are empty in it.

    `zoo` and `pytest` are forks of a Python that has imported torch, with what is installed here,
    unless this process's environment has `ZOO_TEST_COLD`.
    """

    def __init__(self, folder: Path) -> None:
        venv.create(folder, with_pip=False, symlinks=True)
        self._python = folder / "bin" / "python"
        self._scratch = folder / "sources"
        self._variables = _OFFLINE | {"ZOO_CACHE": str(folder / "cache")}
        (self._pages,) = folder.glob("lib/python*/site-packages")
        (self._pages / "ours.pth").write_text(f"import site; site.addsitedir({_OURS!r})\n")

    def run(
        self, command: Sequence[object], cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run `zoo ...` or `python -m ...` there, with few pictures; `pip ...` as it is."""
        if command[0] == "pip" or "ZOO_TEST_COLD" in os.environ:
            return self.run_cold(command, cwd)
        arguments = ["-c", _IN_A_FORK, self._python, self._pages, *_of_module(command)]
        return warm().run(arguments, cwd=cwd, env=os.environ | self._variables)

    def run_cold(
        self, command: Sequence[object], cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run `zoo ...`, `pip ...` or `python -m ...` there, in a Python that is begun for it."""
        path = [str(PLUGINS / "undrawn"), os.environ.get("PYTHONPATH", "")]
        return subprocess.run(
            [str(self._python), "-m", *_of_module(command)],
            cwd=cwd,
            env=os.environ | self._variables | {"PYTHONPATH": os.pathsep.join(filter(None, path))},
            capture_output=True,
            text=True,
            check=False,
        )

    def install(self, *names: str) -> None:
        """Install the packages `names` of the tests' own for real, without a network."""
        sources = [self._scratch / name for name in names]
        for source in sources:
            shutil.copytree(PLUGINS / source.name, source)
        done = self.run(["pip", "install", "--quiet", *sources])
        assert done.returncode == 0, done.stderr

    def zoo(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Run the `zoo` command there."""
        return self.run(["zoo", *arguments])

    def bench(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Run a comparison of one epoch there."""
        return self.zoo("bench", "--epochs", 1, "--models", *arguments)


def _of_module(command: Sequence[object]) -> list[str]:
    """Return what Python is to run as a module, and its arguments."""
    name, *arguments = map(str, command)
    return arguments[1:] if name == "python" else [name, *arguments]


def be(python: str, pages: str, *arguments: str) -> None:
    """Be a module run by `python`, in a fork: with what is installed in `pages`, in little time."""
    sys.executable = python
    site.addsitedir(pages)
    sys.path.remove(pages)
    sys.path.insert(sys.path.index(_OURS), pages)  # where it stands in that Python
    importlib.invalidate_caches()
    hasten(setattr, [*LESS, *UNDRAWN])
    sys.argv = [*arguments]
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)


def hasten(change: Callable[[Any, str, Any], object], what: Iterable[tuple[str, Any]]) -> None:
    """Have `change`, `setattr` or one that can be undone, give each name of `what` its value."""
    for name, value in what:
        module, _, attribute = name.rpartition(".")
        change(importlib.import_module(module), attribute, value)
