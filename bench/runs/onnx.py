"""Export of a trained network as ONNX with metadata, verified against torch.

ONNX is the optional extra `onnx`; everything else works without it.
"""

from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import nn

from bench.system.atomic_files import whole_file
from bench.training.weights_metadata import WeightsMetadata
from registry.errors import RunError, format_error

BATCHES = (1, 3)  # one image, and a number that no dimension of a network is likely to have
_MOST_DIFFERENCE = 1e-3  # relative to the largest logit; reordered float32 sums differ by 1e-6
_MOST_BYTES = 2_000_000_000  # the limit of a protobuf message is 2 GiB


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Largest difference between the logits of onnxruntime and torch: absolute and relative."""

    largest_difference: float
    relative_difference: float


def require_onnx() -> None:
    """Raise RunError, with the command to install it, if a package for ONNX is missing."""
    missing = [name for name in ("onnx", "onnxscript") if find_spec(name) is None]
    if missing:
        raise RunError(f"writing ONNX needs {' and '.join(missing)}: pip install 'zoo-bench[onnx]'")


def write_onnx(path: Path, network: nn.Module, published: WeightsMetadata) -> Comparison | None:
    """Write `network`, in evaluation mode on the CPU, as ONNX; return its distance from torch.

    Its input `images` is (N, C, H, W), float32 and normalised; its output `logits` is (N, K); N is
    variable. Metadata: model, architecture, contract, classes, mean, std, origin, epoch,
    split_fingerprint; lists and objects as JSON. The file passes the ONNX checker.

    Returns None without onnxruntime. Raises RunError, and leaves no file, if the network cannot be
    translated or its logits differ from torch's.
    """
    require_onnx()
    import onnx

    network = network.module if isinstance(network, nn.DataParallel) else network

    shape = published.architecture.contract.input_shape
    model = _translate(path, network, shape)
    _require_free_batch(path, model)
    _remove_source_paths(model)
    onnx.helper.set_model_props(model, _properties(published))
    with whole_file(path) as partial:
        partial.write_bytes(model.SerializeToString())
        written = partial.read_bytes()
        try:
            onnx.checker.check_model(written, full_check=True)
        except Exception as error:
            raise RunError(f"{path} is not valid ONNX: {format_error(error)}") from error
        return _compare_logits(path, written, network, shape)


def _translate(path: Path, network: nn.Module, shape: tuple[int, int, int]) -> Any:
    size = sum(each.nbytes for each in (*network.parameters(), *network.buffers()))
    if size > _MOST_BYTES:
        raise RunError(
            f"{size / 1e9:.1f} GB of weights do not fit into one ONNX file (limit 2 GB): "
            "use --safetensors"
        )
    if isinstance(network, torch.jit.ScriptModule):
        raise RunError(
            f"cannot write {path}: torch translates no scripted or traced network; use "
            "--safetensors, or train the network without `torch.jit`"
        )
    try:
        with _silent():
            program = torch.onnx.export(
                network,
                (torch.zeros(2, *shape),),
                input_names=["images"],
                output_names=["logits"],
                dynamic_shapes=({0: torch.export.Dim("batch")},),
                dynamo=True,
                verbose=False,
            )
    except (Exception, SystemExit) as error:
        reason = format_error(error.__cause__ or error).partition(" For more information")[0]
        if isinstance(network, torch.jit.ScriptModule):
            reason = "it is a scripted module: build it without `torch.jit.script`"
        raise RunError(f"cannot write {path}: torch cannot translate it: {reason}") from error
    assert program is not None  # it writes no file itself
    return program.model_proto


def _require_free_batch(path: Path, model: Any) -> None:
    """Raise RunError if the translation has fixed the batch size to that of the example."""
    for value in (*model.graph.input, *model.graph.output):
        axes = value.type.tensor_type.shape.dim
        if not axes or not axes[0].dim_param:
            bound = f"fixed to {axes[0].dim_value} images" if axes else "not per image"
            raise RunError(
                f"{path} not written: its {value.name} are {bound}: have `forward` compute all "
                "images at once, without a loop, `.item()` or `len`, or use --safetensors"
            )


@contextmanager
def _silent() -> Iterator[None]:
    """Suppress output of torch and the network: stdout is for paths and JSON."""
    sink, before = io.StringIO(), logging.root.manager.disable
    with redirect_stdout(sink), redirect_stderr(sink), warnings.catch_warnings(action="ignore"):
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(before)


def _remove_source_paths(message: Any) -> None:
    """Remove the translator's stack traces, which contain local paths."""
    for field in ("metadata_props", "doc_string"):
        if field in message.DESCRIPTOR.fields_by_name:
            message.ClearField(field)
    if message.DESCRIPTOR.name == "TensorProto":
        return  # reading its fields would copy them
    for field, value in message.ListFields():
        if field.message_type is not None:
            for each in value if hasattr(value, "__len__") else [value]:
                _remove_source_paths(each)


def _properties(published: WeightsMetadata) -> dict[str, str]:
    how, architecture = published.normalization, published.architecture
    return {
        "model": _text(published.model),
        "architecture": architecture.name,
        "contract": json.dumps(asdict(architecture.contract)),
        "classes": json.dumps([_text(name) for name in published.classes]),
        "mean": json.dumps(how.mean),
        "std": json.dumps(how.std),
        "origin": _text(published.origin),
        "epoch": str(published.epoch),
        "split_fingerprint": _text(published.split_fingerprint),
    }


def _text(name: str) -> str:
    r"""Return `name` as valid UTF-8: half a surrogate pair becomes the text `\udce9`."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def _compare_logits(
    path: Path, written: bytes, network: nn.Module, shape: tuple[int, int, int]
) -> Comparison | None:
    """Return the distance of onnxruntime's logits from torch's; RunError if too large."""
    if find_spec("onnxruntime") is None:
        return None
    try:
        pairs = list(_logits(written, network, shape))
    except Exception as error:
        raise RunError(f"onnxruntime cannot run {path}: {format_error(error)}") from error
    if any(found.shape != expected.shape for found, expected in pairs):
        raise RunError(f"{path} not written: its logits and torch's differ in shape")
    largest = torch.stack([(found - expected).abs().max() for found, expected in pairs]).max()
    scale = torch.stack([expected.abs().max() for _, expected in pairs]).max()
    relative = (largest / scale.clamp(min=torch.finfo(scale.dtype).tiny)).item()
    if not relative <= _MOST_DIFFERENCE:  # also for NaN
        raise RunError(
            f"{path} not written: its logits differ from torch's by {largest:.1e}, "
            f"{relative:.1e} of the largest; the limit is {_MOST_DIFFERENCE:.0e}: does it answer "
            "the same when asked twice? `zoo check --only neighbours` tells; or use --safetensors"
        )
    return Comparison(largest_difference=largest.item(), relative_difference=relative)


def _logits(
    written: bytes, network: nn.Module, shape: tuple[int, int, int]
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield onnxruntime's and torch's logits for random images, at each batch size."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors
    session = onnxruntime.InferenceSession(written, options, ["CPUExecutionProvider"])
    generator = torch.Generator().manual_seed(0)
    for batch in BATCHES:
        images = torch.randn(batch, *shape, generator=generator)
        with torch.inference_mode(), _silent():
            expected = network(images)
        (found,) = session.run(["logits"], {"images": images.numpy()})
        yield torch.from_numpy(found), expected
