"""What torchrun has told this process of itself; torch is not needed for it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from registry.errors import RunError

STRATEGIES = ("ddp",)
_TOLD = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """Which of how many processes this is, in all and on this machine, from 0."""

    rank: int
    size: int
    local_rank: int
    local_size: int


def launched(environment: Mapping[str, str] = os.environ) -> Launch | None:
    """Return the place that torchrun gave this process, or None where it was begun by hand.

    Raises:
        RunError: what it says is no place.
    """
    if any(name not in environment for name in _TOLD):
        return None
    told = [environment[name] for name in _TOLD[:4]]
    try:
        rank, size, local_rank, local_size = map(int, told)
    except ValueError as error:
        said = ", ".join(f"{name}={value}" for name, value in zip(_TOLD, told, strict=False))
        raise RunError(f"the environment is not as torchrun sets it: {said}") from error
    return Launch(rank=rank, size=size, local_rank=local_rank, local_size=local_size)


def require_fit(strategy: str | None, launch: Launch | None, *, resumed: bool) -> None:
    """Do nothing if the command was begun as its strategy needs it; a resumed run knows its own.

    Raises:
        RunError: it was not; the message says how to begin it.
    """
    if strategy is not None and strategy not in STRATEGIES:
        raise RunError(f"unknown --strategy {strategy!r}: there is {', '.join(STRATEGIES)}")
    if strategy is not None and launch is None:
        raise RunError(
            "--strategy ddp needs a process for each device: begin it with "
            f"`{command(2)} bench ... --strategy ddp`"
        )
    if strategy is None and launch is not None and not resumed:
        raise RunError(
            f"torchrun has begun {launch.size} of this command, which would be as many runs: add "
            "--strategy ddp to train one network together, or leave torchrun out"
        )


def command(processes: int | None) -> str:
    """Return how `zoo` is begun with so many processes on this machine; None: as ever."""
    return "zoo" if processes is None else f"torchrun --nproc-per-node {processes} -m zoo"
