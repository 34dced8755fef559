"""What a network does to its process, seen in a new process that has not imported it."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from unittest.mock import patch

import torch
from torch import nn

from registry.architecture import Architecture
from registry.checks import settings
from registry.checks.alone import run_in_fork
from registry.checks.patches import replaced, surface
from registry.errors import ConstructionError, format_error
from registry.from_file import load_code
from registry.processes import stays_in_machine

_SEED = 0x5EED_2005_0911  # a number that no constructor uses by chance
_CACHES = ("TORCH_HOME", "HF_HOME", "XDG_CACHE_HOME")
_METHODS = ("connect", "connect_ex", "sendto")
_FUNCTIONS = ("getaddrinfo", "gethostbyname", "gethostbyname_ex")


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What happened while a network was imported, built and run.

    Attributes:
        attempts: attempted connections, each with its phase.
        drift: changed settings of the process, each with its phase.
        error: why the network could not be watched to the end; "" if it could.
        unimportable: whether its module could not be imported.
    """

    attempts: tuple[str, ...] = ()
    drift: tuple[str, ...] = ()
    error: str = ""
    unimportable: bool = False


def watch_in_new_process(architecture: Architecture, classes: int) -> Watch:
    """Return what `architecture` does in a new process.

    A class that only this process can import, as from a notebook, is watched here.
    """
    seen = None
    if not architecture.constructor.startswith("__main__:"):
        seen = run_in_fork(partial(watch, architecture, classes))
    if isinstance(seen, str):
        return Watch(error=seen)
    if seen is None or seen.unimportable:
        with settings.kept_settings():
            return watch(architecture, classes)
    return seen


def watch(architecture: Architecture, classes: int) -> Watch:
    """Return what `architecture` does in this process.

    Caches are empty meanwhile, so that a download of weights is seen.
    """
    network: Any = None
    steps: dict[str, Callable[[], object]] = {
        "imported": lambda: load_code(architecture),
        "built": lambda: architecture.build(classes),
        "run": lambda: _run(network, architecture),
    }
    drift: list[str] = []
    labelled, error, libraries = 0, "", surface()
    with (
        tempfile.TemporaryDirectory(prefix="zoo-check-") as empty,
        patch.dict(os.environ, dict.fromkeys(_CACHES, empty)),
        refused_network() as attempts,
    ):
        for phase, step in steps.items():
            importing = phase == "imported"
            try:
                settings.seed_everything(_SEED)
                before, modules = settings.snapshot(settings.ALL), len(sys.modules)
                network = step()
                seen = list(settings.changes(before, importing=importing))
                if not importing and len(sys.modules) > modules:
                    seen = _without_imports(step, before)
                seen += _changed(before) if importing else _reset(step, before)
                drift += [f"{each} (when it was {phase})" for each in seen]
            except (Exception, SystemExit) as raised:  # noqa: BLE001  (a plugin may raise anything)
                own = isinstance(raised, ConstructionError)
                error = f"{raised if own else format_error(raised)}, while it was {phase}"
            new = [f"{each} (when it was {phase})" for each in attempts[labelled:]]
            attempts[labelled:] = new
            labelled = len(attempts)
            if error:
                break
    drift += replaced(libraries, architecture)
    missing = importing and bool(error)
    return Watch(attempts=tuple(attempts), drift=tuple(drift), error=error, unimportable=missing)


def _without_imports(step: Callable[[], object], before: dict[str, Any]) -> list[str]:
    """Return the changes of a step that has imported modules, without what these need.

    Libraries may be imported late, as in a function of `hubconf.py`. Harmless changes are undone
    and the step is repeated: an import does not change them again.
    """
    skewing = settings.changes(before, importing=True)
    settings.undo_harmless(before)
    between = settings.snapshot(settings.ALL)
    step()
    again = settings.changes(between)
    return [*skewing, *(each for each in again if each not in skewing)]


def _run(network: nn.Module, architecture: Architecture) -> nn.Module:
    for training in (True, False):  # with gradients: `no_grad` would undo what it switches off
        network.train(training)(torch.rand(2, *architecture.contract.input_shape))
    return network


def _changed(before: dict[str, Any]) -> list[str]:
    """Return the names of the random states that changed."""
    after = settings.snapshot(settings.RANDOM_STATES)
    return [name for name in after if after[name] != before[name]]


def _reset(again: Callable[[], object], before: dict[str, Any]) -> list[str]:
    """Return the random states that a step seeds, instead of drawing from them.

    If a state has changed, the step is repeated after another seed. A state that it only draws
    from then differs.
    """
    drawn = _changed(before)
    if not drawn:
        return []
    after = settings.snapshot(settings.RANDOM_STATES)
    settings.seed_everything(_SEED + 1)
    again()
    later = settings.snapshot(settings.RANDOM_STATES)
    return [f"{name} is seeded" for name in drawn if later[name] == after[name]]


@contextmanager
def refused_network() -> Iterator[list[str]]:
    """Refuse every connection and every name look-up; yield the growing list of attempts.

    It looks like a machine that is offline, so a constructor that tolerates this continues, and is
    still noted. Sockets within the machine (AF_UNIX) work. Child processes are not seen,
    nor are libraries that do not use Python's sockets.
    """
    attempts: list[str] = []

    def refuse_name(host: object = "", *arguments: object, **_: object) -> None:
        attempts.append(f"look up {host!r}")
        raise socket.gaierror(socket.EAI_FAIL, "no internet access during this check")

    def refusing(method: Callable[..., Any]) -> Callable[..., Any]:
        def refuse(self: socket.socket, *arguments: Any) -> Any:
            if stays_in_machine(self):
                return method(self, *arguments)
            attempts.append(f"connect to {arguments[-1]!r}")
            raise ConnectionRefusedError("no internet access during this check")

        return refuse

    methods: dict[str, Any] = {name: refusing(getattr(socket.socket, name)) for name in _METHODS}
    functions: dict[str, Any] = dict.fromkeys(_FUNCTIONS, refuse_name)
    with patch.multiple(socket.socket, **methods), patch.multiple(socket, **functions):
        yield attempts
