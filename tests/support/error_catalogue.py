"""A pytest plugin that lists every error message that the tests provoke: `make errors`.

One line for each place in the code that makes an error: the first message that it made.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.errors import ZooError

_PLACE = "ZOO_TEST_ERRORS"


def _site() -> str:
    """Return the file, line and function of ours that makes the error."""
    frame = sys._getframe(2)
    while frame.f_back is not None and frame.f_code.co_name == "__init__":
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}:{frame.f_code.co_name}"


def pytest_configure(config: pytest.Config) -> None:
    """Note each error as it is made; workers and forks append to one file, a line at a time."""
    if _PLACE not in os.environ:
        folder = config.rootpath / "build"
        folder.mkdir(exist_ok=True)
        os.environ[_PLACE] = str(folder / "errors.raw")
        Path(os.environ[_PLACE]).write_text("")
    made = ZooError.__init__

    def note(self: ZooError, *arguments: object, **named: object) -> None:
        made(self, *arguments, **named)
        with Path(os.environ[_PLACE]).open("a", encoding="utf-8") as file:
            file.write(f"{_site()}\t{type(self).__name__}\t{' '.join(str(self).split())}\n")

    ZooError.__init__ = note  # type: ignore[method-assign]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Write the catalogue, in the order of the code."""
    if hasattr(config, "workerinput"):
        return
    raw = Path(os.environ.pop(_PLACE))
    lines = list(_catalogue(raw.read_text(encoding="utf-8").splitlines(), config.rootpath))
    raw.with_suffix(".txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _catalogue(lines: list[str], root: Path) -> Iterator[str]:
    first: dict[str, str] = {}
    for line in lines:
        site, _, said = line.partition("\t")
        if site.startswith(tuple(f"{root / room}/" for room in ("registry", "zoo", "bench"))):
            first.setdefault(site.removeprefix(f"{root}/"), said.replace("\t", ": "))
    for site in sorted(first, key=lambda each: (each.split(":")[0], int(each.split(":")[1]))):
        yield f"{site}  {first[site]}"
