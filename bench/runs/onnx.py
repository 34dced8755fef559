"""A trained network as an ONNX model that says what it is, compared with torch before it is kept.

ONNX is the optional extra `onnx`; without it everything else works.
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

BATCHES = (1, 3)  # one image, and a number that nothing in a network is likely to be
_MOST_DIFFERENCE = 1e-3  # of the largest logit; float32 convolutions in another order give 1e-6
_MOST_BYTES = 2_000_000_000  # a protobuf message ends at 2 GiB


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How far onnxruntime's logits are from torch's at most, and that over the largest logit."""

    largest_difference: float
    relative_difference: float


def require_onnx() -> None:
    """Raise RunError, which says how to get it, where a package for ONNX is not installed."""
    missing = [name for name in ("onnx", "onnxscript") if find_spec(name) is None]
    if missing:
        raise RunError(f"writing ONNX needs {' and '.join(missing)}: pip install 'zoo-bench[onnx]'")


def write_onnx(path: Path, network: nn.Module, published: WeightsMetadata) -> Comparison | None:
    """Write `network`, in evaluation mode on the CPU, as ONNX, and say how near to torch it is.

    Its input `images` is (N, C, H, W), float32 and normalised; its output `logits` is (N, K); N is
    free. Metadata: model, architecture, contract, classes, mean, std, origin, epoch,
    split_fingerprint; lists and objects as JSON. The checker of ONNX accepts what was written.

    Without onnxruntime the difference is None. RunError where it can't be translated, or gives
    other logits than torch; there is no file then.
    """
    require_onnx()
    import onnx

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
            raise RunError(f"{path} would be no valid ONNX: {format_error(error)}") from error
        return _compare_logits(path, written, network, shape)


def _translate(path: Path, network: nn.Module, shape: tuple[int, int, int]) -> Any:
    size = sum(tensor.nbytes for tensor in network.state_dict().values())
    if size > _MOST_BYTES:
        raise RunError(
            f"{size / 1e9:.1f} GB of weights do not fit into one ONNX file, which ends at 2 GB: "
            "use --safetensors"
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
        reason = format_error(error.__cause__ or error)
        raise RunError(f"{path} can't be made: torch can't translate it: {reason}") from error
    assert program is not None  # it is asked for no file
    return program.model_proto


def _require_free_batch(path: Path, model: Any) -> None:
    """Raise RunError where the translation has taken the example's number of images for a law."""
    for value in (*model.graph.input, *model.graph.output):
        axes = value.type.tensor_type.shape.dim
        if not axes or not axes[0].dim_param:
            bound = f"bound to {axes[0].dim_value} images" if axes else "not by images"
            raise RunError(f"{path} was not kept: its {value.name} are {bound}")


@contextmanager
def _silent() -> Iterator[None]:
    """Drop what torch and the network say meanwhile: stdout belongs to paths and JSON."""
    sink, before = io.StringIO(), logging.root.manager.disable
    with redirect_stdout(sink), redirect_stderr(sink), warnings.catch_warnings(action="ignore"):
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(before)


def _remove_source_paths(message: Any) -> None:
    """Remove notes of the translation: stack traces, with the paths of this machine in them."""
    for field in ("metadata_props", "doc_string"):
        if field in message.DESCRIPTOR.fields_by_name:
            message.ClearField(field)
    if message.DESCRIPTOR.name == "TensorProto":
        return  # its fields would be copied
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
    r"""Return `name` as UTF-8 can hold it: half a surrogate pair becomes the text `\udce9`."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def _compare_logits(
    path: Path, written: bytes, network: nn.Module, shape: tuple[int, int, int]
) -> Comparison | None:
    """Return how far onnxruntime's logits are from torch's; RunError where that is too far."""
    if find_spec("onnxruntime") is None:
        return None
    try:
        pairs = list(_logits(written, network, shape))
    except Exception as error:
        raise RunError(f"{path} can't be run by onnxruntime: {format_error(error)}") from error
    if any(found.shape != expected.shape for found, expected in pairs):
        raise RunError(f"{path} was not kept: its logits have another shape than torch's")
    largest = torch.stack([(found - expected).abs().max() for found, expected in pairs]).max()
    scale = torch.stack([expected.abs().max() for _, expected in pairs]).max()
    relative = (largest / scale.clamp(min=torch.finfo(scale.dtype).tiny)).item()
    if not relative <= _MOST_DIFFERENCE:  # also where it is not a number
        raise RunError(
            f"{path} was not kept: its logits are {largest:.1e} from torch's, "
            f"{relative:.1e} of the largest; at most {_MOST_DIFFERENCE:.0e} is right"
        )
    return Comparison(largest_difference=largest.item(), relative_difference=relative)


def _logits(
    written: bytes, network: nn.Module, shape: tuple[int, int, int]
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield onnxruntime's logits and torch's for random images, at each batch size."""
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
