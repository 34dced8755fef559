"""What a trial is asked to do, as one value with a digest."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeVar

import msgspec

from bench.data.transform import Fidelity, Layout
from bench.system.strict_json import json_digest
from bench.training.recipe import FIELDS_BEFORE, Recipe, with_present_names
from registry.architecture import Architecture
from registry.errors import RunError

T = TypeVar("T")
SECOND_SEEDS = 10_000  # added to the seeds of a model that is compared with itself
SECOND_NAME = "_again"  # and to its name


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialSpec:
    """All that decides a trial's outcome on one machine.

    Attributes:
        model: the architecture's name as requested; unlike its own, unique in a comparison.
        fold, folds: which of how many it tests, from 1; None for a split that is not repeated.
        workers: threads that make batches; they change no batch.
        fidelity: how training images are resized.
        layout: the memory order of images and weights; `auto` is the one found to be faster.
        compiled: by `torch.compile`.
        processes: that trained it together, in a run of an earlier version; else None.
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
        """Digest of what is to be done, leaving out by which device, threads and memory order."""
        means = {"device", "threads", "workers", "layout", "origin"}
        said = self._said()
        return json_digest({name: said[name] for name in said.keys() - means})

    @property
    def key(self) -> tuple[str, int, int | None]:
        """Model, seed and fold, which no other trial of a run has."""
        return self.model, self.seed, self.fold

    @property
    def turn(self) -> str:
        """Seed and fold, for a person to read."""
        return f"seed {self.seed}" + ("" if self.fold is None else f", fold {self.fold}")

    def _said(self) -> dict[str, Any]:
        """Return the fields but those that are None, by their first names: digests are older."""
        said = {name: value for name, value in asdict(self).items() if value is not None}
        said["recipe"] = {FIELDS_BEFORE.get(name, name): v for name, v in said["recipe"].items()}
        return said


def paired_seed(model: str, seed: int) -> int:
    """Return the seed that the first of `twice` has where this is the second's, else `seed`."""
    return seed - SECOND_SEEDS if model.endswith(SECOND_NAME) and seed >= SECOND_SEEDS else seed


def as_plain(value: object) -> Any:
    """Return a record or specification as values that JSON has."""
    return msgspec.to_builtins(value)


def with_recipe_names(plain: object) -> object:
    """Return a plain specification with the names that a recipe's fields have now."""
    if not isinstance(plain, dict) or not isinstance(plain.get("recipe"), dict):
        return plain
    return {**plain, "recipe": with_present_names(plain["recipe"])}


def spec_of(plain: object) -> TrialSpec:
    """Return the specification that `as_plain` was given, or raise RunError where it is none."""
    return convert(with_recipe_names(plain), TrialSpec)


def convert(plain: object, kind: type[T]) -> T:
    """Return the `kind` that `as_plain` was given, or raise RunError where it is none."""
    try:
        return msgspec.convert(plain, kind)
    except (msgspec.ValidationError, ValueError) as error:
        raise RunError(f"no {kind.__name__} of this version: {error}") from error
