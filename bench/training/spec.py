"""The specification of a trial, as one value with a digest."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeVar

import msgspec

from bench.data.batch_options import Fidelity, Layout
from bench.system.strict_json import json_digest
from bench.training.recipe import FIELDS_BEFORE, FIELDS_SINCE, Recipe, with_present_names
from registry.architecture import Architecture
from registry.errors import RunError

T = TypeVar("T")
SECOND_SEEDS = 10_000  # added to the seeds of the second copy of a model
SECOND_NAME = "_again"  # added to its name


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialSpec:
    """Everything that decides the outcome of a trial on one machine.

    Attributes:
        model: the model name as requested, unique in a comparison.
        fold, folds: number of the tested fold, from 1, and number of folds; None without folds.
        workers: number of threads that make batches; it does not change the batches.
        fidelity: the way training images are resized.
        layout: memory format of images and weights; `auto` selects the faster one.
        compiled: whether `torch.compile` is used.
        processes: number of processes per trial, in runs of an earlier version; else None.
    """

    model: str
    architecture: Architecture
    origin: str
    recipe: Recipe
    classes: tuple[str, ...]
    split_fingerprint: str
    seed: int
    fold: int | None = None
    folds: int | None = None
    device: str = "cpu"
    precision: str = "float32"
    threads: int = 1
    workers: int = 2
    fidelity: Fidelity = "exact"
    layout: Layout | Literal["auto"] = "channels_last"
    compiled: bool = False
    processes: int | None = None

    @property
    def id(self) -> str:
        """Digest of the whole specification."""
        return json_digest(self._said())

    @property
    def task_id(self) -> str:
        """Digest of the specification without device, threads, workers, layout and origin."""
        means = {"device", "threads", "workers", "layout", "origin"}
        said = self._said()
        return json_digest({name: said[name] for name in said.keys() - means})

    @property
    def key(self) -> tuple[str, int, int | None]:
        """Model, seed and fold: unique in a run."""
        return self.model, self.seed, self.fold

    @property
    def turn(self) -> str:
        """Seed and fold, as readable text."""
        return f"seed {self.seed}" + ("" if self.fold is None else f", fold {self.fold}")

    def _said(self) -> dict[str, Any]:
        """Return the fields that are not None, by their original names: old digests stay valid.

        A later field of the recipe is left out if it says what was always done.
        """
        said = {name: value for name, value in asdict(self).items() if value is not None}
        said["recipe"] = {
            FIELDS_BEFORE.get(name, name): value
            for name, value in said["recipe"].items()
            if name not in FIELDS_SINCE or value != FIELDS_SINCE[name]
        }
        return said


def paired_seed(model: str, seed: int) -> int:
    """Return the seed of the first copy if `model` is a second copy (`twice`), else `seed`."""
    return seed - SECOND_SEEDS if model.endswith(SECOND_NAME) and seed >= SECOND_SEEDS else seed


def as_plain(value: object) -> Any:
    """Return a record or specification as JSON values."""
    return msgspec.to_builtins(value)


def with_recipe_names(plain: object) -> object:
    """Return a plain specification with today's names of the recipe fields."""
    if not isinstance(plain, dict) or not isinstance(plain.get("recipe"), dict):
        return plain
    return {**plain, "recipe": with_present_names(plain["recipe"])}


def spec_of(plain: object) -> TrialSpec:
    """Return the specification from its `as_plain` form; RunError if `plain` is not one."""
    return convert(with_recipe_names(plain), TrialSpec)


def convert(plain: object, kind: type[T]) -> T:
    """Return the `kind` from its `as_plain` form; RunError if `plain` is not one."""
    try:
        return msgspec.convert(plain, kind)
    except (msgspec.ValidationError, ValueError) as error:
        raise RunError(f"not a {kind.__name__} of this version: {error}") from error
