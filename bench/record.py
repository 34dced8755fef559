"""What a trial is asked and what it answers, as values."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Literal

import torch

from bench.evaluate import Evaluation
from bench.recipe import Recipe
from registry.architecture import Architecture


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialSpec:
    """All that decides a trial's outcome on one machine.

    Attributes:
        model: what the architecture was asked for by; unlike its name, unique in a comparison.
    """

    model: str
    architecture: Architecture
    origin: str
    recipe: Recipe
    classes: tuple[str, ...]
    split_fingerprint: str
    seed: int
    device: str = "cpu"
    precision: str = "float32"
    threads: int = 1
    workers: int = 1

    @property
    def id(self) -> str:
        """Digest of the whole specification."""
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochRecord:
    """What one epoch gave: losses in nats per image, accuracies 0 to 1, wall seconds."""

    epoch: int
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
    learning_rate: float
    train_seconds: float
    data_wait_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRecord:
    """What became of a trial, finished or not.

    Attributes:
        phase: what was being done last: contract, build, train, test, done.
        contract: `verified` (on which device), `broken`, or `unchecked`.
        parameters: as built for the classes of the data, which a contract may not name.
        images_per_second: training images over training seconds, evaluation left out.
    """

    spec: TrialSpec
    status: Literal["ok", "failed", "diverged", "interrupted"] = "failed"
    phase: str = "contract"
    error: str = ""
    contract: str = "unchecked"
    parameters: int | None = None
    history: tuple[EpochRecord, ...] = ()
    train_seconds: float = 0.0
    startup_seconds: float = 0.0
    evaluation_seconds: float = 0.0
    data_wait_seconds: float = 0.0
    images_per_second: float | None = None
    test_loss: float | None = None
    test_accuracy: float | None = None
    test_images: int = 0

    @property
    def model(self) -> str:
        """What the architecture was asked for by."""
        return self.spec.model

    @property
    def last(self) -> EpochRecord | None:
        """The last epoch trained."""
        return self.history[-1] if self.history else None

    @property
    def best(self) -> EpochRecord | None:
        """The epoch of the highest validation accuracy, the first of equals."""
        return max(self.history, key=lambda epoch: epoch.validation_accuracy, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Copies of a network's state after an epoch."""

    epoch: int
    state: dict[str, torch.Tensor]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialResult:
    """A record with what is too large for it: the answers on the test part, and the weights."""

    record: TrialRecord
    test: Evaluation | None = None
    last_weights: Weights | None = None
    best_weights: Weights | None = None
