"""Entry points of distributions that are not installed."""

from __future__ import annotations

from importlib.metadata import Distribution, EntryPoint


class Installed(Distribution):
    """A distribution that has the files it is given, METADATA with its name first of all."""

    def __init__(self, name: str, **files: str) -> None:
        told = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
        self._files = {"METADATA": told, **files}

    def read_text(self, filename: str) -> str | None:
        return self._files.get(filename)

    def locate_file(self, path):
        raise NotImplementedError


def claim(name: str, value: str, distribution: str, group: str, **files: str) -> EntryPoint:
    """Return the entry point by which `distribution` claims `name` in `group`."""
    return EntryPoint(name=name, value=value, group=group)._for(Installed(distribution, **files))
