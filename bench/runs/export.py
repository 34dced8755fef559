"""Export of trained weights: a copy, or a translation to ONNX."""

from __future__ import annotations

import filecmp
import os
import re
import shutil
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bench.runs.onnx import Comparison, require_onnx, write_onnx
from bench.runs.trained_weights import turn_of
from bench.system.atomic_files import whole_file
from bench.training.weights import Say, load_network, read_metadata
from bench.training.weights_metadata import WeightsMetadata
from registry.errors import RunError

Kind = Literal["safetensors", "onnx"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A weights file with its metadata, and the seed and fold in its folder names, if any."""

    path: Path
    published: WeightsMetadata
    seed: int | None
    fold: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """One file to write."""

    trained: Trained
    kind: Kind
    path: Path


def choose(
    weights: Sequence[Path],
    *,
    model: str | None = None,
    seed: int | None = None,
    fold: int | None = None,
) -> tuple[Trained, ...]:
    """Return the `weights` of this model, seed and fold. Raises RunError if there are none."""
    there = [_find_trained(path) for path in weights]
    chosen = tuple(
        each
        for each in there
        if model in (None, each.published.model)
        and seed in (None, each.seed)
        and fold in (None, each.fold)
    )
    if not chosen:
        raise RunError(f"no such weights: there are {_names(there)}")
    return chosen


def _find_trained(path: Path) -> Trained:
    seed, fold = turn_of(path)
    return Trained(path=path, published=read_metadata(path), seed=seed, fold=fold)


def plan(
    trained: Sequence[Trained], kind: Kind, target: str, *, force: bool = False
) -> tuple[Export, ...]:
    """Return the exports to `target`, a file, or a folder if it exists as one or ends with `/`.

    Raises RunError for several weights and one file, or if a target exists.
    """
    if kind == "onnx":
        require_onnx()
    path = Path(target)
    with _as_run_error(path):
        if path.is_dir() or target.endswith(("/", os.sep)):
            paths = [path / _file_name(each, kind) for each in trained]
        elif len(trained) > 1:
            raise RunError(
                f"{len(trained)} weights for one file, {_names(trained)}: choose one with --model, "
                "--seed and --fold, or name a folder that ends with `/`"
            )
        else:
            paths = [path]
        for each in paths:
            if paths.count(each) > 1:
                text = f"two weights map to {each}: choose one with --model or --seed"
                raise RunError(text)
            if each.is_dir():
                raise RunError(f"{each} is a folder: name a file")
            if each.exists() and not force:
                raise RunError(f"{each} exists: choose another name, or pass --force")
    pairs = zip(trained, paths, strict=True)
    return tuple(Export(trained=each, kind=kind, path=path) for each, path in pairs)


def carry_out(
    export: Export, *, files: Sequence[str] = (), say: Say = warnings.warn
) -> Comparison | None:
    """Return how far ONNX is from torch, after an atomic write of the file; None for a copy.

    Weights are copied byte by byte. `files` are classes in Python files (`./mynet.py:MyNet`) that
    may be imported. `say` receives a line if a network's code has changed, but not its answer.
    Raises RunError if the network has changed since it was trained, or the file cannot be written
    or verified; none is left then.
    """
    source, target = export.trained.path, export.path
    with _as_run_error(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        network, published = load_network(source, files=files, say=say)
        if export.kind == "onnx":
            return write_onnx(target, network, published)
        with whole_file(target) as partial:
            shutil.copyfile(source, partial)
            if not filecmp.cmp(source, partial, shallow=False):
                raise RunError(
                    f"{target} differs from {source} when read back: the disk may be failing"
                )
    return None


def _file_name(trained: Trained, kind: Kind) -> str:
    """Return `lenet-seed-0.onnx`; other characters of a model's name become `_`."""
    model = re.sub(r"[^a-zA-Z0-9_]+", "_", trained.published.model)[:100]
    turn = "".join(f"-{part.replace(' ', '-')}" for part in _turn(trained))
    best = "-best" if trained.path.stem.endswith("-best") else ""
    return f"{model}{turn}{best}.{kind}"


def _names(trained: Sequence[Trained]) -> str:
    return ", ".join(
        each.published.model + (f" ({', '.join(turn)})" if (turn := _turn(each)) else "")
        for each in trained
    )


def _turn(trained: Trained) -> list[str]:
    """Return `seed 0` and `fold 1`, if known."""
    numbers = {"seed": trained.seed, "fold": trained.fold}
    return [f"{what} {number}" for what, number in numbers.items() if number is not None]


@contextmanager
def _as_run_error(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror or error}") from error
