"""`zoo bench` under torchrun: the first process leads, and the others do their part in silence."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from bench.cores import default_threads
from bench.torchrun import Launch, launched, require_fit
from registry.errors import ZooError

if TYPE_CHECKING:
    from bench.parallel import Group


def place(strategy: str | None, *, resumed: bool) -> Launch | None:
    """Return the place that torchrun gave this process, where the command was begun by it.

    All but the first process say nothing on stderr from then on.

    Raises:
        RunError: the command was not begun as its strategy needs it.
    """
    launch = launched()
    if launch is not None and launch.rank > 0:
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115  (as long as the process)
    require_fit(strategy, launch, resumed=resumed)
    return launch


def with_launch(given: dict[str, Any], launch: Launch | None) -> dict[str, Any]:
    """Return fields of a request with what the launch decides.

    Threads, where none are `given`, are the process's share of the machine's cores.
    """
    if launch is None:
        return given
    threads = max(1, default_threads() // launch.local_size)
    return {"threads": threads, **given, "processes": launch.size, "isolate": False}


@contextmanager
def led(launch: Launch | None) -> Iterator[Group | None]:
    """Yield the group of processes that this one leads in here, or None without torchrun.

    Raises:
        Exit: this is another one, and its part is done; its exit code is the first one's.
        RunError: the processes do not find each other.
    """
    if launch is None:
        yield None
        return
    from bench.engines.ranks import dismiss, follow
    from bench.parallel import group_of

    group = group_of(launch)
    if group.rank > 0:
        code = follow(group)
        if code == 0:
            group.leave()
        raise typer.Exit(code)
    code = 1
    try:
        yield group
    except typer.Exit as ended:
        code = ended.exit_code
        raise
    except ZooError as error:
        code = error.exit_code
        raise
    finally:
        dismiss(group, code)
        if code == 0:  # else some may hang, and it would wait for them
            group.leave()
