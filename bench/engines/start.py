"""Engines begun: from a name to what takes trials on."""

from __future__ import annotations

from bench.engines.executor import Executor, ExecutorConfig
from bench.engines.registry import get_engine
from bench.training.callbacks import Callback
from registry.errors import BrokenPluginError, ZooError, format_error
from registry.lookup import object_at


def start_executor(name: str, watcher: Callback, setup: ExecutorConfig) -> Executor:
    """Return the engine `name`, ready for trials.

    Raises:
        ZooError: it can't be had.
    """
    engine = get_engine(name)
    try:
        running: Executor = object_at(engine.constructor)(watcher, setup)
    except (ZooError, KeyboardInterrupt):
        raise
    except BaseException as error:  # a plugin may raise even SystemExit
        raise BrokenPluginError(
            f"the engine {name!r} can't be begun: {format_error(error)}"
        ) from error
    return running
