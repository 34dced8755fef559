"""Engines by name, from this package and from plugins."""

from dataclasses import dataclass
from importlib.util import find_spec

from registry.claims import Claims, Kind
from registry.errors import RunError


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A way to run trials.

    Attributes:
        name: name for `--engine`.
        constructor: `module:object`, called with a callback and an `ExecutorConfig` to return a
            `bench.engines.executor.Executor`. Imported only when it is called.
        source: place where it runs trials, on one line.
        library: module that it needs besides this package.
        install: name of that module for `pip install`.
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
    source="this machine, each trial in its own process",
)
RAY = Engine(
    name="ray",
    constructor="bench.engines.ray:RayExecutor",
    source="a Ray cluster, on this machine or at --address",
    library="ray",
    install="zoo-bench[ray]",
)


def get_engine(name: str) -> Engine:
    """Return the engine `name`, whose library is installed.

    Raises:
        RegistryError: the name is unknown or claimed twice, or its plugin is broken.
        RunError: its library is not installed; the message says what to install.
    """
    if name == LOCAL.name:  # a built-in always wins, so no plugin is loaded
        return LOCAL
    engine = Claims.installed(ENGINES).entry(name).value
    if engine.library and find_spec(engine.library) is None:
        raise RunError(f"--engine {name} needs a library: pip install '{engine.install}'")
    return engine
