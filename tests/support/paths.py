"""Where the tests are, and where modules that they share are looked for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
ROOT = TESTS.parent
PLUGINS = TESTS / "plugins"
SHARED = [str(TESTS / name) for name in ("support", "robustness", "studies")]


def python_path(*first: object) -> str:
    """Return the PYTHONPATH of a new Python that finds the code and what tests share."""
    given = [*map(str, first), str(ROOT), *SHARED, os.environ.get("PYTHONPATH", "")]
    return os.pathsep.join(filter(None, given))


def run_python(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a new Python that finds the code and what tests share."""
    return subprocess.run(
        [sys.executable, *arguments],
        env=os.environ | {"PYTHONPATH": python_path()},
        capture_output=True,
        text=True,
        check=False,
    )
