"""What an architecture does when trained: fair training, honest comparison.

`bench.run(["lenet", "alexnet"], data="photographs")` does what `zoo bench` does and returns
results with a pandas `frame`; `bench.compare(1, 2)` does what `zoo compare 1 2` does. torch is
imported when they are called, not before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.comparison import RunComparison, compare
    from bench.data.dataset import Dataset
    from bench.engine import Engine
    from bench.harness import run
    from bench.recipe import Recipe
    from bench.results import Results

_MODULES = {
    "Dataset": "bench.data.dataset",
    "Engine": "bench.engine",
    "Recipe": "bench.recipe",
    "Results": "bench.results",
    "RunComparison": "bench.comparison",
    "compare": "bench.comparison",
    "run": "bench.harness",
}
__all__ = ["Dataset", "Engine", "Recipe", "Results", "RunComparison", "compare", "run"]


def __getattr__(name: str) -> object:
    """Import a public name's module at its first use (PEP 562)."""
    if name in __all__:
        import importlib

        return getattr(importlib.import_module(_MODULES[name]), name)
    raise AttributeError(f"module 'bench' has no attribute {name!r}")
