"""What an architecture does when trained: fair training, honest comparison.

`bench.run(["lenet", "alexnet"], data="photographs")` does what `zoo bench` does and returns
results with a pandas `frame`. torch is imported when it is called, not before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.harness import run
    from bench.results import Results

__all__ = ["Results", "run"]


def __getattr__(name: str) -> object:
    """Import a public name's module at its first use (PEP 562)."""
    if name in __all__:
        import importlib

        module = "bench.harness" if name == "run" else "bench.results"
        return getattr(importlib.import_module(module), name)
    raise AttributeError(f"module 'bench' has no attribute {name!r}")
