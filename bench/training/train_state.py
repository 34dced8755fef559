"""A network with its optimiser, scaler and mean of weights: the training steps of one trial."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from bench.data.loader import Batch, DataLoader
from bench.system.clock import Phases, Stopwatch
from bench.training.finetune import Backbone
from bench.training.recipe import Recipe
from bench.training.record import TimeProfile
from bench.training.schedule import TrainingPosition, apply, settings
from bench.training.train import Tally, build_optimizer, train_epoch
from bench.training.weight_averaging import WeightAverage


@dataclass(slots=True, kw_only=True)
class EpochPosition:
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
    ) -> None:
        """Of a network with trained weights, `head` names the parameters that are new."""
        self._network, self._recipe = network, recipe
        self._device, self._precision, self._phases = device, precision, phases
        self._scaler = torch.amp.GradScaler(device.type, enabled=precision is torch.float16)
        self._optimizer = build_optimizer(network, recipe, head)
        self._backbone = None if head is None else Backbone(network, head, recipe)
        self._average = WeightAverage(network, recipe.ema_decay) if recipe.ema_decay else None

    @property
    def learning_rate(self) -> float:
        """The rate of the last step."""
        return float(self._optimizer.param_groups[0]["lr"])

    def state(self) -> dict[str, Any]:
        """Return all that the next step depends on but its batch and the random state.

        Plain values and tensors, which go on changing with the network.
        """
        return {
            "network": self._network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "average": self._average.state() if self._average else None,
            "scaler": self._scaler.state_dict(),
        }

    def outcome(self) -> dict[str, Any]:
        """Return what training has made: the weights and the optimiser's state."""
        state = self.state()
        return {name: state[name] for name in ("network", "optimizer")}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned, in this process or in another."""
        self._network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        if self._average:
            self._average.load(state["average"])
        self._scaler.load_state_dict(state["scaler"])

    def epoch(
        self,
        batches: Iterable[Batch],
        on_batch: Callable[[], object] = lambda: None,
        tally: Tally | None = None,
        place: Callable[[], TrainingPosition] | None = None,
    ) -> Tally:
        """Train on each of `batches` once, and return the sums, added to those of `tally`.

        The rate of each step is that of the `place` where training stands before it; without, it
        stays as it is.
        """
        return train_epoch(
            self._network,
            batches,
            self._optimizer,
            device=self._device,
            precision=self._precision,
            scaler=self._scaler,
            label_smoothing=self._recipe.label_smoothing,
            tally=tally,
            before_step=self._setting(place),
            after_step=self._average.update if self._average else lambda: None,
            on_batch=on_batch,
            phase=self._phases,
        )

    def _setting(self, place: Callable[[], TrainingPosition] | None) -> Callable[[], None]:
        """Return what sets the rate of a step."""
        if place is None:
            return lambda: None
        return lambda: self._prepare(place())

    def _prepare(self, place: TrainingPosition) -> None:
        apply(self._optimizer, settings(self._recipe, place))
        if self._backbone is not None:
            self._backbone.prepare(place)

    def averaged(self) -> AbstractContextManager[None]:
        """Return a context in which the network has the mean of its weights, if one is taken."""
        return self._average.in_place() if self._average else nullcontext()

    def keep_average(self) -> None:
        """Give the network the mean of its weights for good, if one is taken: training is over."""
        if self._average:
            self._average.keep()

    def profile(self, batches: DataLoader, epochs: float) -> TimeProfile:
        """Return where the time of the so many `epochs` trained went; the last may be a part.

        The ceiling is measured now, by one more epoch of steps, on one batch that is held in
        memory: the network is not to be used afterwards.
        """
        parts = dict(self._phases.seconds) if self._phases else {}
        read, transform = batches.read_seconds, batches.transform_seconds
        first = next(iter(batches.epoch()))
        fixed = [Batch(images=first.images[:size], labels=first.labels[:size])
                 for size in batches.sizes]  # fmt: skip
        self._phases = None
        self.epoch(fixed[:1])
        with Stopwatch(self._device) as stopwatch:
            self.epoch(fixed)
        return TimeProfile(
            forward_seconds=parts.get("forward", 0.0),
            backward_seconds=parts.get("backward", 0.0),
            optimizer_seconds=parts.get("optimizer", 0.0),
            read_cpu_seconds=read,
            transform_cpu_seconds=transform,
            ceiling_seconds=stopwatch.seconds * epochs,
        )
