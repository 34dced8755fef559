"""Files of trained weights, and networks loaded from them.

A file may come from anyone. It is plain safetensors with JSON metadata. It cannot name code to run,
and everything in it is checked before use.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from bench.data.transform import normalization_of
from bench.system.atomic_files import whole_file
from bench.system.file_names import utf8_name
from bench.training.record import TrialResult
from bench.training.unchanged import require_unchanged
from bench.training.weights_metadata import WeightsMetadata, parse_metadata
from registry.architecture import Architecture
from registry.catalog import Catalog
from registry.errors import RunError
from registry.file_call import parse_file_call
from registry.from_file import is_file
from registry.shape_device import built_on

_KEY, _DIGEST_KEY = "zoo", "sha256"
_SHOWN = 3  # tensors that do not fit

State = Mapping[str, torch.Tensor]
Say = Callable[[str], object]
Fields = dict[str, tuple[tuple[int, ...], torch.dtype]]


def save_weights(path: Path, state: State, published: WeightsMetadata) -> None:
    """Write `state` as safetensors with metadata `published`, completely or not at all."""
    said = published.as_json()
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    metadata = {_KEY: said, _DIGEST_KEY: digest(said, tensors)}
    try:
        with whole_file(path) as partial, utf8_name(partial) as name:
            save_file(tensors, name, metadata=metadata)
    except (OSError, SafetensorError) as error:
        raise OSError(f"cannot write {path}: {error}") from error


def publish(result: TrialResult, folder: Path) -> None:
    """Write the weights in `result` to `folder`, two files at once, or raise OSError."""
    spec, last, best = result.record.spec, result.last_weights, result.best_weights
    names = {
        "weights.safetensors": last,
        "weights-best.safetensors": best if best is not last else None,
    }

    def save(name: str) -> None:
        if (weights := names[name]) is not None:
            published = WeightsMetadata(
                model=spec.model,
                architecture=spec.architecture,
                origin=spec.origin,
                classes=spec.classes,
                epoch=weights.epoch,
                split_fingerprint=spec.split_fingerprint,
                code=weights.code,
                logits=weights.logits,
            )
            save_weights(folder / name, weights.state, published)

    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(save, names))


def digest(said: str, state: State) -> str:
    """Return the SHA-256 of metadata and tensors; safetensors does not detect flipped bits."""
    found = hashlib.sha256(said.encode())
    for name, tensor in sorted(state.items()):
        found.update(f"\n{name} {_field_text(tuple(tensor.shape), tensor.dtype)}\n".encode())
        found.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()


def read_metadata(path: Path) -> WeightsMetadata:
    """Return the metadata of `path` without reading tensors; RunError if it holds no weights."""
    with _open_weights(path) as (_, metadata):
        return parse_metadata(metadata[_KEY])


def weights_digest(path: Path) -> str:
    """Return the SHA-256 that `path` says of its tensors; RunError if it holds no weights."""
    with _open_weights(path) as (_, metadata):
        return metadata[_DIGEST_KEY]


def load_network(
    path: Path,
    architecture: Architecture | None = None,
    *,
    files: Sequence[str] = (),
    say: Say = warnings.warn,
) -> tuple[nn.Module, WeightsMetadata]:
    """Return the network with the weights in `path`, in evaluation mode, and its metadata.

    Args:
        path: weights file.
        architecture: architecture of the network; None: the installed one named in the file.
        files: Python files that may run (`./mynet.py:MyNet`); the weights alone run no file.
        say: receives a line if the code has changed, but not the network's answer.

    Raises:
        RunError: the file is missing or damaged, or holds no weights of this network; or the
            network has changed since it was trained.
        ConstructionError: the installed network cannot be built.
        UnknownNameError: no installed architecture has the name in the file.
    """
    state, published = _read_tensors(path)
    known = architecture or _look_up(path, published.model, files)
    _require_same(path, known, published)
    classes = len(published.classes)
    expected = _expected_state(known, classes)
    for name in state.keys() & expected.keys():  # trained in float64; the network has float32
        if state[name].dtype is torch.float64 and expected[name][1] is torch.float32:
            state[name] = state[name].float()
    _require_fit(path, expected, state, published)
    _require_finite(path, state)
    network = known.build(num_classes=classes)
    network.load_state_dict({**_objects(network), **state})
    if note := require_unchanged(path, known, network, published):
        say(note)
    return network.eval(), published


def _look_up(path: Path, model: str, files: Sequence[str]) -> Architecture:
    if not is_file(model):
        return Catalog.installed().get(model).value
    for file in files:
        if _network_named(file) == _network_named(model):
            return replace(Catalog.installed().get(file).value, name=model)
    why = "holds weights of a network from a Python file. If you trust this file, add"
    raise RunError(f"{path} {why} --network {model}")


def _network_named(file: str) -> tuple[str, str]:
    """Return the name of the file and of what is called in it; its folder may be another here."""
    call = parse_file_call(file)
    return PurePath(call.path).name, call.called


@contextmanager
def _open_weights(path: Path) -> Iterator[tuple[Any, dict[str, str]]]:
    """Yield the file and its metadata; RunError for anything wrong with the file."""
    if not path.is_file():  # reading a pipe could wait forever
        raise RunError(f"no weights at {path}: train with `zoo bench` first")
    try:
        with utf8_name(path) as name, safe_open(name, framework="pt") as file:
            metadata: dict[str, str] = file.metadata() or {}
            if not {_KEY, _DIGEST_KEY} <= metadata.keys():
                raise ValueError("its metadata has no description of them")
            yield file, metadata
    except (SafetensorError, ValueError, TypeError, RuntimeError, OSError, MemoryError) as error:
        why = str(error) or type(error).__name__
        raise RunError(f"{path} holds no weights of `zoo bench`: {why}") from error


def _read_tensors(path: Path) -> tuple[dict[str, torch.Tensor], WeightsMetadata]:
    """Return the tensors in `path`, checked against their digest, and the metadata."""
    with _open_weights(path) as (file, metadata):
        published = parse_metadata(metadata[_KEY])
        state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        found = digest(metadata[_KEY], state)
    if found != metadata[_DIGEST_KEY]:
        raise RunError(f"{path} is damaged: its SHA-256 differs from the saved one")
    return state, published


def _require_same(path: Path, known: Architecture, published: WeightsMetadata) -> None:
    there = published.architecture
    if known.name != there.name:
        raise RunError(f"{path} holds weights of {there.name!r}, not of {known.name!r}")
    here, then = _promise(known), _promise(there)
    if here != then:
        other = f"a different {known.name!r} (from {published.origin}): {then}"
        raise RunError(f"{path} was trained with {other}; installed is {here}")


def _expected_state(architecture: Architecture, classes: int) -> Fields:
    """Return shape and type of each tensor of the network, built on `meta` if possible."""
    try:
        with built_on("meta"):
            return _fields(architecture.build(num_classes=classes).state_dict())
    except Exception:  # noqa: BLE001  (some operations have no meta kernel)
        return _fields(architecture.build(num_classes=classes).state_dict())


def _objects(network: nn.Module) -> State:
    """Return what no weights file holds: the network has its own, and its answer is compared."""
    return {
        k: each for k, each in network.state_dict().items() if not isinstance(each, torch.Tensor)
    }


def _fields(state: State) -> Fields:
    tensors = {name: each for name, each in state.items() if isinstance(each, torch.Tensor)}
    return {name: (tuple(tensor.shape), tensor.dtype) for name, tensor in tensors.items()}


def _require_fit(path: Path, expected: Fields, state: State, published: WeightsMetadata) -> None:
    """Raise RunError if a tensor's shape or type differs from the network's."""
    if wrong := list(_differences(expected, _fields(state))):
        rest = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        raise RunError(
            f"the weights in {path} do not fit {published.model!r} as installed "
            f"({published.origin} then): {'; '.join(wrong[:_SHOWN])}{rest}"
        )


def _differences(expected: Fields, found: Fields) -> Iterator[str]:
    yield from (f"{name} is missing" for name in sorted(expected.keys() - found.keys()))
    yield from (f"{name} is unexpected" for name in sorted(found.keys() - expected.keys()))
    for name in sorted(expected.keys() & found.keys()):
        if expected[name] != found[name]:
            yield f"{name} is {_field_text(*found[name])}, not {_field_text(*expected[name])}"


def _require_finite(path: Path, state: State) -> None:
    for name, tensor in sorted(state.items()):
        wide = tensor.float() if tensor.element_size() == 1 else tensor  # float8 has no isfinite
        if not bool(wide.isfinite().all()):
            raise RunError(f"{path} holds values that are not finite, in {name}: train again")


def _field_text(shape: tuple[int, ...], dtype: torch.dtype) -> str:
    return f"{'x'.join(map(str, shape))} {str(dtype).removeprefix('torch.')}".strip()


def _promise(architecture: Architecture) -> str:
    contract, how = architecture.contract, normalization_of(architecture)
    shape = "x".join(map(str, contract.input_shape))
    mean, std = ("/".join(f"{level:g}" for level in levels) for levels in (how.mean, how.std))
    size = f"{contract.num_classes} classes, {contract.parameters:,} parameters"
    return f"{shape}, mean {mean}, std {std} -> {size}"
