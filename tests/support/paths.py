"""Where the tests are, and where modules that they share are looked for."""

from __future__ import annotations

import os
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
ROOT = TESTS.parent
PLUGINS = TESTS / "plugins"
SHARED = [str(TESTS / name) for name in ("support", "robustness", "studies")]


def python_path(*first: object) -> str:
    """Return the PYTHONPATH of a new Python that finds the code and what tests share."""
    given = [*map(str, first), str(ROOT), *SHARED, os.environ.get("PYTHONPATH", "")]
    return os.pathsep.join(filter(None, given))
