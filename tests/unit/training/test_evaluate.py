from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from bench.data.loader import Batch
from bench.training.evaluate import evaluate

_CPU = torch.device("cpu")


def _batches(*sizes):
    generator = torch.Generator().manual_seed(0)
    return [
        Batch(images=torch.randn(size, 2, generator=generator), labels=torch.arange(size) % 2)
        for size in sizes
    ]


def test_a_network_is_evaluated_in_evaluation_mode():
    """Nothing is left out by chance, and no running mean learns from what is tested."""
    network = nn.Sequential(nn.BatchNorm1d(2), nn.Dropout(0.9)).train()
    batches = _batches(5)
    found = evaluate(network, batches, device=_CPU)

    assert torch.equal(network[0].running_mean, torch.zeros(2))
    assert np.allclose(found.probabilities, network.eval()(batches[0].images).softmax(1).detach())


def test_figures_are_means_over_images():
    """A small last batch counts by its images, not as a batch."""
    batches = _batches(4, 1)
    found = evaluate(nn.Identity(), batches, device=_CPU)
    logits = torch.cat([batch.images for batch in batches])
    labels = torch.tensor([0, 1, 0, 1, 0])

    assert np.array_equal(found.labels, labels)
    assert found.loss == pytest.approx(F.cross_entropy(logits, labels).item())
    assert found.accuracy == (logits.argmax(1) == labels).double().mean().item()
