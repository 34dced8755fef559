"""One pass of training."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.optim import SGD, AdamW, Optimizer

from bench.data.loader import Batch
from bench.system.device import autocast
from bench.training.muon import Muon, filter_banks
from bench.training.recipe import Recipe


@dataclass(slots=True, kw_only=True)
class Tally:
    """Sums over the images of one pass so far, on the network's device.

    Attributes:
        loss: cross-entropy in nats, each image's measured just before its own step.
        correct: how many images were answered rightly, at the same moment.
    """

    loss: torch.Tensor
    correct: torch.Tensor
    images: int = 0

    @classmethod
    def empty(cls, device: torch.device) -> Tally:
        """Return the sums over no image."""
        zero = torch.zeros((), device=device)
        return cls(loss=zero, correct=torch.zeros((), device=device, dtype=torch.int64))

    def add(self, logits: torch.Tensor, labels: torch.Tensor, mean_loss: torch.Tensor) -> None:
        """Add one batch: logits (N, K), labels (N,) and the mean loss of its images."""
        self.loss += mean_loss.detach().float() * len(labels)
        self.correct += (logits.detach().argmax(1) == labels).sum()
        self.images += len(labels)

    @property
    def mean_loss(self) -> float:
        """Nats per image; reading it waits for the device."""
        return self.loss.item() / self.images

    @property
    def accuracy(self) -> float:
        """Share answered rightly, 0 to 1; reading it waits for the device."""
        return self.correct.item() / self.images


def build_optimizer(
    network: nn.Module, recipe: Recipe, head: frozenset[str] | None = None
) -> Optimizer:
    """Return the recipe's optimiser over the trainable parameters of `network`.

    Where `head` names the parameters of its head, the rate of the others is a share of the head's.
    """
    groups = _groups(network, recipe, head)
    if recipe.optimizer == "sgd":
        return SGD(groups, lr=recipe.learning_rate, momentum=recipe.momentum, fused=True)
    if recipe.optimizer == "muon":
        return Muon(groups, lr=recipe.learning_rate)
    return AdamW(groups, lr=recipe.learning_rate, fused=True)


def _groups(
    network: nn.Module, recipe: Recipe, head: frozenset[str] | None
) -> list[dict[str, Any]]:
    """Return the parameters that decay, and those that don't: biases, gains of normalisation.

    Source: He et al. 2019, arXiv:1812.01187, section 3.1. Last come those that Muon trains.
    """
    banks = {*filter_banks(network)} if recipe.optimizer == "muon" else set()
    groups: dict[tuple[bool, float, float], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            continue
        decay = recipe.weight_decay if parameter.ndim > 1 else 0.0
        share = 1.0 if head is None or name in head else recipe.backbone_rate
        if parameter in banks:
            share = share * recipe.filter_rate / recipe.learning_rate
        groups.setdefault((parameter not in banks, share, decay), []).append(parameter)
    ordered = sorted(groups.items(), key=lambda group: group[0], reverse=True)  # the head first
    return [
        {"params": parameters, "weight_decay": decay, "share": share}
        | ({} if plain else {"filters": True})
        for (plain, share, decay), parameters in ordered
    ]


def _no_timing(name: str) -> AbstractContextManager[object]:
    return nullcontext()


def train_epoch(
    network: nn.Module,
    batches: Iterable[Batch],
    optimizer: Optimizer,
    *,
    device: torch.device,
    precision: torch.dtype = torch.float32,
    scaler: torch.amp.GradScaler | None = None,
    label_smoothing: float = 0.0,
    tally: Tally | None = None,
    before_step: Callable[[], object] = lambda: None,
    after_step: Callable[[], object] = lambda: None,
    on_batch: Callable[[], object] = lambda: None,
    phase: Callable[[str], AbstractContextManager[object]] | None = None,
) -> Tally:
    """Train `network` on each of `batches`, which are on `device`, once, and return the sums.

    The loss is the mean cross-entropy per image in nats, label smoothing included.
    Nothing is read back from the device here.

    Args:
        network: is put into training mode.
        batches: what is left of the epoch.
        optimizer: steps once a batch.
        device: of network and batches.
        precision: of matrix products.
        scaler: of the loss, for float16.
        label_smoothing: share of the target spread over all classes.
        tally: the sums over the batches before, where the epoch goes on; they are added to.
        before_step: is called before each step, to set its rate.
        after_step: is called as the last part of each step, in its time, to average weights.
        on_batch: is called after each step, when network, optimiser and tally fit each other.
        phase: gives a context for each of forward, backward and optimizer, to measure it.
    """
    network.train()
    tally = tally or Tally.empty(device)
    phase = phase or _no_timing
    scaler = scaler or torch.amp.GradScaler(device.type, enabled=False)
    for batch in batches:
        labels = batch.labels
        before_step()
        with phase("forward"), autocast(device, precision):
            logits = network(batch.images)
            loss = F.cross_entropy(logits, labels, label_smoothing=label_smoothing)
        with phase("backward"):
            scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        with phase("optimizer"):
            scaler.step(optimizer)
            scaler.update()
            optimizer.zero_grad(set_to_none=True)
            after_step()
        tally.add(logits, labels, loss)
        on_batch()
    return tally
