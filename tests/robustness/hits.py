"""What a run is hit with: signals, a damaged checkpoint, a full disk."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from zoo_process import ZooProcess

Kind = Literal["SIGKILL", "SIGTERM", "SIGINT", "damaged checkpoint", "full disk"]
KINDS: tuple[Kind, ...] = ("SIGKILL", "SIGTERM", "SIGINT", "damaged checkpoint", "full disk")
_BALLAST = "ballast"
_DISK_MEBIBYTES = 24


def strike(zoo: ZooProcess, kind: Kind, folder: Path, generator: random.Random) -> None:
    """Hit a run that works in `folder`; what it does then is its own affair."""
    if kind == "SIGKILL" or kind == "damaged checkpoint":
        zoo.hit(signal.SIGKILL)
    elif kind == "full disk":
        _fill(folder / _BALLAST)
        _wait(zoo, generator.choice((0.05, 0.5, 60.0)))
        relieve(folder)
    else:
        zoo.hit(signal.SIGTERM if kind == "SIGTERM" else signal.SIGINT)


def relieve(folder: Path) -> None:
    """Make room on the disk again."""
    (folder / _BALLAST).unlink(missing_ok=True)


def damage(folder: Path, generator: random.Random) -> bool:
    """Spoil the newest checkpoint under `folder`; say whether there was one."""
    pointers = [*folder.glob("runs/*/*/seed-0/checkpoints/last.json")]
    if not pointers:
        return False
    pointer = pointers[-1]
    path = pointer.parent / json.loads(pointer.read_text())["kept"][0]["file"]
    content = bytearray(path.read_bytes())
    if generator.random() < 0.5:
        content[generator.randrange(len(content))] ^= 1 << generator.randrange(8)
    else:
        del content[generator.randrange(len(content)) :]
    path.write_bytes(content)
    return True


@contextmanager
def working_folder(kind: Kind, folder: Path) -> Iterator[Path]:
    """Yield a folder to run in: on a small disk of its own for what fills it.

    Raises:
        PermissionError: no disk can be mounted here.
    """
    folder.mkdir(parents=True)
    if kind != "full disk":
        yield folder
        return
    options = ["-t", "tmpfs", "-o", f"size={_DISK_MEBIBYTES}m", "tmpfs", str(folder)]
    if subprocess.run(["mount", *options], capture_output=True, check=False).returncode:
        raise PermissionError("no small disk can be mounted here, so none can be filled")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def can_mount() -> bool:
    """Say whether small disks can be mounted here."""
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            working_folder("full disk", Path(folder, "a")),
        ):
            return True
    except (PermissionError, FileNotFoundError):
        return False


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:  # it is full
            os.fsync(file.fileno())


def _wait(zoo: ZooProcess, seconds: float) -> None:
    until = time.monotonic() + seconds
    while zoo.running and time.monotonic() < until:
        time.sleep(0.01)
