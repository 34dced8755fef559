"""Evaluation: the predictions of a network, without training."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from safetensors.torch import load, save
from torch import nn
from torch.nn import functional as F

from bench.data.loader import Batch
from bench.system.device import autocast, number_type


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Predictions for N images of K classes: labels (N,), probabilities (N, K), loss, accuracy.

    Attributes:
        loss: mean cross-entropy per image, in nats.
        accuracy: share of images with the correct most probable class, 0 to 1.
    """

    labels: torch.Tensor
    probabilities: torch.Tensor
    loss: float
    accuracy: float

    @property
    def predicted(self) -> torch.Tensor:
        """The most probable class of each image (N,)."""
        return self.probabilities.argmax(1)


def pack_evaluation(test: Evaluation) -> bytes:
    """Return labels and probabilities as exact bytes for `unpack_evaluation`."""
    return save({"labels": test.labels, "probabilities": test.probabilities.contiguous()})


def unpack_evaluation(content: bytes, loss: float, accuracy: float) -> Evaluation:
    """Return the evaluation from its `pack_evaluation` form, with `loss` and `accuracy`.

    Raises:
        SafetensorError, TypeError, ValueError: `content` has another form.
    """
    return Evaluation(**load(content), loss=loss, accuracy=accuracy)


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
        labels=truth,
        probabilities=answers.softmax(1).float(),
        loss=F.cross_entropy(answers, truth).item(),
        accuracy=(answers.argmax(1) == truth).double().mean().item(),
    )
