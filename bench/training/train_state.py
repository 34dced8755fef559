"""The training steps of one trial: network, optimiser, gradient scaler and mean of weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from bench.data.loader import Batch, DataLoader
from bench.system.clock import Phases, Stopwatch
from bench.system.device import autocast
from bench.training.batch_statistics import keep_statistics, refresh_statistics
from bench.training.finetune import Backbone
from bench.training.optimizer import build_optimizer
from bench.training.recipe import Recipe
from bench.training.record import TimeProfile
from bench.training.schedule import TrainingPosition, apply, settings
from bench.training.weight_averaging import WeightAverage
from registry.errors import UnsuitableError


@dataclass(slots=True, kw_only=True)
class Tally:
    """Sums over the images of one pass so far, on the network's device.

    The loss is cross-entropy in nats. Loss and `correct` are from before the step of each image.
    """

    loss: torch.Tensor
    correct: torch.Tensor
    images: int = 0

    @classmethod
    def empty(cls, device: torch.device) -> Tally:
        """Return sums of zero."""
        zero = torch.zeros((), device=device)
        return cls(loss=zero, correct=torch.zeros((), device=device, dtype=torch.int64))

    def add(self, logits: torch.Tensor, labels: torch.Tensor, mean_loss: torch.Tensor) -> None:
        """Add one batch: logits (N, K), labels (N,) and the mean loss of its images."""
        self.loss += mean_loss.detach().float() * len(labels)
        self.correct += (logits.detach().argmax(1) == labels).sum()
        self.images += len(labels)

    @property
    def mean_loss(self) -> float:
        """The loss in nats per image; reading it waits for the device."""
        return self.loss.item() / self.images

    @property
    def accuracy(self) -> float:
        """The share of correct predictions, 0 to 1; reading it waits for the device."""
        return self.correct.item() / self.images


@dataclass(slots=True, kw_only=True)
class EpochPosition:
    """The position of training within its epochs.

    Attributes:
        tally: sums over the steps of the current epoch.
        epoch: number of finished epochs.
        step: number of finished steps of the current epoch.
        seconds, waited: training and waiting time of steps in an earlier process.
        random: random state to resume from; None: the present one.
    """

    tally: Tally
    epoch: int = 0
    step: int = 0
    seconds: float = 0.0
    waited: float = 0.0
    random: dict[str, Any] | None = None


class TrainState:
    """The training of `network` by `recipe`."""

    def __init__(
        self,
        network: nn.Module,
        recipe: Recipe,
        *,
        device: torch.device,
        precision: torch.dtype,
        phases: Phases | None,
        head: frozenset[str] | None = None,
        seen: DataLoader | None = None,
    ) -> None:
        """`head` names the new parameters of a network with trained weights.

        `seen` has images for `refresh`; without it, running statistics are evaluated.
        """
        self.network, self.device, self.recipe = network, device, recipe
        self._precision, self._phases, self._seen = precision, phases, seen
        self._scaler = torch.amp.GradScaler(device.type, enabled=precision is torch.float16)
        self._optimizer = build_optimizer(network, recipe, head)
        self._backbone = None if head is None else Backbone(network, head, recipe)
        self._average = WeightAverage(network, recipe.ema_decay) if recipe.ema_decay else None

    @property
    def learning_rate(self) -> float:
        """The rate of the last step."""
        return float(self._optimizer.param_groups[0]["lr"])

    def state(self) -> dict[str, Any]:
        """Return everything the next step depends on, except its batch and the random state.

        Later steps change these tensors.
        """
        return {
            "network": self.network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "average": self._average.state() if self._average else None,
            "scaler": self._scaler.state_dict(),
            "frozen": self._backbone is not None and self._backbone.frozen,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Resume from a `state`, of this process or another."""
        self.network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        if self._average:
            self._average.load(state["average"])
        self._scaler.load_state_dict(state["scaler"])
        if self._backbone and state.get("frozen"):  # earlier checkpoints do not say it
            self._backbone.freeze(True)

    def epoch(
        self,
        batches: Iterable[Batch],
        on_batch: Callable[[], object] = lambda: None,
        tally: Tally | None = None,
        place: Callable[[], TrainingPosition] | None = None,
    ) -> Tally:
        """Train on each of `batches` once, and return the sums. Nothing is read from the device.

        The loss is the mean cross-entropy per image in nats, with label smoothing.

        Args:
            batches: batches on the device.
            on_batch: function called after each step, when all state is consistent.
            tally: sums over earlier batches, which this method adds to.
            place: function that returns the progress, to set the rate; None keeps the rate.
        """
        self.network.train()
        tally = tally or Tally.empty(self.device)
        for batch in batches:
            if place is not None:
                here = place()
                apply(self._optimizer, settings(self.recipe, here))
                if self._backbone is not None:
                    self._backbone.prepare(here)
            self._step(batch, tally)
            on_batch()
        return tally

    def _step(self, batch: Batch, tally: Tally) -> None:
        phase, labels = self._phases or nullcontext, batch.labels
        with phase("forward"), autocast(self.device, self._precision):
            logits = self.network(batch.images)
            smoothing = self.recipe.label_smoothing
            loss = F.cross_entropy(logits, labels, label_smoothing=smoothing)
        if not loss.requires_grad:
            raise UnsuitableError(
                "its logits have no gradient, so nothing is trained: remove `no_grad`, "
                "`inference_mode` or `detach` from `forward`"
            )
        with phase("backward"):
            self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        with phase("optimizer"):
            self._scaler.step(self._optimizer)
            self._scaler.update()
            self._optimizer.zero_grad(set_to_none=True)
            if self._average:
                self._average.update()
        tally.add(logits, labels, loss)

    def evaluated(self) -> AbstractContextManager[None]:
        """Return a context for `refresh` and evaluation; the network trains on as before it.

        In it, the network has the mean of its weights, if there is one.
        """
        return self._average.in_place() if self._average else keep_statistics(self.network)

    def refresh(self) -> None:
        """Fit the statistics of batch normalisation to the present weights, if requested.

        Layers that a recipe or a network keeps from training keep their statistics.
        """
        if self._seen is None:
            return
        self.network.train()
        if self._backbone and self._backbone.frozen:
            self._backbone.freeze(True)
        refresh_statistics(
            self.network, self._seen.epoch(), device=self.device, precision=self._precision
        )

    def keep_average(self) -> None:
        """Give the network the mean of its weights, if there is one, after training."""
        if self._average:
            self._average.keep()

    def profile(self, batches: DataLoader, epochs: float) -> TimeProfile:
        """Return the time profile of the `epochs` trained, which may include a fraction.

        It measures the ceiling by one more epoch of steps on one batch in memory. Do not use the
        network afterwards.
        """
        parts = dict(self._phases.seconds) if self._phases else {}
        read, transform = batches.read_seconds, batches.transform_seconds
        first = next(iter(batches.epoch()))
        fixed = [Batch(images=first.images[:size], labels=first.labels[:size])
                 for size in batches.sizes]  # fmt: skip
        self._phases = None
        self.epoch(fixed[:1])
        with Stopwatch(self.device) as stopwatch:
            self.epoch(fixed)
        return TimeProfile(
            forward_seconds=parts.get("forward", 0.0),
            backward_seconds=parts.get("backward", 0.0),
            optimizer_seconds=parts.get("optimizer", 0.0),
            read_cpu_seconds=read,
            transform_cpu_seconds=transform,
            ceiling_seconds=stopwatch.seconds * epochs,
        )
