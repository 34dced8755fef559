"""Engines begun: from a name to what takes trials on."""

from __future__ import annotations

from bench.engine import get_engine
from bench.engines.engine import RunningEngine, Setup
from bench.watcher import Watcher
from registry.errors import BrokenPluginError, ZooError, told
from registry.lookup import object_at


def begin_engine(name: str, watcher: Watcher, setup: Setup) -> RunningEngine:
    """Return the engine `name`, ready for trials.

    Raises:
        ZooError: it can't be had.
    """
    engine = get_engine(name)
    try:
        running: RunningEngine = object_at(engine.constructor)(watcher, setup)
    except (ZooError, KeyboardInterrupt):
        raise
    except BaseException as error:  # a plugin may raise even SystemExit
        raise BrokenPluginError(f"the engine {name!r} can't be begun: {told(error)}") from error
    return running
