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

from bench.clock import Phases, Stopwatch
from bench.compile import compile_network
from bench.data.batch import Batches
from bench.data.check import CheckedImage
from bench.data.pixel_source import DirectPixels, PixelSource
from bench.data.split import Split
from bench.data.transform import MEMORY_FORMATS
from bench.data.view import EvaluationView, TrainingView, View
from bench.device import choose_device, choose_precision
from bench.evaluate import Evaluation, evaluate
from bench.record import EpochRecord, TrialRecord, TrialResult, TrialSpec, Weights
from bench.steps import Steps
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


def run_trial(
    spec: TrialSpec,
    split: Split,
    watcher: Watcher,
    source: PixelSource | None = None,
    *,
    profile: bool = False,
) -> TrialResult:
    """Return what comes of training and testing `spec` on `split`; a failure is a result too.

    The same specification gives the same numbers on one machine. The global random state and the
    number of threads are as before when it returns.

    Args:
        spec: all that decides the outcome.
        split: the images.
        watcher: is told how it goes.
        source: gives their pixels; without one, each image is decoded when it is needed.
        profile: measure where the time goes, which takes one epoch's steps more.
    """
    trial = _Trial(spec, split, watcher, source or DirectPixels(), profile)
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

    def __init__(
        self,
        spec: TrialSpec,
        split: Split,
        watcher: Watcher,
        source: PixelSource,
        profile: bool,
    ) -> None:
        self._spec, self._split, self._watcher = spec, split, watcher
        self._source, self._profile = source, profile
        self._shape = spec.architecture.contract.input_shape
        self._record = TrialRecord(spec=spec)
        self._last: Weights | None = None
        self._best: Weights | None = None

    def run(self) -> TrialResult:
        started = time.perf_counter()
        self._verify()
        device = choose_device(self._spec.device)
        network = self._build(device)
        self._note(startup_seconds=time.perf_counter() - started)
        batches = self._training_batches(device)
        if self._spec.compiled:
            self._compile(network, device, batches)
        step = self._train(network, device, batches)
        self._note(phase="test")
        with Stopwatch(device) as stopwatch:
            test = self._evaluate(network, self._split.test, device)
        self._note(
            evaluation_seconds=self._record.evaluation_seconds + stopwatch.seconds,
            test_loss=test.loss,
            test_accuracy=test.accuracy,
            test_images=len(test.labels),
        )
        if self._profile:
            self._note(phase="profile", profile=step.profile(batches))
        self._note(status="ok", phase="done")
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
        layout = MEMORY_FORMATS[self._spec.layout]
        return network.to(device=device, memory_format=layout)  # type: ignore[call-overload, no-any-return]

    def _compile(self, network: nn.Module, device: torch.device, batches: Batches) -> None:
        self._note(phase="compile")
        evaluated = [
            size
            for part in (self._split.validation, self._split.test)
            for size in self._evaluation_batches(part, device).sizes
        ]
        seconds = compile_network(
            network,
            shape=self._shape,
            training_sizes=batches.sizes,
            evaluation_sizes=evaluated,
            device=device,
            precision=choose_precision(self._spec.precision, device),
            layout=self._spec.layout,
        )
        self._note(compile_seconds=seconds)

    def _train(self, network: nn.Module, device: torch.device, batches: Batches) -> Steps:
        self._note(phase="train")
        recipe = self._spec.recipe
        count = len(batches) * recipe.epochs
        steps = Steps(
            network,
            recipe,
            count,
            device=device,
            precision=choose_precision(self._spec.precision, device),
            phases=Phases(device) if self._profile else None,
        )
        self._watcher.on_start(self._spec, count)
        for epoch in range(recipe.epochs):
            waited = batches.wait_seconds
            with Stopwatch(device) as stopwatch:
                trained = steps.epoch(batches.epoch(epoch), self._watcher.on_batch)
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
                learning_rate=steps.learning_rate,
                train_seconds=stopwatch.seconds,
                data_wait_seconds=batches.wait_seconds - waited,
            )
            self._keep(network, done, validating.seconds, trained.images)
        return steps

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
        batches = self._evaluation_batches(images, device)
        precision = choose_precision(self._spec.precision, device)
        evaluation = evaluate(network, batches.epoch(), device=device, precision=precision)
        if not math.isfinite(evaluation.loss):
            raise DivergedError(f"the loss was {evaluation.loss} when it was evaluated")
        return evaluation

    def _training_batches(self, device: torch.device) -> Batches:
        view = TrainingView(
            files=[image.file for image in self._split.train],
            source=self._source,
            shape=self._shape,
            seed=self._spec.seed,
            augmentation=self._spec.recipe.augmentation,
            fidelity=self._spec.fidelity,
        )
        return self._batches(view, device, epochs=self._spec.recipe.epochs)

    def _evaluation_batches(self, images: Sequence[CheckedImage], device: torch.device) -> Batches:
        files = [image.file for image in images]
        return self._batches(
            EvaluationView(files=files, source=self._source, shape=self._shape), device
        )

    def _batches(self, view: View, device: torch.device, epochs: int = 1) -> Batches:
        return Batches(
            view,
            batch_size=self._spec.recipe.batch_size,
            workers=self._spec.workers,
            device=device,
            layout=self._spec.layout,
            epochs=epochs,
        )


def _copied(network: nn.Module, epoch: int) -> Weights:
    """Return the state as it is now; references would go on training."""
    state = {name: tensor.detach().cpu().clone() for name, tensor in network.state_dict().items()}
    return Weights(epoch=epoch, state=state)
