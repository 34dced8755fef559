"""How long a large page takes, and how large it is: 20 models, 6 seeds, 2,000 photographs.

    python tests/benchmarks/report.py [--models 20] [--seeds 6] [--photographs 2000]

The records are made by code. Exits with 1 where reading them and writing the page and all figures
takes 20 seconds, or the page has 10 MB.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from made_run import make_run

from bench.report.page.write import write_page
from bench.runs.store import Store
from bench.runs.stored_runs import read_run

MOST_SECONDS, MOST_BYTES = 20.0, 10_000_000


def main() -> int:
    """Make a run, write its page, and tell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("models", 20), ("seeds", 6), ("photographs", 2000)):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        names = tuple(f"model_{number:02d}" for number in range(asked.models))
        images = tuple(f"photograph.{number}.jpg" for number in range(asked.photographs))
        path = make_run(folder, models=names, seeds=asked.seeds, images=images)
        begun, worked = time.perf_counter(), sum(os.times()[:4])
        results = read_run(str(path), folder)
        read = time.perf_counter()
        with closing(Store.open(path / "run.db", read_only=True)) as store:
            write_page(results, store.about(), store.thumbnails.read)
        worked = sum(os.times()[:4]) - worked  # with that of the process that draws
        seconds, size = time.perf_counter() - begun, results.page.stat().st_size
        print(f"records read and judged in {read - begun:.1f} s")
        print(f"page and figures written in {seconds - (read - begun):.1f} s")
        print(f"together {seconds:.1f} s ({worked:.1f} s of CPU), {size / 1e6:.1f} MB; allowed "
              f"{MOST_SECONDS:.0f} s, {MOST_BYTES / 1e6:.0f} MB")  # fmt: skip
        print(f"run.db {(path / 'run.db').stat().st_size / 1e6:.1f} MB")
    return int(seconds >= MOST_SECONDS or size >= MOST_BYTES)


if __name__ == "__main__":
    sys.exit(main())
