"""What the checks examine: networks of one architecture, and images for them."""

from __future__ import annotations

from copy import deepcopy
from functools import cached_property

import torch
from torch import nn
from torch.nn import functional as F

from registry.architecture import Architecture
from registry.checks.settings import seed_everything
from registry.checks.watch import Watch, watch_in_new_process
from registry.errors import CheckError

# The darkest and the brightest level of any channel, normalised as for ImageNet.
DARKEST, BRIGHTEST = -2.1179, 2.64


class Subject:
    """One architecture to check; slow results are kept for all checks.

    Networks have two `classes`, like cats and dogs; or those of the contract, if the architecture
    deviates from `head`.
    """

    def __init__(self, architecture: Architecture) -> None:
        self.architecture = architecture
        fixed = any(deviation.check == "head" for deviation in architecture.deviations)
        self.classes = architecture.contract.num_classes if fixed else 2
        self._kept: nn.Module | None = None

    def built(self, seed: int) -> nn.Module:
        """Return a new network, built after seeding; raise ConstructionError if that fails."""
        seed_everything(seed)
        return self.architecture.build(self.classes)

    def network(self) -> nn.Module:
        """Return the network of seed 0, in evaluation mode; the caller may change it.

        It is a copy if possible: VGG-19 takes 6 s to build and 1 s to copy.
        """
        if self._kept is None:
            self._kept = self.built(0)
        copy = _copied(self._kept)
        return (self.built(0) if copy is None else copy).eval()

    def pictures(self, count: int, seed: int = 0) -> torch.Tensor:
        """Return `count` images (N, C, H, W) of coloured blocks, with levels from -1.5 to 1.5.

        Blocks, not noise: a network that averages cannot distinguish noise.
        """
        channels, height, width = self.architecture.contract.input_shape
        generator = torch.Generator().manual_seed(seed)
        blocks = torch.rand(count, channels, 4, 4, generator=generator) * 3 - 1.5
        return F.interpolate(blocks, size=(height, width), mode="nearest")

    def harsh_pictures(self, count: int) -> torch.Tensor:
        """Return `count` images (N, C, H, W) of the darkest and brightest levels."""
        shape = (count, *self.architecture.contract.input_shape)
        bright = torch.rand(shape, generator=torch.Generator().manual_seed(0)) < 0.5
        return torch.where(bright, BRIGHTEST, DARKEST)

    @cached_property
    def watched(self) -> Watch:
        """Return what the network does to a new process: imported, built, run."""
        return watch_in_new_process(self.architecture, self.classes)


def _copied(network: nn.Module) -> nn.Module | None:
    """Return a copy of `network`; None if it cannot be copied, or the copy cannot be trained.

    The parameters of a scripted network's copy are results of a computation, which no optimiser
    accepts.
    """
    try:
        copy = deepcopy(network)
    except Exception:  # noqa: BLE001  (weights computed from others cannot be copied)
        return None
    leaves = all(each.is_leaf for each in copy.parameters())
    return copy if leaves or not all(each.is_leaf for each in network.parameters()) else None


def answers(network: nn.Module, pictures: torch.Tensor) -> torch.Tensor:
    """Return the logits (N, K) of `network`, in its present mode, for `pictures` (N, C, H, W)."""
    with torch.no_grad():
        return require_logits(network(pictures))


def require_logits(output: object) -> torch.Tensor:
    """Return `output`; raise CheckError if it is not one tensor of logits."""
    if isinstance(output, torch.Tensor):
        return output
    raise CheckError(
        seen=f"a {type(output).__name__} as output",
        expected="one tensor of logits (N, K)",
        change="return only the logits, in both modes",
    )


def mode_name(network: nn.Module) -> str:
    """Return the mode of `network` in words."""
    return "training mode" if network.training else "evaluation mode"
