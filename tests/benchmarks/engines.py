"""What an engine costs a trial, beyond the trial itself, and whether its memory stays flat.

    python tests/benchmarks/engines.py --engine local|ray [--trials 1000] [--jobs 2] [--real 4]

The trial itself is a process that imports torch, trains and tests. It is left out of the first
figure: each of `--trials` trials is a record that was made before, handed over in the process's
place, so that what is left is the engine's own: the queue, the look at memory, threads or tasks,
what is sent there and back, and what a node looks into before it begins. Then `--real` trials of a
network of one layer are done as they are, and their start, which belongs to a trial's isolation, is
told apart: wall seconds of each, less those that its record accounts for.

Exits with 1 where the engine's own cost is 50 ms a trial (local) or 100 ms (others), or the memory
of this process grows by a tenth and 20 MB from the first tenth of the trials to the last.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import numpy as np
import psutil
from drawn_folder import draw_folder
from made_records import made_record, made_spec
from torch import nn

from bench.data.check import check
from bench.data.find import find
from bench.data.pixel_source import DirectPixels
from bench.data.split import Split, stratified_split
from bench.engines import local, ray_node
from bench.engines.executor import ExecutorConfig, start_executor
from bench.engines.process import Job
from bench.runs.progress import Progress
from bench.training.evaluation import Evaluation
from bench.training.record import TrialResult
from bench.training.spec import as_plain
from registry import Architecture, Contract

MOST_SECONDS = {"local": 0.05}
MOST_SECONDS_ELSEWHERE = 0.1
MOST_GROWTH, MOST_BYTES = 1.1, 20_000_000


class Stub(nn.Sequential):
    """One linear layer on a grey image."""

    def __init__(self, num_classes: int) -> None:
        super().__init__(nn.Flatten(), nn.Linear(1024, num_classes))


STUB = Architecture(
    name="stub",
    constructor="engines:Stub",
    contract=Contract(input_shape=(1, 32, 32), output_shape=(2,), parameters=2050),
)
_ANSWERS = {
    "labels": np.zeros(4, np.int64),
    "probabilities": np.full((4, 2), 0.5, np.float32),
}


class MadeProcess:
    """In the place of a trial's process: its record is there already."""

    pid = 0

    def __init__(self, spawned: None) -> None:
        """Be no process."""

    def run(self, job: Job, callback: Progress) -> TrialResult:
        """Return a made record with made answers."""
        record = made_record(spec=job.spec, jobs=job.jobs, peak_bytes=10**8)
        return TrialResult(record=record, test=Evaluation(**_ANSWERS, loss=0.7, accuracy=0.5))

    def stop(self) -> None:
        """There is nothing to stop."""

    def end(self) -> None:
        """There is nothing to end."""


class MadeServer:
    """In the place of what begins trials' processes."""

    def begin(self) -> None:
        """Begin nothing."""

    def close(self) -> None:
        """There is nothing to end."""


def made_on_node(plain: dict[str, Any]) -> dict[str, Any]:
    """Return the same as a node gives it."""
    from safetensors.torch import save

    spec = plain["spec"]
    return {"record": plain["made"] | {"spec": spec}, "answers": save(plain["answers"]), "said": []}


def main() -> int:
    """Measure, and tell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--engine", default="local")
    parser.add_argument("--address")
    for name, default in (("trials", 1000), ("jobs", 2), ("real", 4)):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        draw_folder(Path(scratch) / "drawn")
        split = stratified_split(check(find(Path(scratch) / "drawn")))
        real = _real(asked, split, Path(scratch)) if asked.real else None
        seconds, memory = _own(asked, split, Path(scratch))
    most = MOST_SECONDS.get(asked.engine, MOST_SECONDS_ELSEWHERE)
    tenth = memory[len(memory) // 10]
    grown = memory[-1] > MOST_GROWTH * tenth and memory[-1] - tenth > MOST_BYTES
    print(f"{asked.engine}, {asked.trials} made trials, {asked.jobs} at a time")
    print(f"the engine's own: {seconds * 1e3:.1f} ms a trial; allowed {most * 1e3:.0f} ms")
    told = ", ".join(f"{memory[len(memory) * part // 10 - 1] / 1e6:.0f}" for part in range(1, 11))
    print(f"memory of this process after each tenth of the trials: {told} MB")
    if real is not None:
        print(f"{asked.real} real trials: {real[0]:.1f} s each, of which {real[1]:.1f} s are the")
        print("start of a process and its imports, not the trial's own seconds (median)")
    return int(seconds >= most or grown)


def _own(asked: argparse.Namespace, split: Split, folder: Path) -> tuple[float, list[int]]:
    """Return the wall seconds a trial of trials that take none, and memory after each."""
    local.TrialProcess = MadeProcess  # type: ignore[assignment,misc]
    local.start_server = MadeServer  # type: ignore[assignment,misc]
    made = as_plain(made_record())
    process = psutil.Process()

    def done(plain: dict[str, Any]) -> dict[str, Any]:
        return made_on_node(plain | {"made": made, "answers": _ANSWERS})

    ray_node._done = done
    engine = start_executor(asked.engine, Progress(shown=False), _setup(asked))
    memory = []
    try:
        engine.submit(-1, _job(0, split, folder))  # the first begins processes of the cluster's
        list(engine.ended())
        for number in range(asked.trials):
            engine.submit(number, _job(number, split, folder))
        begun = time.perf_counter()
        for _ in engine.ended():
            memory.append(process.memory_info().rss)
        seconds = time.perf_counter() - begun
    finally:
        engine.close()
    if len(memory) != asked.trials:
        raise SystemExit(f"{len(memory)} of {asked.trials} trials have ended")
    return seconds / asked.trials, memory


def _real(asked: argparse.Namespace, split: Split, folder: Path) -> tuple[float, float]:
    """Return wall seconds of a real trial, and how many its record does not builder for."""
    engine = start_executor(asked.engine, Progress(shown=False), _setup(asked, jobs=1))
    walls, starts = [], []
    try:
        for number in range(asked.real):
            engine.submit(number, _job(number, split, folder))
            begun = time.perf_counter()
            ((_, result),) = engine.ended()
            walls.append(time.perf_counter() - begun)
            record = result.record
            if record.status != "ok":
                raise SystemExit(f"a real trial has {record.status}: {record.error}")
            spent = record.train_seconds + record.startup_seconds + record.evaluation_seconds
            starts.append(walls[-1] - spent - record.initialization_seconds)
    finally:
        engine.close()
    return median(walls), median(starts)


def _setup(asked: argparse.Namespace, jobs: int | None = None) -> ExecutorConfig:
    return ExecutorConfig(
        jobs=jobs or asked.jobs, address=asked.address, architectures={STUB.name: STUB}
    )


def _job(number: int, split: Split, folder: Path) -> Job:
    spec = made_spec(STUB.name, number, architecture=STUB, layout="contiguous")
    trial = folder / "trial"
    trial.mkdir(exist_ok=True)
    return Job(
        spec=spec,
        split=split,
        source=DirectPixels(),
        folder=trial,
        checkpoints=trial / "checkpoints",
        cadence={"seconds": None, "steps": None},
        profile=False,
        weights=False,
        timeout=None,
        expected_bytes=10**8,
    )


if __name__ == "__main__":
    sys.exit(main())
