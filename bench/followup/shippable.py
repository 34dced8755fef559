"""The forms in which a trained network can be shipped: torch, ONNX, ONNX with 8-bit weights."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bench.followup.finished_run import FinishedRun
from bench.followup.kept_parts import KeptParts
from bench.runs.onnx import require_onnx, write_onnx
from bench.system.atomic_files import whole_file
from bench.system.environment import cpu_name
from bench.training.latency import inference_times, percentile, repeat_timing
from bench.training.stored_trial import StoredTrial
from registry.errors import RunError, format_error

TORCH, ONNX, INT8 = "torch", "ONNX", "ONNX int8"
MOST_CHANGED = 0.01  # share of the answers that 8-bit weights may change
_VERSION = 1
_BATCH, _TAIL = 32, 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A form of one network, as measured on this machine, or why there is none.

    Attributes:
        name: `torch`, `ONNX` or `ONNX int8`.
        seconds: median time for one image.
        slow_seconds: its 95th percentile; None of few repetitions.
        bytes: size of the file.
        file: path of the file in the run folder.
        changed: number of test images that it answers differently from the run.
        gained: accuracy on the test images minus that in the run, -1 to 1.
        why_not: why it cannot be shipped, or "".
    """

    name: str
    seconds: float = 0.0
    slow_seconds: float | None = None
    bytes: int = 0
    file: str = ""
    changed: int = 0
    gained: float = 0.0
    why_not: str = ""


def forms_of(run: FinishedRun, trial: StoredTrial, kept: KeptParts) -> list[Form]:
    """Return the forms of the network of `trial`; what `kept` has is not measured again.

    ONNX files are written beside the weights: `network.onnx`, `network-int8.onnx`. Without the
    packages for ONNX, there is torch alone.
    """
    folder = run.folder.trial(trial.spec)
    key = {**run.key(trial), **_conditions(trial), "version": _VERSION}
    known = kept.read(key)
    if known is not None:
        forms = [Form(**each) for each in json.loads(known["forms"].tobytes())]
        if all((run.folder.path / each.file).is_file() for each in forms if not each.why_not):
            return forms
    before = torch.get_num_threads()
    torch.set_num_threads(trial.spec.threads)
    try:
        forms = _measured(run, trial, folder)
    finally:
        torch.set_num_threads(before)
    text = json.dumps([asdict(each) for each in forms]).encode()
    kept.keep(key, {"forms": np.frombuffer(text, np.uint8)})
    return forms


def has_onnx() -> bool:
    """Return whether all packages for ONNX are installed."""
    return all(find_spec(name) for name in ("onnx", "onnxscript", "onnxruntime"))


def _conditions(trial: StoredTrial) -> dict[str, Any]:
    """Return what decides the times, beside the network."""
    packages = ("torch", "onnxruntime") if has_onnx() else ("torch",)
    return {
        "cpu": cpu_name(),
        "device": trial.spec.device,
        "threads": trial.spec.threads,
        "packages": {name: version(name) for name in packages},
    }


def _measured(run: FinishedRun, trial: StoredTrial, folder: Path) -> list[Form]:
    batches = run.batches(trial)
    images = run.images(trial)
    network = run.network(trial)
    once, *_ = inference_times(
        network, batches.first_of(images[:1]), batches.layout, batches.precision
    )
    weights = run.weights(trial)
    forms = [
        Form(
            name=TORCH,
            seconds=once.p50_seconds,
            slow_seconds=once.p95_seconds,
            bytes=weights.stat().st_size,
            file=_inside(run, weights),
        )
    ]
    if not has_onnx():
        return forms
    path, small = folder / "network.onnx", folder / "network-int8.onnx"
    try:
        _export(run, trial, path)
    except RunError as error:
        return [*forms, *(Form(name=name, why_not=str(error)) for name in (ONNX, INT8))]
    forms.append(_form(run, trial, ONNX, path))
    try:
        _quantize(path, small)
        found = _form(run, trial, INT8, small)
    except Exception as error:  # noqa: BLE001 onnxruntime raises its own for what it cannot do
        why = f"onnxruntime cannot make it: {format_error(error)}"
        return [*forms, Form(name=INT8, why_not=why)]
    if found.changed > MOST_CHANGED * len(images):
        why = f"it answers {found.changed} of {len(images)} test images differently"
        found = Form(name=INT8, changed=found.changed, gained=found.gained, why_not=why)
        small.unlink()
    return [*forms, found]


def _export(run: FinishedRun, trial: StoredTrial, path: Path) -> None:
    require_onnx()
    network, published = run.loaded(trial)
    write_onnx(path, network, published)


def _quantize(path: Path, small: Path) -> None:
    """Write the network in `path` with weights of 8 bits, and values scaled as they come."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with whole_file(small) as partial, _quiet():
        quantize_dynamic(path, partial, weight_type=QuantType.QUInt8)


def _form(run: FinishedRun, trial: StoredTrial, name: str, path: Path) -> Form:
    """Return the form in the ONNX file `path`, timed, and with its answers compared."""
    ask = _session(path, trial.spec.threads)
    batches = run.batches(trial).evaluation(run.images(trial), _BATCH)
    said = list[NDArray[Any]]()
    first: NDArray[Any] | None = None
    for batch in batches.epoch():
        images = np.ascontiguousarray(batch.images.float().cpu().numpy())
        first = images[:1] if first is None else first
        said.append(ask(images).argmax(axis=1))
    assert first is not None
    assert trial.test is not None
    one = np.ascontiguousarray(first)
    seconds = repeat_timing(lambda: _seconds(ask, one))
    predicted, labels = np.concatenate(said), trial.test.labels
    return Form(
        name=name,
        seconds=percentile(seconds, 50),
        slow_seconds=percentile(seconds, 95) if len(seconds) >= _TAIL else None,
        bytes=path.stat().st_size,
        file=_inside(run, path),
        changed=int((predicted != trial.test.predicted).sum()),
        gained=float((predicted == labels).mean() - (trial.test.predicted == labels).mean()),
    )


def _session(path: Path, threads: int) -> Callable[[NDArray[Any]], NDArray[Any]]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 3
    session = onnxruntime.InferenceSession(
        path.read_bytes(), options, providers=["CPUExecutionProvider"]
    )
    return lambda images: np.asarray(session.run(None, {"images": images})[0])


def _seconds(ask: Callable[[NDArray[Any]], object], images: NDArray[Any]) -> float:
    started = time.perf_counter()
    ask(images)
    return time.perf_counter() - started


def _inside(run: FinishedRun, path: Path) -> str:
    return path.relative_to(run.folder.path).as_posix()


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppress the advice that onnxruntime logs while it quantises."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
