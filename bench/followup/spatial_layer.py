"""The last layer of a network whose output still has places, found by running the network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

_LEAST_SIDE = 4  # places; on a coarser grid a map says little, so an earlier layer is better
_MOST_EXTRA = 16  # tokens that are no places: of the class, of distillation, registers

Axes = Literal["NCHW", "NHWC", "NTC"]
Watch = Callable[[str, int, torch.Tensor], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpatialLayer:
    """Where a network's output has places, and how to read it.

    Attributes:
        module: name of the module in the network.
        call: number of that module's call in a pass, from 0.
        axes: order of the axes; T are tokens, of which the last h times w are the grid.
        grid: number of places down and across (h, w).
    """

    module: str
    call: int
    axes: Axes
    grid: tuple[int, int]

    def read(self, output: torch.Tensor) -> torch.Tensor:
        """Return the layer's output as channels on the grid (N, C, h, w)."""
        if self.axes == "NCHW":
            return output
        if self.axes == "NHWC":
            return output.permute(0, 3, 1, 2)
        height, width = self.grid
        places = output[:, output.shape[1] - height * width :].transpose(1, 2)
        return places.reshape(*places.shape[:2], height, width)


def find_spatial_layer(network: nn.Module, images: torch.Tensor) -> SpatialLayer | None:
    """Return the last layer with places that the logits depend on; None if there is none.

    A layer is preferred whose grid has at least four places a side. Tokens after the last
    attention of a class token do not count: the logits do not depend on them.

    Args:
        network: in evaluation mode.
        images: one normalised image (1, C, H, W).
    """
    found: list[tuple[SpatialLayer, torch.Tensor]] = []
    reader = _Reader(images.shape[2], images.shape[3])

    def note(module: str, call: int, output: torch.Tensor) -> None:
        if output.shape[0] == 1 and output.requires_grad and (how := reader.read(output.shape)):
            axes, grid = how
            layer = SpatialLayer(module=module, call=call, axes=axes, grid=grid)
            found.append((layer, output))

    with torch.enable_grad(), watching(network, note):
        logits = network(images.detach().requires_grad_())
    if not found:
        return None
    gradients = torch.autograd.grad(logits.max(), [out for _, out in found], allow_unused=True)
    used = [
        (layer, tuple(output.shape))
        for (layer, output), gradient in zip(found, gradients, strict=True)
        if gradient is not None and bool(layer.read(gradient).any())
    ]
    tokens = [tuple(output.shape) for layer, output in found if layer.axes == "NTC"]
    fitting = [layer for layer, shape in used if layer.axes != "NTC" or shape == tokens[-1]]
    wide = [layer for layer in fitting if min(layer.grid) >= _LEAST_SIDE]
    return next(reversed(wide or fitting), None)


@contextmanager
def watching(network: nn.Module, note: Watch) -> Iterator[None]:
    """Call `note` with a module's name, call and output after each call, inside the context."""
    calls = Counter[str]()

    def watch(name: str, module: nn.Module) -> RemovableHandle:
        def after(_module: nn.Module, _inputs: object, output: object) -> None:
            calls[name] += 1
            if isinstance(output, torch.Tensor):
                note(name, calls[name] - 1, output)

        return module.register_forward_hook(after)

    hooks = [watch(name, module) for name, module in network.named_modules() if name]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


class _Reader:
    """Reads shapes of outputs in the order of the calls; grids of a classifier only get smaller."""

    def __init__(self, height: int, width: int) -> None:
        self._ratio = height / width
        self._grids = [(height, width)]  # those seen, the input's first

    def read(self, shape: Sequence[int]) -> tuple[Axes, tuple[int, int]] | None:
        """Return the axes and the grid of an output of this shape; None if it has no places."""
        readings: list[tuple[Axes, tuple[int, int]]] = []
        if len(shape) == 4:
            readings = [("NCHW", (shape[2], shape[3])), ("NHWC", (shape[1], shape[2]))]
        elif len(shape) == 3 and (grid := self._grid_of_tokens(shape[1])):
            readings = [("NTC", grid)]
        for axes, grid in readings:
            if self._fits(*grid):
                self._grids.append(grid)
                return axes, grid
        return None

    def _fits(self, height: int, width: int) -> bool:
        """Return whether places may lie so: in the input's shape, no more than before."""
        most_high, most_wide = self._grids[-1]
        in_shape = abs(height - width * self._ratio) <= 1
        return height * width > 1 and height <= most_high and width <= most_wide and in_shape

    def _grid_of_tokens(self, tokens: int) -> tuple[int, int] | None:
        """Return a grid seen before that has so many places, else one in the input's shape."""
        for height, width in reversed(self._grids):
            if height * width > 1 and 0 <= tokens - height * width <= _MOST_EXTRA:
                return height, width
        for places in range(tokens, max(1, tokens - _MOST_EXTRA - 1), -1):
            width = round((places / self._ratio) ** 0.5)
            height = round(width * self._ratio)
            if height * width == places:
                return height, width
        return None
