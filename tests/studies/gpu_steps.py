"""The steps of `make gpu`: each returns what it found as plain values, one row a network or so."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from types import MappingProxyType
from typing import Any

import torch
from gpu_loops import LoopJob, plain_epochs, timm_epochs
from gpu_process import NotRunError

import bench.runs.execute
import bench.runs.stored_runs
import registry
from bench.data.synthetic import synthetic_folder
from bench.runs.progress import Progress
from bench.runs.run_results import RunResults
from bench.system.cpu import default_threads
from bench.system.device import choose_device
from bench.system.environment import describe_environment
from bench.training.record import TrialRecord
from bench.training.remote_checkpoints import POINTER
from registry.catalog import Catalog
from registry.verify import verify

Row = dict[str, Any]
_TARGET = 0.9
_LEFT_BYTES = 3_000_000_000  # for a context, and less than the drawings need in ResNet-18
_TRAINED = ("lenet", "alexnet", "torchvision:resnet18", "timm:vit_tiny_patch16_224")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Where and on what the steps run, and how large they are."""

    device: str
    data: Path  # folder of pictures
    photographs: Path | None
    contracts: tuple[str, ...]
    models: tuple[str, ...]  # trained in each precision
    precisions: tuple[str, ...]
    measured: str  # the network of all other steps
    images: int
    batch_size: int
    epochs: int


def machine(device: str) -> Mapping[str, Any]:
    """Return the device that is meant, its memory, and the versions."""
    chosen = choose_device(device)
    about = describe_environment(chosen)
    if chosen.type == "cuda":
        about["device_bytes"] = torch.cuda.get_device_properties(chosen).total_memory
    return about


def setting_for(device: str, data: Path | None, photographs: Path | None) -> Setting:
    """Return the whole measurement for a GPU, and a trial of this script for a CPU."""
    small = device == "cpu"
    return Setting(
        device=device,
        data=data or synthetic_folder(),
        photographs=photographs,
        contracts=("lenet5",) if small else tuple(Catalog.installed().names()),
        models=("lenet5",) if small else _TRAINED,
        precisions=("float32",) if small else ("float32", "bfloat16", "float16"),
        measured="lenet5" if small else "torchvision:resnet18",
        images=24 if small else 100_000,
        batch_size=8 if small else 64,
        epochs=2 if small else 3,
    )


def contracts(setting: Setting) -> list[Row]:
    """Return the difference of each built-in's logits on the device from those on the CPU."""
    return [_on_device(name, setting.device) for name in setting.contracts]


def _on_device(name: str, device: str) -> Row:
    architecture = registry.get(name)
    verify(architecture)
    torch.manual_seed(0)
    network = architecture.build(num_classes=architecture.contract.num_classes).eval()
    images = torch.rand(2, *architecture.contract.input_shape)
    with torch.inference_mode():
        expected = network(images)
        found = network.to(device)(images.to(device)).cpu()
    if found.shape[1:] != architecture.contract.output_shape or not found.isfinite().all():
        raise ValueError(f"{name} returns {tuple(found.shape)} on {device}, or no finite numbers")
    scale = expected.abs().max().item() or 1.0
    return {"network": name, "difference": (found - expected).abs().max().item() / scale}


def training(setting: Setting) -> list[Row]:
    """Return time, memory and accuracy of each network in each precision; a failure is a row."""
    pairs = [(model, precision) for model in setting.models for precision in setting.precisions]
    return [_trained(setting, *pair) for pair in pairs]


def _trained(setting: Setting, model: str, precision: str) -> Row:
    cuda = setting.device.startswith("cuda")
    if cuda:
        torch.cuda.init()  # else there are no statistics to reset
        torch.cuda.reset_peak_memory_stats(setting.device)
    row: Row = {"network": model, "precision": precision}
    try:
        record = _run(setting, [model], precision=precision).records[0]
    except Exception as error:  # noqa: BLE001  (the other rows are measured)
        return row | {"status": f"{type(error).__name__}: {error}".splitlines()[0]}
    times = {each.batch: each.p50_seconds for each in record.inference}
    return row | {
        "status": record.error or record.status,
        "test_accuracy": record.test_accuracy,
        "images_per_second": record.images_per_second,
        "inference_1_seconds": times.get(1),
        "inference_32_seconds": times.get(32),
        "peak_device_bytes": torch.cuda.max_memory_allocated(setting.device) if cuda else None,
    }


def _run(setting: Setting, models: list[str], **options: Any) -> RunResults:
    """Return the results of a run that leaves nothing; its network trains in this process."""
    bench.runs.stored_runs.write_page = lambda *arguments: None  # seconds of each run, for nobody
    with tempfile.TemporaryDirectory() as runs:
        return bench.runs.execute.run(
            models, setting.data, runs=runs, progress=False, **_options(setting, **options)
        )


def _options(setting: Setting, **options: Any) -> dict[str, Any]:
    same = {name: getattr(setting, name) for name in ("device", "epochs", "batch_size")}
    return {**same, "limit": setting.images, "isolate": False, "weights": False, **options}


def repeat(setting: Setting) -> Row:
    """Return whether one seed gives the same weights twice."""
    first, second = (_run(setting, [setting.measured]).records[0] for _ in range(2))
    return _compared(first, second)


def _compared(first: TrialRecord, second: TrialRecord) -> Row:
    for record in (first, second):
        if record.status != "ok" or record.test_loss is None:
            raise RuntimeError(record.error or record.status)
    return {
        "network": first.model,
        "same_weights": first.digest == second.digest,
        "test_loss": first.test_loss,
        "difference_of_test_loss": abs((second.test_loss or 0) - (first.test_loss or 0)),
    }


def resume(setting: Setting) -> Row:
    """Return how a training that is killed and resumed ends, beside one that is not."""
    with tempfile.TemporaryDirectory() as runs:
        _kill_one(setting, runs)
        resumed = bench.runs.execute.resume("1", Path(runs), {}, Progress(shown=False)).records[0]
    whole = _run(setting, [setting.measured], epochs=2 * setting.epochs).records[0]
    return _compared(whole, resumed) | {"resumed": resumed.resumed}


def _kill_one(setting: Setting, runs: str) -> None:
    """Train in a fork that is killed at its first checkpoint."""
    bench.runs.stored_runs.write_page = lambda *arguments: None
    process = os.fork()  # nothing here has used the device
    if process == 0:
        try:
            options = _options(setting, epochs=2 * setting.epochs, checkpoint_every="1")
            bench.runs.execute.run(
                [setting.measured], setting.data, runs=runs, progress=False, **options
            )
        finally:
            os._exit(0)
    while not list(Path(runs).rglob(POINTER)):
        time.sleep(0.005)
        if os.waitpid(process, os.WNOHANG)[0]:
            raise RuntimeError("the training ended before it was killed")
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)


def out_of_memory(setting: Setting) -> Row:
    """Return how a training ends that gets less of the device's memory than it needs."""
    if not setting.device.startswith("cuda"):
        raise NotRunError("only on CUDA: memory is taken away there")
    free, _ = torch.cuda.mem_get_info(setting.device)
    ballast = torch.empty(max(free - _LEFT_BYTES, 0), dtype=torch.uint8, device=setting.device)
    options: dict[str, Any] = {"batch_size": 1024, "on_oom": "halve", "isolate": True, "epochs": 1}
    record = _run(setting, [setting.measured], **options).records[0]
    if record.status != "ok" or not record.marks:
        raise RuntimeError(record.error or "the memory that was left was enough")
    return {"left_bytes": free - len(ballast), "marks": [*record.marks]}


def together(setting: Setting) -> list[Row]:
    """Return the seconds of two trials one after the other, and at once."""
    if default_threads() < 2:
        raise NotRunError("two trials need two cores")
    rows = []
    for jobs in (1, 2):
        started = time.perf_counter()
        records = _run(
            setting, [setting.measured], seeds=2, jobs=jobs, isolate=True, checkpoint_every="never"
        ).records
        seconds = time.perf_counter() - started
        statuses = [record.error or record.status for record in records]
        rows.append({"jobs": jobs, "seconds": round(seconds, 1), "statuses": statuses})
    return rows


def throughput(setting: Setting) -> list[Row]:
    """Return images per second of zoo, a plain loop and timm's, with the data in the clock.

    All train one network with SGD from the same pictures, crop and mirror at random, and their last
    epochs count. zoo's pixels come from its cache; the others decode each picture in each epoch.
    """
    return [
        {"precision": precision, "loop": name, "images_per_second": round(rate, 1)}
        for precision in setting.precisions
        for name, rate in _rates(setting, precision)
    ]


def _rates(setting: Setting, precision: str) -> list[tuple[str, float]]:
    options: dict[str, Any] = {"precision": precision, "recipe": "textbook"}
    record = _run(setting, [setting.measured], **options).records[0]
    if record.status != "ok":
        raise RuntimeError(record.error)
    images = [epoch.train_images or 0 for epoch in record.history]
    ours = list(zip(images, [epoch.train_seconds for epoch in record.history], strict=True))
    job = LoopJob(
        architecture=registry.get(setting.measured),
        folder=setting.data,
        device=torch.device(setting.device),
        precision=getattr(torch, precision),
        batch_size=setting.batch_size,
        epochs=setting.epochs,
        images=setting.images,
    )
    loops = {"zoo": ours, "plain": plain_epochs(job), "timm": timm_epochs(job)}
    return [(name, median(n / s for n, s in epochs[1:])) for name, epochs in loops.items()]


def target(setting: Setting) -> list[Row]:
    """Return the seconds of training until 90 % of the validation photographs are right."""
    if setting.photographs is None:
        raise NotRunError("no photographs were named: --photographs FOLDER")
    rows = []
    for model in ("torchvision:resnet18", "alexnet"):
        with tempfile.TemporaryDirectory() as runs:
            options = _options(setting, epochs=None, budget="60s", target=_TARGET, batch_size=None)
            results = bench.runs.execute.run(
                [model], setting.photographs, runs=runs, progress=False, **options
            )
        record = results.records[0]
        rows.append(
            {
                "network": model,
                "status": record.error or record.status,
                "seconds_to_90": record.seconds_to(_TARGET),
                "test_accuracy": record.test_accuracy,
            }
        )
    return rows


STEPS: Mapping[str, Callable[[Setting], Any]] = MappingProxyType(
    {
        "contracts": contracts,
        "training": training,
        "repeat": repeat,
        "resume": resume,
        "out_of_memory": out_of_memory,
        "together": together,
        "throughput": throughput,
        "target": target,
    }
)
LIMITS: Mapping[str, float] = MappingProxyType(  # seconds, so that one that hangs leaves time
    {
        "contracts": 60,
        "training": 150,
        "repeat": 60,
        "resume": 60,
        "out_of_memory": 60,
        "together": 60,
        "throughput": 120,
        "target": 150,
    }
)
