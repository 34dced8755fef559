"""One pass of training."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F
from torch.optim import SGD, AdamW, Optimizer
from torch.optim.lr_scheduler import LRScheduler, OneCycleLR

from bench.data.batch import Batch
from bench.device import autocast
from bench.recipe import Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingResult:
    """Means over the images of one pass, each measured just before its own step."""

    loss: float
    accuracy: float
    images: int


def build_optimizer(network: nn.Module, recipe: Recipe) -> Optimizer:
    """Return the recipe's optimiser over the trainable parameters of `network`."""
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    if recipe.optimizer == "sgd":
        return SGD(
            parameters,
            lr=recipe.learning_rate,
            momentum=recipe.momentum,
            weight_decay=recipe.weight_decay,
            fused=True,
        )
    return AdamW(parameters, lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True)


def build_schedule(optimizer: Optimizer, recipe: Recipe, steps: int) -> LRScheduler | None:
    """Return the schedule over `steps` steps in all, or None for a constant rate."""
    if recipe.schedule == "constant":
        return None
    return OneCycleLR(optimizer, max_lr=recipe.learning_rate, total_steps=steps)


def _unmeasured(name: str) -> AbstractContextManager[object]:
    return nullcontext()


def train_epoch(
    network: nn.Module,
    batches: Iterable[Batch],
    optimizer: Optimizer,
    *,
    device: torch.device,
    precision: torch.dtype = torch.float32,
    scaler: torch.amp.GradScaler | None = None,
    schedule: LRScheduler | None = None,
    label_smoothing: float = 0.0,
    on_batch: Callable[[], object] = lambda: None,
    phase: Callable[[str], AbstractContextManager[object]] | None = None,
) -> TrainingResult:
    """Train `network` on each of `batches`, which are on `device`, once.

    The loss is the mean cross-entropy per image in nats, label smoothing included. Nothing is
    read back from the device before the end. `phase` gives a context for each of forward,
    backward and optimizer, to measure it.
    """
    network.train()
    total_loss = torch.zeros((), device=device)
    correct = torch.zeros((), device=device, dtype=torch.int64)
    images = 0
    phase = phase or _unmeasured
    scaler = scaler or torch.amp.GradScaler(device.type, enabled=False)
    for batch in batches:
        labels = batch.labels
        with phase("forward"), autocast(device, precision):
            logits = network(batch.images)
            loss = F.cross_entropy(logits, labels, label_smoothing=label_smoothing)
        with phase("backward"):
            scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        with phase("optimizer"):
            scaler.step(optimizer)
            scaler.update()
            optimizer.zero_grad(set_to_none=True)
            if schedule is not None:
                schedule.step()
        total_loss += loss.detach().float() * len(labels)
        correct += (logits.detach().argmax(1) == labels).sum()
        images += len(labels)
        on_batch()
    return TrainingResult(
        loss=total_loss.item() / images, accuracy=correct.item() / images, images=images
    )
