"""Whether the machine is fit for comparisons: versions, device, memory, disk space."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path
from typing import Literal

from bench.system.cache_folder import cache_folder, kept_files
from registry.errors import format_error

Level = Literal["fine", "note", "wrong"]
_PACKAGES = ("zoo-bench", "torch", "torchvision", "timm", "numpy", "pillow", "opencv-python")
_REPORTED = ("torch", "torchvision", "timm", "numpy")
_LEAST_FREE = 5e9  # bytes: pixels of some thousand photographs, and weights of a run
_PATIENCE_SECONDS = 120
_IMPORTS = {
    "torch": "import torch; torch.ones(2).sum()",
    "torchvision": "import torchvision; torchvision.ops.nms",
    "timm": "import timm; timm.list_models()",
    "opencv-python": "import cv2",
}
_CANNOT_OPEN = "cannot open shared object file"
_SYSTEM_LIBRARIES = "; on Debian or Ubuntu: `apt-get install libgl1 libglib2.0-0`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A result of `zoo doctor`: its subject, its level and its text; fix what is `wrong`."""

    about: str
    level: Level
    text: str


def run_in_new_process(
    code: str, *arguments: str, seconds: float
) -> subprocess.CompletedProcess[str]:
    """Return exit code and output of `code`, run in a new Python process.

    Raises:
        subprocess.TimeoutExpired: it takes longer than `seconds`.
    """
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="backslashreplace",
        timeout=seconds,
        check=False,
    )


def machine() -> Iterator[Finding]:
    """Yield findings about versions, libraries, device, memory and disk."""
    python = f"{platform.python_version()}, {sys.prefix}"
    yield Finding(about="python", level="fine", text=python)
    yield from map(_of_package, _PACKAGES)
    yield from _unmet()
    yield from map(_of_import, _IMPORTS)
    yield from _of_device()
    yield from _of_disks()


def versions() -> Iterator[Finding]:
    """Yield the versions that a report of a problem needs, and the device."""
    yield Finding(about="python", level="fine", text=platform.python_version())
    yield from map(_of_package, _REPORTED)
    yield next(_of_device())


def _of_package(name: str) -> Finding:
    try:
        return Finding(about=name, level="fine", text=version(name))
    except PackageNotFoundError:
        return Finding(about=name, level="wrong", text="not installed: reinstall zoo-bench")


def _unmet() -> Iterator[Finding]:
    """Yield a finding for each package that zoo-bench or torchvision needs in another version."""
    for owner in ("zoo-bench", "torchvision"):
        with suppress(PackageNotFoundError):  # said by `_of_package`
            for text in distribution(owner).requires or ():
                yield from _of_requirement(owner, text)


def _of_requirement(owner: str, text: str) -> Iterator[Finding]:
    from packaging.requirements import Requirement

    wanted = Requirement(text)
    if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
        return
    try:
        found = version(wanted.name)
    except PackageNotFoundError:
        if owner == "zoo-bench" and wanted.name not in _PACKAGES:
            yield _of_package(wanted.name)
        return
    if wanted.specifier.contains(found, True):
        return
    needed = f"{wanted.name}{wanted.specifier}"
    if owner == "torchvision":
        text = f"was built for {needed}, not {found}: install a matching pair"
        broken = "or it fails with `operator torchvision::nms does not exist`"
        yield Finding(about=owner, level="wrong", text=f"{text}, {broken}")
    else:
        text = f"{found}, but {owner} needs {wanted.specifier}: `pip install '{needed}'`"
        yield Finding(about=wanted.name, level="wrong", text=text)


def _of_import(name: str) -> Finding:
    """Import a library in a new process, because it may crash."""
    started = time.perf_counter()
    try:
        done = run_in_new_process(_IMPORTS[name], seconds=_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        return Finding(about=name, level="wrong", text=f"not imported in {_PATIENCE_SECONDS} s")
    seconds = time.perf_counter() - started
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        fix = _SYSTEM_LIBRARIES if name == "opencv-python" and _CANNOT_OPEN in last else ""
        return Finding(about=name, level="wrong", text=f"cannot be imported: {last}{fix}")
    return Finding(about=name, level="fine", text=f"imported in {seconds:.1f} s")


def _of_device() -> Iterator[Finding]:
    try:
        from bench.system.child_process import can_limit_memory
        from bench.system.cpu import default_threads, load_1_minute
        from bench.system.device import choose_device
        from bench.system.environment import describe_environment
        from bench.system.memory import available_bytes

        device = choose_device("auto")
        environment = describe_environment(device)
    except Exception as error:  # noqa: BLE001  (a torch that does not fit may raise anything)
        yield Finding(about="device", level="wrong", text=format_error(error))
        return
    yield Finding(about="device", level="fine", text=f"{device}: {environment['device_name']}")
    threads = f"{default_threads()} by default, of {os.cpu_count()} cores"
    yield Finding(about="threads", level="fine", text=threads)
    free = available_bytes()
    if free is not None:
        limit = "" if can_limit_memory() else "; this system keeps no trial to a limit"
        yield Finding(about="memory", level="fine", text=f"{free / 1e9:,.1f} GB free{limit}")
    load = load_1_minute()
    if load is not None and load > (os.cpu_count() or 1):
        text = f"{load:.1f} processes compete for the cores: times will be too long"
        yield Finding(about="load", level="note", text=text)


def _of_disks() -> Iterator[Finding]:
    cache = cache_folder()
    kept = sum(file.bytes for file in kept_files(cache))
    yield _room("cache", cache, f"{kept / 1e6:,.0f} MB used; `zoo data cache` lists it")
    yield _room("runs", Path("runs").absolute(), "the default of `zoo bench`")


def _room(about: str, folder: Path, what: str) -> Finding:
    there = next(each for each in (folder, *folder.parents) if each.exists())
    free = shutil.disk_usage(there).free
    if not os.access(there, os.W_OK):
        return Finding(about=about, level="wrong", text=f"{folder} is not writable")
    level: Level = "note" if free < _LEAST_FREE else "fine"
    text = f"{folder}, {free / 1e9:,.0f} GB free; {what}"
    return Finding(about=about, level=level, text=text)
