"""The lowest release of each package that zoo accepts, as constraints for pip: `make test-lowest`.

    python tests/studies/lowest.py pyproject.toml

Those are the dependencies and what the optional features need. The tools of `dev` and `docs` are
left out: a user never installs them. It runs before anything is installed.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TOOLS = ("docs", "dev")  # extras of developers
_LOWEST = re.compile(r"([\w.-]+)>=([\w.]+)(?:,[<!][^;]*)?")


def lowest(project: Mapping[str, Any]) -> list[str]:
    """Return `name==version` for each requirement of a project's table in pyproject.toml.

    Raises:
        ValueError: a requirement has no lower bound, so that nobody can test it.
    """
    extras = project["optional-dependencies"].items()
    optional = [text for name, texts in extras if name not in TOOLS for text in texts]
    return [_pinned(text) for text in (*project["dependencies"], *optional)]


def _pinned(text: str) -> str:
    found = _LOWEST.fullmatch(text)
    if found is None:
        raise ValueError(f"{text} has no lower bound: write it as NAME>=VERSION")
    return f"{found[1]}=={found[2]}"


if __name__ == "__main__":
    pyproject = tomllib.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    sys.stdout.write("".join(f"{line}\n" for line in lowest(pyproject["project"])))
