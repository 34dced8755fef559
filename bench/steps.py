"""A network with its optimiser, schedule and scaler: the training steps of one trial."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import nn

from bench.clock import Phases, Stopwatch
from bench.data.batch import Batch, Batches
from bench.recipe import Recipe
from bench.record import TimeProfile
from bench.train import TrainingResult, build_optimizer, build_schedule, train_epoch


class Steps:
    """The training of `network` by `recipe`, over `count` steps in all."""

    def __init__(
        self,
        network: nn.Module,
        recipe: Recipe,
        count: int,
        *,
        device: torch.device,
        precision: torch.dtype,
        phases: Phases | None,
    ) -> None:
        self._network, self._recipe = network, recipe
        self._device, self._precision, self._phases = device, precision, phases
        self._scaler = torch.amp.GradScaler(device.type, enabled=precision is torch.float16)
        self._optimizer = build_optimizer(network, recipe)
        self._schedule = build_schedule(self._optimizer, recipe, count)

    @property
    def learning_rate(self) -> float:
        """The rate of the next step."""
        return float(self._optimizer.param_groups[0]["lr"])

    def epoch(
        self, batches: Iterable[Batch], on_batch: Callable[[], object] = lambda: None
    ) -> TrainingResult:
        """Train on each of `batches` once."""
        return train_epoch(
            self._network,
            batches,
            self._optimizer,
            device=self._device,
            precision=self._precision,
            scaler=self._scaler,
            schedule=self._schedule,
            label_smoothing=self._recipe.label_smoothing,
            on_batch=on_batch,
            phase=self._phases,
        )

    def profile(self, batches: Batches) -> TimeProfile:
        """Return where the time of the epochs trained so far went.

        The ceiling is measured now, by one more epoch of steps, on one batch that is held in
        memory: the network is not to be used afterwards.
        """
        parts = dict(self._phases.seconds) if self._phases else {}
        read, transform = batches.read_seconds, batches.transform_seconds
        first = next(iter(batches.epoch()))
        fixed = [Batch(images=first.images[:size], labels=first.labels[:size])
                 for size in batches.sizes]  # fmt: skip
        self._phases, self._schedule = None, None  # the schedule has come to its end
        self.epoch(fixed[:1])
        with Stopwatch(self._device) as stopwatch:
            self.epoch(fixed)
        return TimeProfile(
            forward_seconds=parts.get("forward", 0.0),
            backward_seconds=parts.get("backward", 0.0),
            optimizer_seconds=parts.get("optimizer", 0.0),
            read_cpu_seconds=read,
            transform_cpu_seconds=transform,
            ceiling_seconds=stopwatch.seconds * self._recipe.epochs,
        )
