"""Evaluation: the predictions of a network, without training."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn
from torch.nn import functional as F

from bench.data.loader import Batch
from bench.system.device import autocast, number_type
from bench.training.evaluation import Evaluation


def evaluate(
    network: nn.Module,
    batches: Iterable[Batch],
    *,
    device: torch.device,
    precision: torch.dtype = torch.float32,
) -> Evaluation:
    """Return, on the CPU, the predictions of `network` in evaluation mode for `batches`."""
    network.eval()
    logits: list[torch.Tensor] = []
    labels: list[torch.Tensor] = []
    with torch.inference_mode(), autocast(device, precision):
        for batch in batches:
            logits.append(network(batch.images).to(number_type(precision)))
            labels.append(batch.labels)
        answers, truth = torch.cat(logits).cpu(), torch.cat(labels).cpu()
    return Evaluation(
        labels=truth.numpy(),
        probabilities=answers.softmax(1).float().numpy(),
        loss=F.cross_entropy(answers, truth).item(),
        accuracy=(answers.argmax(1) == truth).double().mean().item(),
    )
