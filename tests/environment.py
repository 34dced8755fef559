"""A Python environment of the tests' own, in which plugins are really installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
import venv
from collections.abc import Sequence
from pathlib import Path

_SOURCES = Path(__file__).parent / "plugins"
_OFFLINE = {  # pip: from this disk alone, and with the build backend that is here
    "PIP_NO_INDEX": "1",
    "PIP_NO_DEPS": "1",
    "PIP_NO_BUILD_ISOLATION": "0",  # pip's way to say yes
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_ROOT_USER_ACTION": "ignore",
}


class Environment:
    """A Python environment that sees what this one has, and more; charts are empty in it."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder, with_pip=False, symlinks=True)
        self.python = folder / "bin" / "python"
        self._scratch = folder / "sources"
        found = [str(_SOURCES / "undrawn"), os.environ.get("PYTHONPATH", "")]
        self._path = os.pathsep.join(filter(None, found))
        ours = sysconfig.get_path("purelib")
        (pages,) = folder.glob("lib/python*/site-packages")
        (pages / "ours.pth").write_text(f"import site; site.addsitedir({ours!r})\n")

    def run(
        self, command: Sequence[object], cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run `zoo ...`, `pip ...` or `python ...` there."""
        name, *arguments = map(str, command)
        module = [] if name == "python" else ["-m", name]
        return subprocess.run(
            [str(self.python), *module, *arguments],
            cwd=cwd,
            env=os.environ | _OFFLINE | {"PYTHONPATH": self._path},
            capture_output=True,
            text=True,
            check=False,
        )

    def install(self, name: str) -> None:
        """Install the package `name` of the tests' own for real, without a network."""
        source = self._scratch / name
        shutil.copytree(_SOURCES / name, source)
        done = self.run(["pip", "install", "--quiet", source])
        assert done.returncode == 0, done.stderr

    def zoo(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Run the `zoo` command there."""
        return self.run(["zoo", *arguments])

    def bench(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Run a comparison of one epoch there."""
        return self.zoo("bench", "--epochs", 1, "--models", *arguments)
