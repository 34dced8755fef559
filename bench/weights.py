"""Trained weights in a file that says what they are, and a network made from it again."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from bench.data.transform import normalization
from bench.durable import put_in_place
from bench.record import TrialResult, TrialSpec, Weights
from registry.architecture import Architecture
from registry.catalog import Catalog
from registry.errors import RunError

_KEY = "zoo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What a weights file says of itself.

    Attributes:
        model: what the architecture was asked for by.
        classes: names of the outputs, in order.
        epoch: after which epoch, from 1.
        split_fingerprint: of the data it was trained on.
    """

    model: str
    architecture: Architecture
    origin: str
    classes: tuple[str, ...]
    epoch: int
    split_fingerprint: str


def save_weights(path: Path, state: dict[str, torch.Tensor], published: Published) -> None:
    """Write `state` as safetensors, with `published` in its metadata, at once or not at all."""
    mean, std = normalization(published.architecture.contract.input_shape[0])
    told = asdict(published) | {"mean": mean, "std": std}
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    partial = path.with_suffix(".partial")
    try:
        save_file(tensors, partial, metadata={_KEY: json.dumps(told)})
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        put_in_place(partial, path)
    except (OSError, SafetensorError) as error:
        partial.unlink(missing_ok=True)
        raise OSError(f"can't write {path}: {error}") from error


def publish(result: TrialResult, folder: Path) -> None:
    """Write the weights of a trial that has ended into its folder, where it has kept them.

    Raises:
        OSError: they can't be written.
    """
    last, best = result.last_weights, result.best_weights
    if last is not None:
        _publish(folder / "weights.safetensors", last, result.record.spec)
    if best is not None and best is not last:
        _publish(folder / "weights-best.safetensors", best, result.record.spec)


def load_network(
    path: Path, architecture: Architecture | None = None
) -> tuple[nn.Module, Published]:
    """Return the network that `path` was saved from, in evaluation mode, and what it says.

    The architecture is the installed one of the name in the file, or the one given: the file
    can't name code to run, and its tensors are plain data.

    Raises:
        RunError: the file is missing, damaged, no weights of this harness, or of another network.
        UnknownArchitectureError: no installed architecture has the name in the file.
    """
    try:
        with safe_open(path, framework="pt") as file:
            told: dict[str, Any] = json.loads((file.metadata() or {})[_KEY])
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        classes, model = tuple(told["classes"]), str(told["model"])
    except FileNotFoundError:
        raise RunError(f"no weights at {path}: train with `zoo bench` first") from None
    except (SafetensorError, KeyError, ValueError, TypeError, OSError) as error:
        raise RunError(f"{path} holds no weights of this harness: {error}") from error
    known = architecture or Catalog.installed().get(model).architecture
    if known is None:
        raise RunError(f"{path} needs the architecture {model!r}, which is broken: see `zoo list`")
    network = known.build(num_classes=len(classes))
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise RunError(
            f"the weights in {path} do not fit {model!r} as installed ({told.get('origin')} then)"
        ) from error
    return network.eval(), Published(
        model=model,
        architecture=known,
        origin=str(told.get("origin", "")),
        classes=classes,
        epoch=int(told.get("epoch", 0)),
        split_fingerprint=str(told.get("split_fingerprint", "")),
    )


def _publish(path: Path, weights: Weights, spec: TrialSpec) -> None:
    published = Published(
        model=spec.model,
        architecture=spec.architecture,
        origin=spec.origin,
        classes=spec.classes,
        epoch=weights.epoch,
        split_fingerprint=spec.split_fingerprint,
    )
    save_weights(path, weights.state, published)
