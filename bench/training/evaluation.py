"""Predictions for test images, as a value that needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from safetensors.numpy import load, save

if TYPE_CHECKING:
    from numpy.typing import NDArray  # 20 ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Predictions for N images of K classes: labels (N,), probabilities (N, K), loss, accuracy.

    Attributes:
        loss: mean cross-entropy per image, in nats.
        accuracy: share of images with the correct most probable class, 0 to 1.
    """

    labels: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    loss: float
    accuracy: float

    @property
    def predicted(self) -> NDArray[np.intp]:
        """The most probable class of each image (N,)."""
        return np.asarray(self.probabilities.argmax(1))


def pack_evaluation(test: Evaluation) -> bytes:
    """Return labels and probabilities as exact bytes for `unpack_evaluation`."""
    shares = np.ascontiguousarray(test.probabilities)
    return save({"labels": test.labels, "probabilities": shares})


def unpack_evaluation(content: bytes, loss: float, accuracy: float) -> Evaluation:
    """Return the evaluation from its `pack_evaluation` form, with `loss` and `accuracy`.

    Raises:
        SafetensorError, TypeError, ValueError: `content` has another form.
    """
    return Evaluation(**load(content), loss=loss, accuracy=accuracy)
