"""Align pairs of grey sketches, so that a crop or a small turn of a picture matches it.

Source: B. Lucas and T. Kanade, "An Iterative Image Registration Technique" (1981), with an affine
motion and a linear change of brightness, from coarse to fine.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Levels = NDArray[np.float32]  # (P, n, n): P sketches, of n x n cells
_MOTION = 6  # shift, scale and shear along x, then along y, in halves of a side
_LONGEST_STEP = 0.15
_RIDGE = 1e-4


class Agreement(NamedTuple):
    """How well each of P pairs agrees once aligned; each array is (P,).

    Attributes:
        correlation: of the levels, -1 to 1.
        detail: correlation of what a blur removes, -1 to 1.
        overlap: share of the second sketch that the first covers, 0 to 1.
        motion: largest of the six numbers of the motion, 0 for none.
    """

    correlation: Levels
    detail: Levels
    overlap: Levels
    motion: Levels


def standardise(sketches: NDArray[np.uint8]) -> Levels:
    """Return sketches (P, n, n) with a mean of 0 and a standard deviation near 1."""
    levels = sketches.astype(np.float32)
    levels -= levels.mean((1, 2), keepdims=True)
    levels /= levels.std((1, 2), keepdims=True) + 1
    return levels


def agree_roughly(first: Levels, second: Levels) -> Levels:
    """Return correlations (P,) after one step at a quarter of the cells: about 0.1 ms a pair."""
    first, second = (_halve(_halve(_blur(each))) for each in (first, second))
    motion = _align(first, second, np.zeros((len(first), _MOTION), np.float32), steps=1)
    return _agreement(first, second, motion).correlation


def align(first: Levels, second: Levels) -> Agreement:
    """Return how well pairs of standardised sketches agree once aligned."""
    first, second = _blur(first), _blur(second)
    motion = np.zeros((len(first), _MOTION), np.float32)
    motion = _align(_halve(first), _halve(second), motion, steps=4)
    return _agreement(first, second, _align(first, second, motion, steps=3))


def correlate(first: Levels, second: Levels, where: NDArray[np.bool_] | None = None) -> Levels:
    """Return the correlation of each of P pairs of rows, of the cells of `where` if given."""
    first, second = (each.reshape(len(each), math.prod(each.shape[1:])) for each in (first, second))
    inside = np.ones_like(first) if where is None else where.astype(np.float32)
    first, second = (_centre(each, inside) for each in (first, second))
    scale = np.sqrt((first * first).sum(1) * (second * second).sum(1))
    correlation: Levels = (first * second).sum(1) / np.maximum(scale, np.float32(1e-6))
    return correlation


def detail(levels: Levels) -> Levels:
    """Return what two blurs remove."""
    return levels - _blur(_blur(levels))


def _align(first: Levels, second: Levels, motion: Levels, *, steps: int) -> Levels:
    """Return the motions (P, 6) after some Gauss-Newton steps."""
    side = first.shape[1]
    by_y, by_x = np.gradient(first, axis=(1, 2))
    layers = np.stack([first, by_x * (side / 2), by_y * (side / 2)], -1)
    target = second.reshape(len(second), side * side)
    for _ in range(steps):
        (x, y), places, inside = _places(motion, side)
        level, dx, dy = np.moveaxis(_sample(layers, *places), -1, 0)
        columns = [level, np.ones_like(level), dx, dx * x, dx * y, dy, dy * x, dy * y]
        jacobian = np.stack(columns, -1) * inside[..., None]
        turned = jacobian.transpose(0, 2, 1)
        normal = turned @ jacobian
        ridge = _RIDGE * np.trace(normal, axis1=1, axis2=2) / len(columns) + _RIDGE
        normal += np.eye(len(columns), dtype=np.float32) * ridge[:, None, None]
        found = np.linalg.solve(normal, turned @ (target * inside)[..., None])[..., 0]
        contrast = np.maximum(found[:, :1], np.float32(0.1))
        motion = motion + np.clip(found[:, 2:] / contrast, -_LONGEST_STEP, _LONGEST_STEP)
    return motion


def _agreement(first: Levels, second: Levels, motion: Levels) -> Agreement:
    side = first.shape[1]
    _, places, inside = _places(motion, side)
    moved = _sample(first[..., None], *places)[..., 0].reshape(second.shape)
    return Agreement(
        correlation=correlate(moved, second, inside),
        detail=correlate(detail(moved), detail(second), inside),
        overlap=inside.mean(1, dtype=np.float32),
        motion=np.abs(motion).max(1),
    )


def _places(
    motion: Levels, side: int
) -> tuple[tuple[Levels, Levels], tuple[Levels, Levels], NDArray[np.bool_]]:
    """Return x and y of the cells in -1 to 1, where the motion takes them, and which stay inside.

    Where it takes them is in cells, (P, side * side) each.
    """
    line = (np.arange(side, dtype=np.float32) + 0.5) * (2 / side) - 1
    y, x = (each.reshape(1, -1) for each in np.meshgrid(line, line, indexing="ij"))
    shift_x, scale_x, shear_x, shift_y, shear_y, scale_y = (motion[:, n, None] for n in range(6))
    to_x = x + shift_x + scale_x * x + shear_x * y
    to_y = y + shift_y + shear_y * x + scale_y * y
    inside = (np.abs(to_x) <= 1) & (np.abs(to_y) <= 1)
    return (x, y), ((to_x + 1) * (side / 2) - 0.5, (to_y + 1) * (side / 2) - 0.5), inside


def _sample(layers: NDArray[np.float32], x: Levels, y: Levels) -> NDArray[np.float32]:
    """Return the layers (P, h, w, C) at x and y (P, n), bilinearly: (P, n, C)."""
    height, width = layers.shape[1:3]
    x, y = np.clip(x, 0, width - 1.001), np.clip(y, 0, height - 1.001)
    column, row = x.astype(np.int32), y.astype(np.int32)
    right, down = (x - column)[..., None], (y - row)[..., None]
    flat = layers.reshape(len(layers), height * width, layers.shape[3])
    pair, cell = np.arange(len(layers))[:, None], row * width + column
    above = flat[pair, cell] * (1 - right) + flat[pair, cell + 1] * right
    below = flat[pair, cell + width] * (1 - right) + flat[pair, cell + width + 1] * right
    sampled: NDArray[np.float32] = above * (1 - down) + below * down
    return sampled


def _blur(levels: Levels) -> Levels:
    padded = np.pad(levels, ((0, 0), (1, 1), (1, 1)), mode="edge")
    rows = (padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]) / 4
    blurred: Levels = ((rows[:, :, :-2] + 2 * rows[:, :, 1:-1] + rows[:, :, 2:]) / 4).astype(
        np.float32, copy=False
    )
    return blurred


def _halve(levels: Levels) -> Levels:
    half = levels.shape[1] // 2
    halved: Levels = levels.reshape(len(levels), half, 2, half, 2).mean((2, 4))
    return halved


def _centre(levels: Levels, inside: Levels) -> Levels:
    count = np.maximum(inside.sum(1, keepdims=True), 1)
    centred: Levels = (levels - (levels * inside).sum(1, keepdims=True) / count) * inside
    return centred
