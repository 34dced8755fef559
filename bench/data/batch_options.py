"""How batches are made, as values that need no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Fidelity = Literal["exact", "fast"]
FIDELITIES: tuple[Fidelity, ...] = ("exact", "fast")
Layout = Literal["channels_last", "contiguous"]
LAYOUTS: tuple[Layout, ...] = ("channels_last", "contiguous")


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """Random changes to a training image.

    Attributes:
        scale: lowest and highest share of its area to keep.
        flip_probability: probability of mirroring it.
        color_jitter: largest deviation of brightness, contrast and saturation from 1.
    """

    scale: tuple[float, float] = (0.5, 1.0)
    flip_probability: float = 0.5
    color_jitter: float = 0.0
