"""Engines by name: what there is, in this package and in others."""

from dataclasses import dataclass
from importlib.util import find_spec

from registry.claims import Claims, Kind
from registry.errors import RunError


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A way of having trials done.

    Attributes:
        name: for `--engine`.
        constructor: `module:object`, called with a callback and an `ExecutorConfig` to give a
            `bench.engines.executor.Executor`. Imported only when it is called.
        source: where it does trials, on one line.
        library, install: the module it needs beside this package, and what `pip install` is told.
    """

    name: str
    constructor: str
    source: str = ""
    library: str = ""
    install: str = ""


ENGINES = Kind(
    group="zoo.engines",
    noun="engine",
    type=Engine,
    listing="zoo list engines",
)
LOCAL = Engine(
    name="local",
    constructor="bench.engines.local:LocalExecutor",
    source="this machine, each trial in a process of its own",
)
RAY = Engine(
    name="ray",
    constructor="bench.engines.ray:RayExecutor",
    source="a Ray cluster, on this machine or at --address",
    library="ray",
    install="zoo-bench[ray]",
)


def get_engine(name: str) -> Engine:
    """Return the engine `name`, what it needs being installed.

    Raises:
        RegistryError: there is none, it is claimed twice, or its plugin is broken.
        RunError: what it needs is not installed; the message says what to install.
    """
    if name == LOCAL.name:  # a built-in wins in any case, so nobody else is asked
        return LOCAL
    engine = Claims.installed(ENGINES).entry(name).value
    if engine.library and find_spec(engine.library) is None:
        raise RunError(f"--engine {name} needs a library: pip install '{engine.install}'")
    return engine
