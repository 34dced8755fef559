"""What a trial is asked and what it answers, as values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal, get_args

import torch

from bench.data.transform import Layout
from bench.training.evaluate import Evaluation
from bench.training.spec import TrialSpec, convert, with_recipe_names

Status = Literal["ok", "failed", "killed", "out-of-memory", "timeout", "diverged", "interrupted"]
SHARED = "shared_"  # before the name of a time taken on a machine with other trials on it
EPOCH_TIMES = ("train_seconds", "data_wait_seconds", "train_seconds_so_far")
FINISHED: tuple[Status, ...] = tuple(each for each in get_args(Status) if each != "interrupted")


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochRecord:
    """What one epoch gave: losses in nats per image, accuracies 0 to 1, wall seconds.

    `train_images`, on which it was trained, are fewer than there are where a budget of seconds
    ended in its midst; None in records older than this.
    """

    epoch: int
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
    learning_rate: float
    train_seconds: float
    data_wait_seconds: float
    train_images: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeProfile:
    """Where the time of a trial went, in wall seconds but for the two of `_cpu_seconds`.

    Attributes:
        forward_seconds, backward_seconds, optimizer_seconds: parts of the training steps.
        read_cpu_seconds, transform_cpu_seconds: of the threads that make batches beside the
            steps: getting pixels, from the cache or by decoding; crop, resize, normalise.
        ceiling_seconds: the same steps on one fixed batch, no data being waited for or made beside
            them; one epoch's, multiplied by the epochs, parts included.
    """

    forward_seconds: float
    backward_seconds: float
    optimizer_seconds: float
    read_cpu_seconds: float
    transform_cpu_seconds: float
    ceiling_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceTime:
    """Wall seconds for an answer to `batch` images: median and 95th percentile of `repetitions`."""

    batch: int
    repetitions: int
    p50_seconds: float
    p95_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRecord:
    """What became of a trial, finished or not.

    Attributes:
        status: `ok`; `failed`, by an exception or by leaving; `killed`, by a signal;
            `out-of-memory`; `timeout`; `diverged`, a loss that is no number; `interrupted`, to be
            gone on with.
        phase: what was being done last: start, contract, layout, build, initialize, compile,
            train, validate, test, inference, profile, publish, done.
        error, traceback: what went wrong, on one line; where, or the last that its process said.
        contract: `verified` or `verified as frozen` (on which device), `broken`, `unchecked`, or
            `measured`, where nobody has promised anything.
        layout: the memory order that was used.
        training_shape: of the images that it was trained on, (C, H, W).
        parameters: as built for the classes of the data, which a contract may not name.
        multiply_adds: of one image, of convolutions and matrix products, where they can be counted.
        inference: the network's own time for an answer, at one image and at 32.
        steps: of the optimiser; under a budget of seconds it depends on the machine.
        tested_epoch: whose weights were tested: the last, or, stopped by validation, the best.
        train_seconds: of the passes over the training images, evaluation left out.
        images_per_second: training images over `train_seconds`.
        startup_seconds: contract, network and device, before compilation.
        initialization_seconds: of fitting the first weights to the images.
        compile_seconds, checkpoint_seconds: apart from all other times.
        peak_bytes: the most memory that the trial's own process held (VmHWM), if it had one.
        resumed: how often it was continued from a checkpoint.
        digest: SHA-256 of the weights that were tested and the optimiser's state at the end.
        jobs: how many trials were done at a time at most, in any part of it.
        marks: why its figures can't be compared with the others'; empty where they can.
        profile: measured only where it was asked for.

    `training_shape` and `steps` are None in records older than these fields.
    """

    spec: TrialSpec
    status: Status = "failed"
    phase: str = "start"
    error: str = ""
    traceback: str = ""
    contract: str = "unchecked"
    layout: Layout | None = None
    training_shape: tuple[int, int, int] | None = None
    parameters: int | None = None
    multiply_adds: int | None = None
    history: tuple[EpochRecord, ...] = ()
    steps: int | None = None
    tested_epoch: int | None = None
    train_seconds: float = 0.0
    startup_seconds: float = 0.0
    initialization_seconds: float = 0.0
    compile_seconds: float = 0.0
    evaluation_seconds: float = 0.0
    data_wait_seconds: float = 0.0
    checkpoint_seconds: float = 0.0
    images_per_second: float | None = None
    test_loss: float | None = None
    test_accuracy: float | None = None
    test_images: int = 0
    inference: tuple[InferenceTime, ...] = ()
    peak_bytes: int | None = None
    resumed: int = 0
    digest: str = ""
    jobs: int = 1
    marks: tuple[str, ...] = ()
    profile: TimeProfile | None = None

    @property
    def model(self) -> str:
        """What the architecture was asked for by."""
        return self.spec.model

    @property
    def shared(self) -> bool:
        """Whether its times are those of a machine on which others may have run beside it."""
        return self.jobs > 1

    @property
    def spent_seconds(self) -> float:
        """Seconds of training, as a budget counts them: of the first weights and the passes."""
        return self.initialization_seconds + self.train_seconds

    @property
    def data_wait_share(self) -> float:
        """The share of the seconds of training in which the network waited for data, 0 to 1."""
        return self.data_wait_seconds / self.spent_seconds if self.spent_seconds else 0.0

    @property
    def last(self) -> EpochRecord | None:
        """The last epoch trained."""
        return self.history[-1] if self.history else None

    @property
    def best(self) -> EpochRecord | None:
        """The epoch of the highest validation accuracy, the first of equals."""
        return max(self.history, key=lambda epoch: epoch.validation_accuracy, default=None)

    @property
    def seconds_so_far(self) -> list[float]:
        """Seconds of training until the end of each epoch; the last is `spent_seconds`."""
        seconds = (epoch.train_seconds for epoch in self.history)
        return list(accumulate(seconds, initial=self.initialization_seconds))[1:]

    def seconds_to(self, accuracy: float) -> float | None:
        """Return the seconds until the end of the first epoch of this accuracy, 0 to 1, if any."""
        ends = zip(self.history, self.seconds_so_far, strict=True)
        return next((spent for e, spent in ends if e.validation_accuracy >= accuracy), None)


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


def comparable_times(records: Iterable[TrialRecord]) -> list[TrialRecord]:
    """Return those that had the machine to themselves; where none had, all."""
    known = list(records)
    return [record for record in known if not record.shared] or known


def record_of(plain: object) -> TrialRecord:
    """Return the record that `as_plain` was given, or raise RunError where it is none."""
    if isinstance(plain, dict) and "spec" in plain:
        plain = {**plain, "spec": with_recipe_names(plain["spec"])}
    return convert(plain, TrialRecord)
