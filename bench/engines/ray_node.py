"""Code for a node of a Ray cluster: check the node, and run a trial in its own process.

Slow imports wait until the node is known to have this package.
"""

from __future__ import annotations

import hashlib
import importlib
import platform
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from bench.engines.process import TrialProcess
    from bench.training.callbacks import Callback

STOP = ".stop"  # a file in a trial's folder that asks it to save and end
_PACKAGES = ("zoo-bench", "torch", "torchvision", "numpy", "pillow")
_LOOK_SECONDS = 0.5
_MOST_LINES = 40
_MOST_NAMED = 3


def facts(architectures: Mapping[str, dict[str, Any]], path: list[str]) -> dict[str, str | None]:
    """Return what trials depend on, by name: versions, and the code of each architecture.

    Imports use `path`, the module paths of the caller, then those of this machine.
    """
    found: dict[str, str | None] = {"python": platform.python_version()}
    found |= {name: _version(name) for name in _PACKAGES}
    there = [each for each in path if each == "" or Path(each).exists()]
    sys.path[:] = list(dict.fromkeys([*there, *sys.path]))
    try:
        reproducibility = importlib.import_module("bench.training.reproducibility")
        msgspec = importlib.import_module("msgspec")
        registry = importlib.import_module("registry.architecture")
    except ImportError as error:
        return found | {f"the code of {model}": f"none ({error})" for model in architectures}
    for model, plain in architectures.items():
        value = msgspec.convert(plain, registry.Architecture)
        found[f"the code of {model}"] = reproducibility.code_digest(value)
    return found


def describe_differences(
    wanted: Mapping[str, str | None], here: Mapping[str, str | None]
) -> list[str]:
    """Return the differences of a node, such as `torch 2.14.0 instead of 2.14.1`."""
    found = []
    for name, value in wanted.items():
        if value is None and name.startswith("the code of"):
            found.append(f"{name} cannot be found")
        elif here.get(name) == value:
            continue
        elif here.get(name) is None:
            found.append(f"it lacks {name}")
        elif name.startswith("the code of"):
            found.append(f"{name} differs")
        else:
            found.append(f"{name} {here[name]} instead of {value}")
    return found


def trial(
    plain: dict[str, Any], split: dict[str, Any], source: Any, wanted: dict[str, str | None]
) -> dict[str, Any]:
    """Return the result of a trial as plain values, or why this node cannot run it.

    `plain` is a job from `process.as_plain`, without `split` and `source`. `wanted` are the
    `facts` of the caller, without the code of other architectures.
    """
    if (Path(plain["folder"]) / STOP).exists():
        return {"begun": False}
    spec = plain["spec"]
    here = facts({spec["model"]: spec["architecture"]}, plain["path"])
    wrong = "; ".join(describe_differences(wanted, here)) or _missing(split, plain)
    if wrong:
        return {"begun": True, "refused": f"on the node {platform.node()}: {wrong}"}
    return {"begun": True, **_run(plain | {"split": split, "source": source})}


def _missing(split: dict[str, Any], plain: dict[str, Any]) -> str:
    files = tuple(
        (image[0], image[3]) for part in ("train", "validation", "test") for image in split[part]
    )
    found = _unlike_files(files)
    if not Path(plain["folder"]).is_dir():
        return f"the run folder {plain['folder']} does not exist: every node must have it"
    if not found:
        return ""
    named = ", ".join(found[:_MOST_NAMED]) + (", ..." if len(found) > _MOST_NAMED else "")
    return (
        f"{len(found)} of {len(files)} images are missing or have changed ({named}): every node "
        "must have the data under the same path"
    )


@lru_cache(maxsize=4)  # once for each process of Ray, which runs many trials
def _unlike_files(files: tuple[tuple[str, str], ...]) -> list[str]:
    return [path for path, digest in files if _digest(Path(path)) != digest]


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _run(plain: dict[str, Any]) -> dict[str, Any]:
    from bench.engines.process import TrialProcess, job_of
    from bench.engines.spawn import start_server
    from bench.system.memory import available_bytes
    from bench.training.evaluation import pack_evaluation
    from bench.training.spec import as_plain

    here = plain["spec"]["device"] == "cpu"
    job = job_of(plain | {"memory_bytes": available_bytes() if here else None})
    server = start_server()
    process, said = TrialProcess(server.begin()), _LastLines()
    ended = threading.Event()
    thread = threading.Thread(
        target=_stop_when_asked, args=(process, job.folder / STOP, ended), daemon=True
    )
    thread.start()
    try:
        result = process.run(job, cast("Callback", said))
    finally:
        ended.set()
        thread.join()
        server.close()
    answers = None if result.test is None else pack_evaluation(result.test)
    return {"record": as_plain(result.record), "answers": answers, "said": list(said.lines)}


def _stop_when_asked(process: TrialProcess, path: Path, ended: threading.Event) -> None:
    """Stop the trial once the file `path` exists."""
    while not ended.wait(_LOOK_SECONDS):
        if path.exists():
            process.stop()
            return


class _LastLines:
    """A callback that keeps the last lines of output, and ignores other events."""

    def __init__(self) -> None:
        self.lines: deque[str] = deque(maxlen=_MOST_LINES)

    def say(self, text: str) -> None:
        """Keep a line."""
        self.lines.append(text)

    def __getattr__(self, event: str) -> Callable[..., None]:
        return lambda *_: None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
