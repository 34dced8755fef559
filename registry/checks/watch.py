"""What a network does to its process, seen in a new process where nothing of it is imported yet."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import torch
from torch import nn

from registry.architecture import Architecture
from registry.checks.alone import run_in_fork
from registry.checks.guard import refused_network
from registry.checks.randomness import RANDOM_STATES, seed_everything
from registry.checks.settings import changes, kept_settings, snapshot
from registry.errors import ConstructionError, format_error

_SEED = 0x5EED_2005_0911  # a number that no constructor seeds by chance
_CACHES = ("TORCH_HOME", "HF_HOME", "XDG_CACHE_HOME")
Phase = Literal["imported", "built", "run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What was seen while a network was imported, built and run.

    Attributes:
        attempts: to reach a network, each with when.
        drift: what was changed for the whole process, each with when.
        error: why it could not be watched to the end, or nothing.
        unimportable: it could not even be imported.
    """

    attempts: tuple[str, ...] = ()
    drift: tuple[str, ...] = ()
    error: str = ""
    unimportable: bool = False


def watch_in_new_process(architecture: Architecture, classes: int) -> Watch:
    """Return what is seen of `architecture` in a process of its own, begun anew.

    What only this process can import, as from a notebook, is watched here.
    """
    seen = None
    if not architecture.constructor.startswith("__main__:"):
        seen = run_in_fork(watch, architecture, classes)
    if isinstance(seen, str):
        return Watch(error=seen)
    if seen is None or seen.unimportable:
        with kept_settings():
            return watch(architecture, classes)
    return seen


def watch(architecture: Architecture, classes: int) -> Watch:
    """Return what is seen of `architecture` in this process.

    Weights that were fetched before are not found, so that fetching them shows.
    """
    drift: list[str] = []
    phase: Phase = "imported"
    seen = 0
    with _empty_caches(), refused_network() as attempts:
        try:
            before = _seed_and_snapshot(_SEED)
            architecture.load()
            _mark(drift, phase, [*changes(before, importing=True), *_changed_random_states(before)])
            seen = _note_times(attempts, seen, phase)
            phase = "built"
            before = _seed_and_snapshot(_SEED)
            network = architecture.build(classes)
            again: Callable[[], object] = partial(architecture.build, classes)
            _mark(drift, phase, [*changes(before), *_reset_random_states(again, before)])
            seen = _note_times(attempts, seen, phase)
            phase = "run"
            before = _seed_and_snapshot(_SEED)
            _run(network, architecture)
            again = partial(_run, network, architecture)
            _mark(drift, phase, [*changes(before), *_reset_random_states(again, before)])
        except (Exception, SystemExit) as error:  # noqa: BLE001  (a plugin may raise anything)
            reason = str(error) if isinstance(error, ConstructionError) else format_error(error)
            _note_times(attempts, seen, phase)
            return Watch(
                attempts=tuple(attempts),
                drift=tuple(drift),
                error=f"{reason}, while it was {phase}",
                unimportable=phase == "imported",
            )
        _note_times(attempts, seen, phase)
    return Watch(attempts=tuple(attempts), drift=tuple(drift))


def _run(network: nn.Module, architecture: Architecture) -> None:
    for training in (True, False):  # with gradients: `no_grad` would put back what is switched off
        network.train(training)(torch.rand(2, *architecture.contract.input_shape))


def _seed_and_snapshot(seed: int) -> dict[str, Any]:
    """Seed everything; return all settings and random states as they are then."""
    seed_everything(seed)
    return snapshot() | {each.name: each.read() for each in RANDOM_STATES}


def _changed_random_states(before: dict[str, Any]) -> list[str]:
    """Return the random states that are not as before."""
    return [each.name for each in RANDOM_STATES if each.read() != before[each.name]]


def _reset_random_states(again: Callable[[], object], before: dict[str, Any]) -> list[str]:
    """Return the random states that what was done sets, instead of drawing from them.

    Where a state has changed, it is done once more after another seed: a state that was drawn
    from is another then.
    """
    drawn = _changed_random_states(before)
    if not drawn:
        return []
    after = {each.name: each.read() for each in RANDOM_STATES}
    _seed_and_snapshot(_SEED + 1)
    again()
    return [
        f"{each.name} is seeded"
        for each in RANDOM_STATES
        if each.name in drawn and each.read() == after[each.name]
    ]


def _mark(drift: list[str], phase: Phase, seen: Any) -> None:
    drift.extend(f"{each} (when it was {phase})" for each in seen)


def _note_times(attempts: list[str], begin: int, phase: Phase) -> int:
    """Say of the attempts from `begin` on when they were made; return how many there are."""
    attempts[begin:] = [f"{each} (when it was {phase})" for each in attempts[begin:]]
    return len(attempts)


@contextmanager
def _empty_caches() -> Iterator[None]:
    """Let downloads of an earlier day not be found."""
    before = {name: os.environ.get(name) for name in _CACHES}
    with tempfile.TemporaryDirectory(prefix="zoo-check-") as folder:
        os.environ.update(dict.fromkeys(_CACHES, folder))
        try:
            yield
        finally:
            for name, text in before.items():
                if text is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = text
