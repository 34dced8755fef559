"""When a run of `lenet5` and `shaky` is hit: what has to be seen first, and how long after it."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from zoo_process import COLD, ZooProcess

_LOOK_SECONDS = 0.002
_START_SECONDS = 6.0 if COLD in os.environ else 1.0  # some of them after it


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A moment of a run.

    Attributes:
        come: says whether it has, from what the run has said and from its folder.
        within: seconds; the hit falls at random between its beginning and so long after it.
    """

    name: str
    come: Callable[[list[str], Path], bool]
    within: float


def _said(*texts: str) -> Callable[[list[str], Path], bool]:
    return lambda lines, folder: any(text in line for text in texts for line in lines)


def _written(name: str) -> Callable[[list[str], Path], bool]:
    return lambda lines, folder: any(folder.glob(name))


MOMENTS = (
    Moment(name="start-up", come=lambda lines, folder: True, within=_START_SECONDS),
    Moment(name="training", come=_said("shaky trains"), within=0.8),
    Moment(name="training", come=_said("lenet5 (seed 0) epoch 1/"), within=0.15),
    Moment(name="validation", come=_said("shaky (seed 0): resuming", "shaky trains"), within=0.6),
    Moment(name="validation", come=_said("shaky evaluates"), within=0.06),
    Moment(name="test", come=_said("shaky (seed 0) epoch 4/"), within=0.12),
    Moment(name="publishing", come=_written("runs/*/*/seed-0/weights*"), within=0.05),
    Moment(name="publishing", come=_written("runs/*/*/seed-0/.*.partial"), within=0.02),
    Moment(name="between the models", come=_said("✓ lenet5", "✓ shaky"), within=2.0),
    Moment(name="between the models", come=_said("✓ lenet5", "✓ shaky"), within=0.1),
)


def await_moment(zoo: ZooProcess, folder: Path, moment: Moment, generator: random.Random) -> bool:
    """Wait until `moment` and a random time after it; say whether the run was still there."""
    delay = generator.uniform(0, moment.within)
    while zoo.running and not moment.come(zoo.lines, folder):
        time.sleep(_LOOK_SECONDS)
    time.sleep(delay)
    return zoo.running
