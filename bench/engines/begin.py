"""Engines begun: from a name to what takes trials on."""

from __future__ import annotations

from importlib import import_module

from bench.engine import get_engine
from bench.engines.engine import RunningEngine, Setup
from bench.watcher import Watcher
from registry.errors import BrokenPluginError, ZooError, told


def begin_engine(name: str, watcher: Watcher, setup: Setup) -> RunningEngine:
    """Return the engine `name`, ready for trials.

    Raises:
        ZooError: it can't be had.
    """
    engine = get_engine(name)
    module, _, attribute = engine.constructor.partition(":")
    try:
        running: RunningEngine = getattr(import_module(module), attribute)(watcher, setup)
    except (ZooError, KeyboardInterrupt):
        raise
    except BaseException as error:  # a plugin may raise even SystemExit
        raise BrokenPluginError(f"the engine {name!r} can't be begun: {told(error)}") from error
    return running
