"""The one function that trains: a specification in, a record out."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from typing import Literal, Protocol

import torch
from torch import nn

from bench.clock import Stopwatch
from bench.data.batch import Batches
from bench.data.check import CheckedImage
from bench.data.split import Split
from bench.device import choose_device, choose_precision
from bench.evaluate import Evaluation, evaluate
from bench.record import EpochRecord, TrialRecord, TrialResult, TrialSpec, Weights
from bench.train import build_optimizer, build_schedule, train_epoch
from registry.errors import ContractError, ZooError, told
from registry.verify import verify


class DivergedError(ZooError):
    """Training reached a loss that is no number."""

    exit_code = 4


class Watcher(Protocol):
    """Somebody who is told how a trial goes."""

    def on_start(self, spec: TrialSpec, steps: int) -> None:
        """A trial of `steps` training steps in all begins."""

    def on_batch(self) -> None:
        """One training step is done."""

    def on_epoch(self, spec: TrialSpec, epoch: EpochRecord) -> None:
        """One epoch is trained and validated."""

    def on_end(self, record: TrialRecord) -> None:
        """The trial is over, well or not."""


def run_trial(spec: TrialSpec, split: Split, watcher: Watcher) -> TrialResult:
    """Return what comes of training and testing `spec` on `split`; a failure is a result too.

    The same specification gives the same numbers on one machine. The global random state and the
    number of threads are as before when it returns.
    """
    trial = _Trial(spec, split, watcher)
    threads = torch.get_num_threads()
    with torch.random.fork_rng(), redirect_stdout(sys.stderr):  # stdout is for tables and JSON
        try:
            result = trial.run()
        except KeyboardInterrupt:
            result = trial.ended("interrupted", "stopped by the user")
        except DivergedError as error:
            result = trial.ended("diverged", str(error))
        except (Exception, SystemExit) as error:  # noqa: BLE001  (a plugin may raise anything)
            result = trial.ended("failed", _reason(error))
        finally:
            torch.set_num_threads(threads)
    watcher.on_end(result.record)
    return result


def _reason(error: BaseException) -> str:
    return str(error) if isinstance(error, ZooError) else told(error)


class _Trial:
    """One trial under way, with the record as far as it has come."""

    def __init__(self, spec: TrialSpec, split: Split, watcher: Watcher) -> None:
        self._spec, self._split, self._watcher = spec, split, watcher
        self._record = TrialRecord(spec=spec)
        self._last: Weights | None = None
        self._best: Weights | None = None

    def run(self) -> TrialResult:
        started = time.perf_counter()
        self._verify()
        device = choose_device(self._spec.device)
        network = self._build(device)
        self._note(phase="train", startup_seconds=time.perf_counter() - started)
        self._train(network, device)
        self._note(phase="test")
        with Stopwatch(device) as stopwatch:
            test = self._evaluate(network, self._split.test, device)
        self._note(
            status="ok",
            phase="done",
            evaluation_seconds=self._record.evaluation_seconds + stopwatch.seconds,
            test_loss=test.loss,
            test_accuracy=test.accuracy,
            test_images=len(test.labels),
        )
        return TrialResult(
            record=self._record, test=test, last_weights=self._last, best_weights=self._best
        )

    def ended(self, status: Literal["failed", "diverged", "interrupted"], why: str) -> TrialResult:
        """Return the result of a trial that did not reach its end."""
        self._note(status=status, error=" ".join(why.split()))
        return TrialResult(record=self._record)

    def _note(self, **changes: object) -> None:
        self._record = replace(self._record, **changes)  # type: ignore[arg-type]

    def _verify(self) -> None:
        try:
            verification = verify(self._spec.architecture)
        except ContractError:
            self._note(contract="broken")
            raise
        self._note(contract=f"verified ({verification.device})")

    def _build(self, device: torch.device) -> nn.Module:
        self._note(phase="build")
        torch.set_num_threads(self._spec.threads)
        torch.manual_seed(self._spec.seed)
        network = self._spec.architecture.build(num_classes=len(self._spec.classes))
        self._note(parameters=sum(parameter.numel() for parameter in network.parameters()))
        # 1.24 to 1.29 times faster for LeNet on a CPU, and what tensor cores want on a GPU
        return network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]

    def _train(self, network: nn.Module, device: torch.device) -> None:
        spec, recipe = self._spec, self._spec.recipe
        precision = choose_precision(spec.precision, device)
        scaler = torch.amp.GradScaler(device.type, enabled=precision is torch.float16)
        optimizer = build_optimizer(network, recipe)
        batches = Batches(
            [image.file for image in self._split.train],
            input_shape=spec.architecture.contract.input_shape,
            batch_size=recipe.batch_size,
            seed=spec.seed,
            augmentation=recipe.augmentation,
            workers=spec.workers,
        )
        steps = len(batches) * recipe.epochs
        schedule = build_schedule(optimizer, recipe, steps)
        self._watcher.on_start(spec, steps)
        for epoch in range(recipe.epochs):
            waited = batches.wait_seconds
            with Stopwatch(device) as stopwatch:
                trained = train_epoch(
                    network,
                    batches.epoch(epoch),
                    optimizer,
                    device=device,
                    precision=precision,
                    scaler=scaler,
                    schedule=schedule,
                    label_smoothing=recipe.label_smoothing,
                    on_batch=self._watcher.on_batch,
                )
            if not math.isfinite(trained.loss):
                raise DivergedError(f"the training loss was {trained.loss} in epoch {epoch + 1}")
            with Stopwatch(device) as validating:
                validated = self._evaluate(network, self._split.validation, device)
            done = EpochRecord(
                epoch=epoch + 1,
                train_loss=trained.loss,
                train_accuracy=trained.accuracy,
                validation_loss=validated.loss,
                validation_accuracy=validated.accuracy,
                learning_rate=optimizer.param_groups[0]["lr"],
                train_seconds=stopwatch.seconds,
                data_wait_seconds=batches.wait_seconds - waited,
            )
            self._keep(network, done, validating.seconds, trained.images)

    def _keep(
        self, network: nn.Module, done: EpochRecord, evaluation_seconds: float, images: int
    ) -> None:
        """Add an epoch to the record, and copy the weights where they are the last or the best."""
        record = self._record
        history = (*record.history, done)
        seconds = sum(epoch.train_seconds for epoch in history)
        self._note(
            history=history,
            train_seconds=seconds,
            data_wait_seconds=sum(epoch.data_wait_seconds for epoch in history),
            evaluation_seconds=record.evaluation_seconds + evaluation_seconds,
            images_per_second=images * len(history) / seconds,
        )
        if self._record.best is done:
            self._best = _copied(network, done.epoch)
        if done.epoch == self._spec.recipe.epochs:
            self._last = self._best if self._record.best is done else _copied(network, done.epoch)
        self._watcher.on_epoch(self._spec, done)

    def _evaluate(
        self, network: nn.Module, images: Sequence[CheckedImage], device: torch.device
    ) -> Evaluation:
        batches = Batches(
            [image.file for image in images],
            input_shape=self._spec.architecture.contract.input_shape,
            batch_size=self._spec.recipe.batch_size,
            workers=self._spec.workers,
        )
        precision = choose_precision(self._spec.precision, device)
        evaluation = evaluate(network, batches.epoch(), device=device, precision=precision)
        if not math.isfinite(evaluation.loss):
            raise DivergedError(f"the loss was {evaluation.loss} when it was evaluated")
        return evaluation


def _copied(network: nn.Module, epoch: int) -> Weights:
    """Return the state as it is now; references would go on training."""
    state = {name: tensor.detach().cpu().clone() for name, tensor in network.state_dict().items()}
    return Weights(epoch=epoch, state=state)
