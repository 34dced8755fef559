"""The epochs of one trial: training, validation, checkpoints and resuming."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

from bench.data.loader import Batch, DataLoader
from bench.system.clock import Stopwatch, drain
from bench.system.random_state import random_state, set_random_state
from bench.training.callbacks import RecordBuilder, TrialContext
from bench.training.checkpoint import Schedule
from bench.training.evaluation import Evaluation
from bench.training.record import EpochRecord, Weights, record_of
from bench.training.schedule import TrainingPosition, place_by_seconds, place_by_steps
from bench.training.spec import as_plain
from bench.training.stop import DivergedError
from bench.training.suitable import require_size
from bench.training.train_state import EpochPosition, Tally, TrainState
from bench.training.weight_averaging import copy_weights, set_weights
from registry.errors import format_error

_RESTORED = ("marks", "history", "steps", "train_seconds", "data_wait_seconds", "images_per_second")
_LEAST_SECONDS = 1e-9
_SUMMED = (
    "startup_seconds",
    "initialization_seconds",
    "compile_seconds",
    "evaluation_seconds",
    "checkpoint_seconds",
    "resumed",
)


class TrainingLoop:
    """The epochs of a trial: `steps` trains on `batches`, `validate` evaluates."""

    def __init__(
        self,
        steps: TrainState,
        batches: DataLoader,
        validate: Callable[[], Evaluation],
        builder: RecordBuilder,
        context: TrialContext,
    ) -> None:
        """Start before the first epoch; fitting the first weights counts in the budget."""
        self._network, self._device = steps.network, steps.device
        self._steps, self._batches, self._validate = steps, batches, validate
        self._builder, self._callback, self._context = builder, builder.callback, context
        self._spec, self._recipe = builder.record.spec, steps.recipe
        self._spent_before = builder.record.initialization_seconds
        self._clock = context.clock
        self._schedule = Schedule(context.cadence)
        self._best: Weights | None = None
        batches.part_of = self._part_of
        self._begin(EpochPosition(tally=Tally.empty(self._device)))

    @property
    def best(self) -> Weights | None:
        """The weights after the best epoch so far, if requested."""
        return self._best if self._context.weights else None

    @property
    def epochs(self) -> float:
        """Number of trained epochs, including a fraction of the last."""
        return (self._builder.record.steps or 0) / len(self._batches)

    def run(self) -> None:
        """Train the remaining epochs, and give the network the weights to test.

        Raises:
            DivergedError: a loss is not finite.
            StoppedError: a stop was requested.
            ContractError: the network has another number of parameters than before.
        """
        self._builder.phase("train")
        epochs = self._recipe.epochs or 0
        self._callback.on_start(self._spec, epochs * len(self._batches), self._steps_done())
        while not self._has_ended():
            self._epoch()
        require_size(self._network, self._builder.record.parameters, self._spec.model)
        with self._context.stop.deferred():
            self._choose()
        self._context.stop.check()

    def weights(self) -> Weights | None:
        """Return a copy of the tested weights, if requested."""
        return self._copy() if self._context.weights else None

    def _copy(self) -> Weights:
        """Return a copy of the weights: references would change with training."""
        epoch = self._builder.record.tested_epoch or len(self._builder.record.history)
        if self._best is not None and self._best.epoch == epoch:
            return self._best
        return Weights(epoch=epoch, state=copy_weights(self._network))

    def _choose(self) -> None:
        """Give the network the weights to test: the last, their mean, or the best epoch's."""
        best, tested = self._best, len(self._builder.record.history)
        if best is not None and (self._recipe.patience is not None or best.epoch == tested):
            set_weights(self._network, best.state)
            tested = best.epoch
        else:
            self._steps.keep_average()
            with self._context.stop.heeded(), Stopwatch(self._device, self._clock) as refreshing:
                self._steps.refresh()
            self._builder.add(evaluation_seconds=refreshing.seconds)
        self._builder.note(tested_epoch=tested)

    def restore(self, saved: dict[str, Any]) -> None:
        """Restore the training state that `save` wrote to `saved`."""
        before, at = record_of(saved["record"]), saved["position"]
        self._steps.load(saved["steps"])
        sums = {name: at[name].to(self._device) for name in ("loss", "correct")}
        known = {name: at[name] for name in ("epoch", "step", "seconds", "waited")}
        self._begin(EpochPosition(tally=Tally(**sums, images=at["images"]), **known))
        self._spent_before = at["spent_before"]
        self._best = None if saved["best"] is None else Weights(**saved["best"])
        self._builder.note(
            jobs=max(before.jobs, self._builder.record.jobs),
            **{name: getattr(before, name) for name in _RESTORED},
        )
        self._at.random = saved["random"] if self._has_ended() else None
        self._builder.add(**{name: getattr(before, name) for name in _SUMMED})
        self._builder.add(resumed=1)
        set_random_state(saved["random"], self._device)

    def save(self) -> None:
        """Write a checkpoint, if there is a folder for it and at least one step was made."""
        checkpoints = self._context.checkpoints
        if checkpoints is None or self._steps_done() == 0:
            return
        started = self._clock()
        try:
            with self._context.stop.deferred():
                checkpoints.save(self._state())
        except (OSError, RuntimeError, MemoryError) as error:
            why = format_error(error)
            self._callback.say(f"{self._spec.model}: cannot write a checkpoint: {why}")
        seconds = self._clock() - started
        self._schedule.saved(seconds)
        self._saving_seconds += seconds
        self._builder.add(checkpoint_seconds=seconds)

    def _begin(self, position: EpochPosition) -> None:
        """Set `position`; this process has made no steps of its epoch yet."""
        self._at = position
        self._stopwatch: Stopwatch | None = None
        self._saving_seconds = 0.0
        self._waited = self._batches.wait_seconds

    def _state(self) -> dict[str, Any]:
        best, at = self._best, self._at
        return {
            "task": self._spec.task_id,
            "layout": self._builder.record.layout,
            "precision": self._builder.record.precision,
            "record": as_plain(self._builder.record),
            "steps": self._steps.state(),
            "best": None if best is None else {"epoch": best.epoch, "state": best.state},
            "random": at.random or random_state(self._device),
            "position": {
                "epoch": at.epoch,
                "step": at.step,
                "loss": at.tally.loss.cpu(),
                "correct": at.tally.correct.cpu(),
                "images": at.tally.images,
                "seconds": self._train_seconds(),
                "waited": self._wait_seconds(),
                "spent_before": self._spent_before,
            },
        }

    def _train_seconds(self) -> float:
        """Return the seconds of this epoch's steps so far, without checkpoints."""
        here = 0.0 if self._stopwatch is None else self._stopwatch.seconds - self._saving_seconds
        return self._at.seconds + here

    def _wait_seconds(self) -> float:
        return self._at.waited + self._batches.wait_seconds - self._waited

    def _spent(self) -> float:
        """Return the seconds of training so far, as the budget counts them."""
        history = self._builder.record.history
        seconds = (*(epoch.train_seconds for epoch in history), self._train_seconds())
        return self._spent_before + sum(seconds)

    def _is_spent(self) -> bool:
        """Say whether the time budget is used up; at least one step is made in any case."""
        if self._recipe.seconds is None or self._steps_done() == 0:
            return False
        drain(self._device)
        return self._spent() >= self._recipe.seconds

    def _has_ended(self) -> bool:
        """Say whether no epoch is left to train or resume."""
        if self._at.step > 0:
            return False
        best, patience = self._builder.record.best, self._recipe.patience
        if patience is not None and best is not None and self._at.epoch - best.epoch >= patience:
            return True
        return self._at.epoch >= (self._recipe.epochs or sys.maxsize) or self._is_spent()

    def _place(self) -> TrainingPosition:
        """Return the progress of training, in steps, or in seconds with a budget."""
        if self._recipe.seconds is not None:
            drain(self._device)
            # what the first weights took is no training: the rate starts low in any case
            left = max(self._recipe.seconds - self._spent_before, _LEAST_SECONDS)
            return place_by_seconds(self._recipe, self._spent() - self._spent_before, left)
        steps = (self._recipe.epochs or 1) * len(self._batches)
        return place_by_steps(self._recipe, self._steps_done(), steps)

    def _part_of(self, step: int) -> int:
        """Return the part of the training, one for each size of images, of a batch made now."""
        parts, steps = len(self._batches.later) + 1, (self._recipe.epochs or 1) * len(self._batches)
        seconds = self._recipe.seconds
        share = step / steps if seconds is None else self._spent() / seconds
        return min(int(share * parts), parts - 1)

    def _steps_done(self) -> int:
        return self._at.epoch * len(self._batches) + self._at.step

    def _batches_left(self) -> Iterator[Batch]:
        """Yield the remaining batches of the epoch, within the budget."""
        with closing(self._batches.epoch(self._at.epoch, self._at.step)) as batches:
            if self._at.step > 0 and self._is_spent():  # resumed after the last step
                return
            for batch in batches:
                yield batch
                if self._is_spent():
                    return

    def _epoch(self) -> None:
        """Train and validate one epoch, or the rest of it."""
        at, stop = self._at, self._context.stop
        with stop.deferred(), Stopwatch(self._device, self._clock) as self._stopwatch:
            left = self._batches_left()
            trained = self._steps.epoch(left, self._after_step, at.tally, self._place)
        train_seconds = self._train_seconds()
        self._require_finite(trained.loss.item())
        at.random = random_state(self._device)  # evaluation may draw numbers, and may be repeated
        stop.check()
        self._builder.phase("validate")
        with stop.deferred(), self._steps.evaluated():
            with stop.heeded(), Stopwatch(self._device, self._clock) as validating:
                self._steps.refresh()
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
                train_images=trained.images,
            )
            self._keep(done)
            self._builder.add(evaluation_seconds=validating.seconds)
        self._callback.on_epoch(self._spec, done)

    def _after_step(self) -> None:
        self._at.step += 1
        self._callback.on_batch(self._spec)
        # on other devices, reading the loss would wait
        if self._device.type == "cpu":
            self._require_finite(self._at.tally.loss.item())
        self._context.stop.check()
        if self._schedule.due():
            self.save()

    def _require_finite(self, loss: float) -> None:
        if not math.isfinite(loss):
            where = f"epoch {self._at.epoch + 1}, step {self._at.step}"
            raise DivergedError(f"the training loss is {loss} in {where}")

    def _keep(self, done: EpochRecord) -> None:
        """Add an epoch to the record, copy its weights if they are the best, and continue."""
        record = self._builder.record
        history = (*record.history, done)
        seconds = sum(epoch.train_seconds for epoch in history)
        self._builder.note(
            history=history,
            steps=(record.steps or 0) + self._at.step,
            train_seconds=seconds,
            data_wait_seconds=sum(epoch.data_wait_seconds for epoch in history),
            images_per_second=sum(epoch.train_images or 0 for epoch in history) / seconds,
        )
        wanted = self._context.weights or self._recipe.patience is not None
        if wanted and self._builder.record.best is done:
            self._best = self._copy()
        self._begin(EpochPosition(tally=Tally.empty(self._device), epoch=done.epoch))
        ended = self._has_ended()
        self._at.random = random_state(self._device) if ended else None
        self._builder.phase("test" if ended else "train")
