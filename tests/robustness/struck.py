"""One `zoo` command with a second hand that strikes at a given moment, and how it ended."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import powers
from environment import hasten
from warm import warm

from bench.data.synthetic import write_synthetic

_BE = "import struck, sys; struck.be(sys.argv[1])"
_PATIENCE_SECONDS = 90.0
_QUICKLY = (
    ("bench.data.synthetic.write_synthetic", partial(write_synthetic, images=24)),
    ("bench.runs.stored_runs.write_page", lambda *arguments: None),
    ("bench.training.latency.repeat_timing", lambda measure: [measure()]),
)
MOMENTS = {  # what has just ended when the hand strikes, once
    "found": "bench.runs.load_data.find",
    "checked": "bench.runs.load_data.check",
    "planned": "bench.runs.execute.make_plan",
    "epoch": "bench.runs.progress.Progress.on_epoch",
    "trial": "bench.runs.execute.write_trial",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """What the hand does when a moment has come so often: `harm`, as module:name."""

    moment: str
    harm: str
    after: int = 1
    paths: tuple[str, ...] = ()
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended; without a code it had to be killed."""

    code: int | None
    out: str
    err: str

    @property
    def refusals(self) -> list[str]:
        """The lines in which it says why it ends."""
        return [line for line in self.err.splitlines() if line.startswith("zoo: ")]


def command(
    arguments: list[str],
    cwd: Path,
    *,
    strike: Strike | None = None,
    powerless: bool = False,
    believing: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    patience: float = _PATIENCE_SECONDS,
) -> Ended:
    """Return how `zoo ARGUMENTS` ends in `cwd`.

    Args:
        arguments: of the command.
        cwd: where it runs.
        strike: what the second hand does.
        powerless: it is run by a root that is like any user.
        believing: names of checks of the program that find all right: it lies then.
        env: what of the environment is another.
        patience: seconds after which it hangs.
    """
    told = {"arguments": arguments, "powerless": powerless, "strike": strike and asdict(strike),
            "believing": [*believing]}  # fmt: skip
    files = [(cwd / f".{name}").open("w+b") for name in ("out", "err")]
    spawned = warm().start(
        ["-c", _BE, json.dumps(told)],
        cwd=cwd,
        env=os.environ | (env or {}),
        stdout=files[0].fileno(),
        stderr=files[1].fileno(),
    )
    code = spawned.wait(patience)
    if code is None:
        spawned.kill()
        spawned.wait()
    spawned.close()
    os.close(spawned.output)
    said = []
    for file in files:
        file.seek(0)
        said.append(file.read().decode(errors="backslashreplace"))
        file.close()
        Path(os.fsdecode(file.name)).unlink()
    return Ended(code=code, out=said[0], err=said[1])


def be(text: str) -> None:
    """Be the command that `text` tells of, as JSON."""
    told = json.loads(text)
    hasten(setattr, _QUICKLY)
    for name in told["believing"]:
        where, _, check = name.rpartition(".")
        setattr(resolve_name(where), check, lambda *given: True)
    if told["powerless"]:
        powers.give_up()
    if told["strike"]:
        _lay_in_wait(Strike(**told["strike"]))
    sys.argv = ["zoo", *told["arguments"]]
    from zoo.cli.app import main

    main()


def interrupt(paths: object, seed: int) -> None:
    """Be the hand that types Ctrl-C."""
    os.kill(os.getpid(), signal.SIGINT)


def _lay_in_wait(strike: Strike) -> None:
    """Have the function of that moment be followed by the strike, once."""
    where, _, name = MOMENTS[strike.moment].rpartition(".")
    owner = resolve_name(where)
    real: Callable[..., Any] = getattr(owner, name)
    module, _, harm = strike.harm.partition(":")
    hit, left = getattr(import_module(module), harm), [strike.after]

    def followed(*arguments: Any, **named: Any) -> Any:
        found = real(*arguments, **named)
        left[0] -= 1
        if left[0] == 0:
            hit([Path(path) for path in strike.paths], strike.seed)
        return found

    setattr(owner, name, followed)
