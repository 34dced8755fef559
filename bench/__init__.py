"""Compare image classifiers under identical, reproducible conditions.

`bench.run(["lenet", "alexnet"], data="photographs")` does what `zoo bench` does. It returns
results, whose `frame` is a pandas table. `bench.load("runs/1")` returns those of a stored run, and
`bench.compare(1, 2)` does what `zoo compare 1 2` does; so do `bench.explain(1)`, `bench.stress(1)`,
`bench.labels(1)` and `bench.choose(1)`. torch is imported at the first call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.analysis.comparison import RunComparison
    from bench.data.dataset_plugins import Dataset
    from bench.engines.registry import Engine
    from bench.followup.choose import choose
    from bench.followup.explain import explain
    from bench.followup.labels import labels
    from bench.followup.learn_curve import learn_curve
    from bench.followup.stress import stress
    from bench.report.followup_file import Followup
    from bench.runs.compare import compare
    from bench.runs.execute import run
    from bench.runs.run_results import RunResults as Results
    from bench.runs.stored_runs import load
    from bench.training.recipe import Recipe

_MODULES = {
    "Dataset": "bench.data.dataset_plugins",
    "Engine": "bench.engines.registry",
    "Followup": "bench.report.followup_file",
    "Recipe": "bench.training.recipe",
    "Results": "bench.runs.run_results",
    "RunComparison": "bench.analysis.comparison",
    "choose": "bench.followup.choose",
    "compare": "bench.runs.compare",
    "explain": "bench.followup.explain",
    "labels": "bench.followup.labels",
    "load": "bench.runs.stored_runs",
    "learn_curve": "bench.followup.learn_curve",
    "run": "bench.runs.execute",
    "stress": "bench.followup.stress",
}
_NAMES = {"Results": "RunResults"}
__all__ = [
    "Dataset",
    "Engine",
    "Followup",
    "Recipe",
    "Results",
    "RunComparison",
    "choose",
    "compare",
    "explain",
    "labels",
    "learn_curve",
    "load",
    "run",
    "stress",
]


def __getattr__(name: str) -> object:
    """Return a public name; its module is imported at the first use (PEP 562)."""
    if name in __all__:
        import importlib

        return getattr(importlib.import_module(_MODULES[name]), _NAMES.get(name, name))
    raise AttributeError(f"module 'bench' has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return the public names, also those that are not imported yet."""
    return [*__all__]
