"""The record of a trial, and its parts, as values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Literal, get_args

from bench.data.batch_options import Layout
from bench.training.evaluation import Evaluation
from bench.training.spec import TrialSpec, convert, with_recipe_names

if TYPE_CHECKING:
    import torch

Status = Literal["ok", "failed", "killed", "out-of-memory", "timeout", "diverged", "interrupted"]
SHARED = "shared_"  # prefix of times measured while other trials ran
EPOCH_TIMES = ("train_seconds", "data_wait_seconds", "train_seconds_so_far")
KILLED_BY = "its process was killed by"
KILLED_BY_KERNEL = "the kernel killed its process for lack of memory"
_FROM_OUTSIDE = (*(f"{KILLED_BY} SIG{name}" for name in ("KILL", "TERM", "HUP")), KILLED_BY_KERNEL)
FINISHED: tuple[Status, ...] = tuple(each for each in get_args(Status) if each != "interrupted")


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochRecord:
    """Results of one epoch: losses in nats per image, accuracies 0 to 1, wall seconds.

    `train_images` is the number of images trained on; smaller than the training part if the budget
    ended during the epoch. None in older records.
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
    """Profile of a trial, in wall seconds, except the two CPU times.

    Attributes:
        forward_seconds, backward_seconds, optimizer_seconds: parts of the training steps.
        read_cpu_seconds: CPU time of the batch threads for reading or decoding pixels.
        transform_cpu_seconds: CPU time of the batch threads for crop, resize and normalisation.
        ceiling_seconds: time of the same steps on one fixed batch, without any data loading;
            measured for one epoch and multiplied by the number of epochs.
    """

    forward_seconds: float
    backward_seconds: float
    optimizer_seconds: float
    read_cpu_seconds: float
    transform_cpu_seconds: float
    ceiling_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceTime:
    """Wall seconds to predict `batch` images: median and 95th percentile of `repetitions`.

    Of few repetitions there is no percentile.
    """

    batch: int
    repetitions: int
    p50_seconds: float
    p95_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRecord:
    """The record of a trial, finished or not.

    Attributes:
        status: `ok`; `failed`, by an exception or an exit; `killed`, by a signal; `out-of-memory`;
            `timeout`; `diverged`, a loss that is not finite; `interrupted`, to be resumed.
        phase: last phase: start, contract, layout, build, initialize, compile, train, validate,
            test, inference, profile, publish, done.
        error, traceback: reason of a failure in one line; its traceback, or the last output.
        contract: `verified` or `verified as frozen` (with the device), `broken`, `unchecked`, or
            `measured` for an architecture without a promised contract.
        layout: memory format of images and weights.
        precision: type of matrix products, such as float32; chosen by a test for `auto`.
        training_shape: shape of the training images, (C, H, W); of the last, if it changes.
        trained_by: what suits the network's kind in place of the recipe; "" if the recipe does.
        parameters: number of parameters, for the number of classes in the data.
        multiply_adds: multiply-adds of one image in convolutions and matrix products; None if not
            countable.
        inference: inference times of the network, for one image and for 32.
        steps: number of optimiser steps; with a time budget it depends on the machine.
        tested_epoch: epoch of the tested weights: the last, or the best with `patience`.
        train_seconds: wall time of the passes over the training images, without evaluation.
        images_per_second: training images divided by `train_seconds`.
        startup_seconds: wall time of contract, network and device, before compilation.
        initialization_seconds: wall time of fitting the first weights to the images.
        compile_seconds, checkpoint_seconds: wall times that no other field includes.
        peak_bytes: peak memory of the trial's own process (VmHWM), if it had one.
        resumed: number of times the trial was resumed from a checkpoint.
        digest: SHA-256 of the tested weights and the final state of the optimiser.
        jobs: highest number of trials that ran at the same time.
        marks: reasons why the results are not comparable with others; empty if they are.
        profile: profile of the trial, if requested.

    `training_shape` and `steps` are None in older records.
    """

    spec: TrialSpec
    status: Status = "failed"
    phase: str = "start"
    error: str = ""
    traceback: str = ""
    contract: str = "unchecked"
    layout: Layout | None = None
    precision: str = ""
    training_shape: tuple[int, int, int] | None = None
    trained_by: str = ""
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
        """The model name as requested."""
        return self.spec.model

    @property
    def killed_from_outside(self) -> bool:
        """Whether an operator or the kernel killed its process; a crash is the network's own."""
        return self.status in ("killed", "out-of-memory") and self.error in _FROM_OUTSIDE

    @property
    def finished(self) -> bool:
        """Whether it has a result; else it is resumed, or tried again after a kill."""
        return self.status in FINISHED and not self.killed_from_outside

    @property
    def shared(self) -> bool:
        """Whether other trials may have run on the machine at the same time."""
        return self.jobs > 1

    @property
    def spent_seconds(self) -> float:
        """Seconds of training, as a budget counts them: fitting first weights, and the passes."""
        return self.initialization_seconds + self.train_seconds

    @property
    def data_wait_share(self) -> float:
        """The share of training time spent waiting for data, 0 to 1."""
        return self.data_wait_seconds / self.spent_seconds if self.spent_seconds else 0.0

    @property
    def last(self) -> EpochRecord | None:
        """The last trained epoch."""
        return self.history[-1] if self.history else None

    @property
    def best(self) -> EpochRecord | None:
        """The epoch with the highest validation accuracy, the first one if several have it."""
        return max(self.history, key=lambda epoch: epoch.validation_accuracy, default=None)

    @property
    def seconds_so_far(self) -> list[float]:
        """Seconds of training until the end of each epoch; the last one is `spent_seconds`."""
        seconds = (epoch.train_seconds for epoch in self.history)
        return list(accumulate(seconds, initial=self.initialization_seconds))[1:]

    def seconds_to(self, accuracy: float) -> float | None:
        """Return the seconds until the first epoch with this accuracy (0 to 1) ends, or None."""
        ends = zip(self.history, self.seconds_so_far, strict=True)
        return next((spent for e, spent in ends if e.validation_accuracy >= accuracy), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """A copy of the network's state after an epoch.

    Attributes:
        code: digest of the network's code, if it was found.
        logits: (K,) of one picture, from `sample_answer`.
    """

    epoch: int
    state: dict[str, torch.Tensor]
    code: str | None = None
    logits: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialResult:
    """A record, with the test predictions and the weights, which are too large for it."""

    record: TrialRecord
    test: Evaluation | None = None
    last_weights: Weights | None = None
    best_weights: Weights | None = None


def comparable_times(records: Iterable[TrialRecord]) -> list[TrialRecord]:
    """Return the records of trials that ran alone, or all if none did."""
    known = list(records)
    return [record for record in known if not record.shared] or known


def record_of(plain: object) -> TrialRecord:
    """Return the record from its `as_plain` form; RunError if `plain` is not one."""
    if isinstance(plain, dict) and "spec" in plain:
        plain = {**plain, "spec": with_recipe_names(plain["spec"])}
    return convert(plain, TrialRecord)
