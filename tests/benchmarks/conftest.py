"""What the benchmarks share: images, and a clock that measures a reference in turn."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.system.cpu import wait_asleep

wait_asleep()  # before torch: as the command does

from bench.data.check import check  # noqa: E402
from bench.data.find import find  # noqa: E402
from bench.data.synthetic import synthetic_folder  # noqa: E402
from bench.data.validation_cache import ValidationCache  # noqa: E402
from bench.system.cache_folder import cache_folder  # noqa: E402

_PHOTOGRAPHS = Path(__file__).parents[3] / "shared" / "data" / "dogs-vs-cats"


@pytest.fixture(scope="session")
def folder() -> Path:
    """The chapter's photographs where they are, else the drawings."""
    return _PHOTOGRAPHS if _PHOTOGRAPHS.is_dir() else synthetic_folder()


@pytest.fixture(scope="session")
def checked(folder):
    """The images of the folder."""
    return check(find(folder), ledger=ValidationCache(cache_folder() / "checked.sqlite")).images


@pytest.fixture
def against(benchmark) -> Callable[..., None]:
    """Times `ours` by pytest-benchmark, and `reference` just before each round of it.

    So both see the same noise, and the ratio reference / ours of each round, by wall and by CPU
    seconds, is what is kept in `extra_info` and compared from run to run.
    """

    def run(
        ours: Callable[[], object],
        reference: Callable[[], object],
        *,
        told: str,
        rounds: int = 5,
        images: int | None = None,
        warm: bool = True,
    ) -> None:
        times: dict[str, list[tuple[float, float]]] = {"ours": [], "reference": []}

        def timed(name: str, work: Callable[[], object]) -> None:
            wall, cpu = time.perf_counter(), time.process_time()
            work()
            times[name].append((time.perf_counter() - wall, time.process_time() - cpu))

        if warm:
            ours()
            reference()
        benchmark.pedantic(
            lambda: timed("ours", ours),
            setup=lambda: timed("reference", reference),
            rounds=rounds,
        )
        pairs = list(zip(times["reference"], times["ours"], strict=True))
        ratios = [reference[0] / ours[0] for reference, ours in pairs]
        benchmark.extra_info |= {
            "reference": told,
            "images": images,
            "ratios": ratios,
            "ratio": statistics.median(ratios),
            "cpu_ratio": statistics.median(r[1] / max(o[1], 1e-9) for r, o in pairs),
            "reference_seconds": statistics.median(r[0] for r, _ in pairs),
        }

    return run
