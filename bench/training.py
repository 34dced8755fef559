"""The epochs of one trial: trained, validated, saved, and gone on with where they stood."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from bench.checkpoint import Schedule
from bench.clock import Stopwatch
from bench.data.batch import Batches
from bench.evaluate import Evaluation
from bench.failure import DivergedError
from bench.random_state import random_state, set_random_state
from bench.record import EpochRecord, Weights, as_plain, record_of
from bench.steps import Steps
from bench.train import Tally
from bench.watcher import Account, Service, Watcher
from registry.errors import told


@dataclass(slots=True, kw_only=True)
class _Position:
    """So many epochs are done, and so many steps of the next.

    Attributes:
        tally: the sums over those steps.
        seconds, waited: of those that another process did.
        random: the generators' state to go on from; None where it is the present one.
    """

    tally: Tally
    epoch: int = 0
    step: int = 0
    seconds: float = 0.0
    waited: float = 0.0
    random: dict[str, Any] | None = None


class Training:
    """The epochs of `network`, which `steps` trains on `batches` and `validate` looks at."""

    def __init__(
        self,
        network: nn.Module,
        steps: Steps,
        batches: Batches,
        validate: Callable[[], Evaluation],
        *,
        device: torch.device,
        account: Account,
        watcher: Watcher,
        service: Service,
    ) -> None:
        self._network, self._steps, self._batches = network, steps, batches
        self._validate, self._device = validate, device
        self._account, self._watcher, self._service = account, watcher, service
        self._spec = account.record.spec
        self._schedule = Schedule(service.cadence)
        self._best: Weights | None = None
        self._begin(_Position(tally=Tally.empty(device)))

    @property
    def best(self) -> Weights | None:
        """The weights after the best epoch so far, where they are wanted."""
        return self._best

    def run(self) -> None:
        """Train what is left of all epochs.

        Raises:
            DivergedError: a loss is no number.
            StoppedError: a stop was asked for.
        """
        self._account.phase("train")
        epochs, steps = self._spec.recipe.epochs, len(self._batches)
        done = self._at.epoch * steps + self._at.step
        self._watcher.on_start(self._spec, epochs * steps, done)
        while self._at.epoch < epochs:
            self._epoch()

    def weights(self) -> Weights | None:
        """Return a copy of the weights as they are, where they are wanted.

        References would go on training.
        """
        epoch = len(self._account.record.history)
        if not self._service.weights:
            return None
        if self._best is not None and self._best.epoch == epoch:
            return self._best
        state = self._network.state_dict()
        copy = {name: tensor.detach().cpu().clone() for name, tensor in state.items()
                if isinstance(tensor, torch.Tensor)}  # fmt: skip
        return Weights(epoch=epoch, state=copy)

    def restore(self, saved: dict[str, Any]) -> None:
        """Go to where training stood when `save` wrote `saved`."""
        before, at = record_of(saved["record"]), saved["position"]
        self._steps.load(saved["steps"])
        tally = Tally(
            loss=at["loss"].to(self._device),
            correct=at["correct"].to(self._device),
            images=at["images"],
        )
        position = _Position(
            tally=tally,
            epoch=at["epoch"],
            step=at["step"],
            seconds=at["seconds"],
            waited=at["waited"],
            random=saved["random"] if at["epoch"] == self._spec.recipe.epochs else None,
        )
        self._begin(position)
        if saved["best"] is not None:
            self._best = Weights(epoch=saved["best"]["epoch"], state=saved["best"]["state"])
        kept = ("history", "train_seconds", "data_wait_seconds", "images_per_second")
        self._account.note(**{name: getattr(before, name) for name in kept})
        sums = (
            "startup_seconds",
            "initialization_seconds",
            "compile_seconds",
            "evaluation_seconds",
            "checkpoint_seconds",
            "resumed",
        )
        self._account.add(**{name: getattr(before, name) for name in sums})
        self._account.add(resumed=1)
        set_random_state(saved["random"], self._device)

    def save(self) -> None:
        """Write a checkpoint, where there is a place for it and anything to keep."""
        checkpoints = self._service.checkpoints
        if checkpoints is None or (self._at.epoch, self._at.step) == (0, 0):
            return
        started = time.perf_counter()
        try:
            with self._service.stop.deferred():
                checkpoints.save(self._state())
        except (OSError, RuntimeError, MemoryError) as error:
            self._watcher.say(f"{self._spec.model}: no checkpoint could be written: {told(error)}")
        seconds = time.perf_counter() - started
        self._schedule.saved(seconds)
        self._saving_seconds += seconds
        self._account.add(checkpoint_seconds=seconds)

    def _begin(self, position: _Position) -> None:
        """Stand at `position`, none of its epoch's steps being made by this process."""
        self._at = position
        self._stopwatch: Stopwatch | None = None
        self._saving_seconds = 0.0
        self._waited = self._batches.wait_seconds

    def _state(self) -> dict[str, Any]:
        at, best = self._at, self._best
        return {
            "task": self._spec.task_id,
            "layout": self._account.record.layout,
            "record": as_plain(self._account.record),
            "steps": self._steps.state(),
            "random": at.random or random_state(self._device),
            "best": None if best is None else {"epoch": best.epoch, "state": best.state},
            "position": {
                "epoch": at.epoch,
                "step": at.step,
                "loss": at.tally.loss,
                "correct": at.tally.correct,
                "images": at.tally.images,
                "seconds": self._train_seconds(),
                "waited": self._wait_seconds(),
            },
        }

    def _train_seconds(self) -> float:
        """Return the seconds of this epoch's steps so far, checkpoints left out."""
        here = 0.0 if self._stopwatch is None else self._stopwatch.seconds - self._saving_seconds
        return self._at.seconds + here

    def _wait_seconds(self) -> float:
        return self._at.waited + self._batches.wait_seconds - self._waited

    def _epoch(self) -> None:
        """Train and validate one epoch, or what is left of it."""
        at, stop = self._at, self._service.stop
        with stop.deferred(), Stopwatch(self._device) as self._stopwatch:
            batches = self._batches.epoch(at.epoch, at.step)
            trained = self._steps.epoch(batches, self._after_step, at.tally)
        train_seconds = self._train_seconds()
        self._require_finite()
        at.random = random_state(self._device)  # evaluation may draw numbers, and be done again
        stop.check()
        self._account.phase("validate")
        with Stopwatch(self._device) as validating:
            validated = self._validate()
        done = EpochRecord(
            epoch=at.epoch + 1,
            train_loss=trained.mean_loss,
            train_accuracy=trained.accuracy,
            validation_loss=validated.loss,
            validation_accuracy=validated.accuracy,
            learning_rate=self._steps.learning_rate,
            train_seconds=train_seconds,
            data_wait_seconds=self._wait_seconds(),
        )
        with stop.deferred():
            self._keep(done, trained.images)
            self._account.add(evaluation_seconds=validating.seconds)
        self._watcher.on_epoch(self._spec, done)

    def _after_step(self) -> None:
        self._at.step += 1
        self._watcher.on_batch()
        if self._device.type == "cpu":  # elsewhere reading the loss would wait for the device
            self._require_finite()
        self._service.stop.check()
        if self._schedule.due():
            self.save()

    def _require_finite(self) -> None:
        loss = self._at.tally.mean_loss
        if not math.isfinite(loss):
            where = f"epoch {self._at.epoch + 1}, step {self._at.step}"
            raise DivergedError(f"the training loss was {loss} in {where}")

    def _keep(self, done: EpochRecord, images: int) -> None:
        """Add an epoch to the record, copy the weights where they are the best, and go on."""
        history = (*self._account.record.history, done)
        seconds = sum(epoch.train_seconds for epoch in history)
        self._account.note(
            history=history,
            train_seconds=seconds,
            data_wait_seconds=sum(epoch.data_wait_seconds for epoch in history),
            images_per_second=images * len(history) / seconds,
        )
        if self._account.record.best is done:
            self._best = self.weights()
        ended = done.epoch == self._spec.recipe.epochs
        random = random_state(self._device) if ended else None
        tally = Tally.empty(self._device)
        self._begin(_Position(tally=tally, epoch=done.epoch, random=random))
        self._account.phase("test" if ended else "train")
