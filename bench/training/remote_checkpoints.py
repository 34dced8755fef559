"""Shared copies of checkpoints, so that a trial can resume on another machine.

They are at any URL that fsspec supports: a mounted folder, `s3://…`, `gs://…`, `hdfs://…`,
`sftp://…`. The files equal those in the trial's folder, and have the same checks: see `checkpoint`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from bench.system.atomic_files import whole_file
from bench.system.credentials import has_credentials, hide_credentials
from bench.system.received_files import MB, is_link, read_regular
from registry.errors import RunError, format_error

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

POINTER = "last.json"
MADE = re.compile(r"\d+-\d+\.pt|\.[0-9a-f]+\.partial")  # names of checkpoints and of leftovers


def whole_place(url: str) -> str:
    """Return `url`, or the absolute path of a folder.

    Raises:
        RunError: the URL is unsupported, or has a password, which each file of the run would show.
    """
    if has_credentials(url):
        raise RunError(
            f"--checkpoints {hide_credentials(url)} has a password or key, which the run would "
            "store: give it to fsspec by a variable, as FSSPEC_S3_KEY and FSSPEC_S3_SECRET"
        )
    try:
        system, path = _file_system(url)
    except (ImportError, ValueError) as error:
        raise RunError(f"--checkpoints {url}: {format_error(error)}") from error
    return path if "file" in system.protocol else url


class SharedPlace:
    """The shared checkpoints of one trial."""

    def __init__(self, url: str) -> None:
        """Keep the URL, without a connection yet."""
        self._url = url.rstrip("/")

    def put(self, folder: Path, names: Sequence[str]) -> None:
        """Copy missing `names` from `folder`, then the pointer; delete other files.

        Raises:
            OSError: the copy failed; earlier checkpoints stay usable.
        """
        try:
            system, root = _file_system(self._url)
            system.makedirs(root, exist_ok=True)
            there = [str(path).rsplit("/", 1)[-1] for path in system.ls(root, detail=False)]
            for name in names:
                if name not in there:
                    system.put_file(str(folder / name), f"{root}/{name}")
            system.pipe_file(f"{root}/{POINTER}", read_regular(folder / POINTER, most=MB))
            for name in there:
                if name not in names and MADE.fullmatch(name):
                    system.rm_file(f"{root}/{name}")
        except Exception as error:  # a file system may raise anything
            text = f"{self._url}: {format_error(error)}"
            raise OSError(hide_credentials(text)) from error

    def fetch(self, folder: Path, say: Callable[[str], object]) -> None:
        """Copy newer checkpoints to `folder`; report a failure to `say`."""
        try:
            system, root = _file_system(self._url)
            if not system.exists(f"{root}/{POINTER}"):
                return
            pointer = system.cat_file(f"{root}/{POINTER}")
            names = _named_files(pointer)
            if is_link(folder) or not all(map(MADE.fullmatch, names)):
                raise ValueError("a name leads outside the folder")
            if _newest(names) <= _newest(_named_in(folder)):
                return
            folder.mkdir(parents=True, exist_ok=True)
            for name in names:
                with whole_file(folder / name) as partial:
                    system.get_file(f"{root}/{name}", str(partial))
            with whole_file(folder / POINTER) as partial:
                partial.write_bytes(pointer)
        except Exception as error:  # noqa: BLE001  (a file system may raise anything)
            text = f"cannot use the checkpoints at {self._url} ({format_error(error)})"
            say(hide_credentials(text))

    def clear(self) -> None:
        """Remove all: the trial has ended."""
        with suppress(Exception):
            system, root = _file_system(self._url)
            for path in system.ls(root, detail=False) if system.exists(root) else ():
                name = str(path).rsplit("/", 1)[-1]
                if name == POINTER or MADE.fullmatch(name):  # and nothing that others put there
                    system.rm_file(f"{root}/{name}")
            system.rmdir(root)  # fails where other files are left


def _file_system(url: str) -> tuple[AbstractFileSystem, str]:
    """Return the file system of `url`, and the path in it."""
    import fsspec  # 50 ms; few runs have shared checkpoints

    system, path = fsspec.url_to_fs(url)
    return system, str(path)


def _named_files(pointer: bytes) -> list[str]:
    """Return the file names in a pointer; `Checkpoints` checks it."""
    return [Path(each["file"]).name for each in json.loads(pointer)["kept"]]


def _named_in(folder: Path) -> list[str]:
    try:
        return _named_files(read_regular(folder / POINTER, most=MB))
    except (OSError, ValueError, LookupError, TypeError):
        return []


def _newest(names: Sequence[str]) -> str:
    """Return the newest name: names start with the time, in a fixed number of digits."""
    return max(names, default="")
