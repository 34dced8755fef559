"""Find pairs of pictures of which one is a copy: saved again, resized, mirrored or cropped.

```text
sketches 32x32 -> fingerprints of 35 numbers -> likely pairs -> each confirmed by its sketches
```

Measured with 502 photographs: no false pair, also among 2,002; all copies saved again or mirrored.
Of those cropped by 5 %, it is 97 %, and 86 % by 10 %; turned by 5 degrees 72 %, by 10 degrees 6 %.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.data.align_sketches import Levels, agree_roughly, align, correlate, detail, standardise
from bench.data.facts import SKETCH_SIDE, Facts

DETAILED_SIDE = 64  # pixels; in smaller pictures, others look like a crop
_FREQUENCIES = 6  # each way
_LEAST_CONTRAST = 2.0  # of 255 levels; below it, noise decides
_LIKELY, _LIKELY_SMALL = 0.75, 0.95  # correlation of fingerprints
_MOST_LIKELY = 4  # pairs kept for a picture, so that 60,000 alike stay cheap
_ROWS, _PAIRS = 128, 1024  # compared and confirmed at a time: under 100 MB

Sketches = NDArray[np.uint8]  # (N, 32, 32)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Limits:
    """What confirms a pair: correlations of levels and of detail."""

    correlation: float
    detail: float


_PLAIN = _Limits(correlation=0.97, detail=0.85)  # two photographs reach 0.87 and 0.57
_SMALL = _Limits(correlation=0.99, detail=0.95)  # of 1,797 digits of 8x8 pixels, one pair does
_ALIGNED = _Limits(correlation=0.985, detail=0.9)  # photographs: 0.95, 0.66; drawings: 0.98, 0.88
_ROUGHLY = 0.92
_LEAST_OVERLAP, _MOST_MOTION = 0.75, 0.2
_LOCAL_PEAK, _LOCAL_LEVELS = 12.0, 6.0  # times the rms, and levels: a mark, not another quality


def near_pairs(facts: Sequence[Facts]) -> list[tuple[int, int]]:
    """Return the pairs of indices, the smaller first, of pictures that are near-copies.

    Equal pixels need not be among them. Pictures without a sketch or contrast are in no pair.
    """
    known = [n for n, each in enumerate(facts) if len(each.sketch) == SKETCH_SIDE**2]
    if not known:
        return []
    joined = np.frombuffer(b"".join(facts[n].sketch for n in known), np.uint8)
    sketches = joined.reshape(-1, SKETCH_SIDE, SKETCH_SIDE)
    contrasts = np.concatenate([part.std((1, 2)) for part in _parts(sketches)])
    numbers = np.array(known)[contrasts >= _LEAST_CONTRAST]
    if len(numbers) < len(known):
        sketches = sketches[contrasts >= _LEAST_CONTRAST]
    if not len(numbers):
        return []
    sides = np.array([min(facts[n].width, facts[n].height) for n in numbers])
    found = set[tuple[int, int]]()
    for mirrored in (False, True):
        for first, second in _likely(sketches, sides >= DETAILED_SIDE, mirrored=mirrored):
            near = _confirm(sketches, sides >= DETAILED_SIDE, first, second, mirrored=mirrored)
            found.update(map(tuple, numbers[np.stack([first[near], second[near]], 1)].tolist()))
    return sorted(found)


def _parts(sketches: Sketches) -> Iterator[NDArray[np.float32]]:
    for start in range(0, len(sketches), _PAIRS):
        yield sketches[start : start + _PAIRS].astype(np.float32)


def _fingerprints(sketches: Sketches) -> NDArray[np.float32]:
    """Return the low frequencies of each sketch (N, 36), weighted alike, of length 1."""
    cells = np.arange(SKETCH_SIDE) + 0.5
    waves = np.cos(np.pi / SKETCH_SIDE * np.outer(np.arange(_FREQUENCIES), cells))
    waves[0] /= np.sqrt(2)
    basis = waves.astype(np.float32)
    orders = np.arange(_FREQUENCIES, dtype=np.float32)
    weights = 1 + orders[:, None] + orders  # natural pictures fade as 1/f
    weights[0, 0] = 0  # brightness
    found = [(basis @ part @ basis.T * weights).reshape(len(part), -1) for part in _parts(sketches)]
    whole = np.concatenate(found)
    whole /= np.maximum(np.linalg.norm(whole, axis=1, keepdims=True), 1e-6)
    return whole


def _likely(
    sketches: Sketches, detailed: NDArray[np.bool_], *, mirrored: bool
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield, in parts, likely pairs; at most 4 later pictures for each."""
    prints = _fingerprints(sketches)
    others = prints
    if mirrored:  # odd waves change their sign
        signs = np.where(np.arange(prints.shape[1]) % _FREQUENCIES % 2, -1, 1)
        others = prints * signs.astype(np.float32)
    least = np.where(detailed, _LIKELY, _LIKELY_SMALL).astype(np.float32)
    waiting: list[NDArray[np.intp]] = []
    for start in range(0, len(prints), _ROWS):
        rows = slice(start, start + _ROWS)
        scores = prints[rows] @ others[start:].T
        own = scores[:, : len(scores)]
        own[np.tri(len(own), dtype=bool)] = -1  # itself and earlier ones
        rank, column = _best(scores, least[rows])
        waiting.append(np.stack([rank + start, column + start]))
        if sum(each.shape[1] for each in waiting) >= _PAIRS:
            yield from _in_parts(np.concatenate(waiting, axis=1))
            waiting = []
    if waiting:
        yield from _in_parts(np.concatenate(waiting, axis=1))


def _best(
    scores: NDArray[np.float32], least: NDArray[np.float32]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return rows and columns of the scores from `least` (one a row), at most 4 a row."""
    likely = scores >= least[:, None]
    for row in np.flatnonzero(likely.sum(1) > _MOST_LIKELY):
        best = np.argpartition(scores[row], -_MOST_LIKELY)[-_MOST_LIKELY:]
        likely[row] = False
        likely[row, best] = True
    rows, columns = np.nonzero(likely)
    return rows, columns


def _in_parts(pairs: NDArray[np.intp]) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    for start in range(0, pairs.shape[1], _PAIRS):
        first, second = pairs[:, start : start + _PAIRS]
        yield first, second


def _confirm(
    sketches: Sketches,
    detailed: NDArray[np.bool_],
    first: NDArray[np.intp],
    second: NDArray[np.intp],
    *,
    mirrored: bool,
) -> NDArray[np.bool_]:
    """Return which of the pairs are near-copies: as they lie, or once aligned."""
    left = sketches[first]
    right = sketches[second][:, :, ::-1] if mirrored else sketches[second]
    both = detailed[first] & detailed[second]
    one, other = standardise(left), standardise(right)
    agrees, details = correlate(one, other), correlate(detail(one), detail(other))
    near = (agrees >= np.where(both, _PLAIN.correlation, _SMALL.correlation)) & (
        details >= np.where(both, _PLAIN.detail, _SMALL.detail)
    )
    if not mirrored:  # a mirrored copy may differ in one column of its sketch
        near &= ~_differs_locally(left, right)
    rest = np.flatnonzero(both & ~near & (agrees < _PLAIN.correlation))
    near[rest] = _match_aligned(one[rest], other[rest]) | _match_aligned(other[rest], one[rest])
    return near


def _match_aligned(first: Levels, second: Levels) -> NDArray[np.bool_]:
    """Return which pairs of standardised sketches match once the first is moved."""
    matches = agree_roughly(first, second) >= _ROUGHLY
    found = align(first[matches], second[matches])
    matches[matches] = (
        (found.correlation >= _ALIGNED.correlation)
        & (found.detail >= _ALIGNED.detail)
        & (found.overlap >= _LEAST_OVERLAP)
        & (found.motion <= _MOST_MOTION)
    )
    return matches


def _differs_locally(left: Sketches, right: Sketches) -> NDArray[np.bool_]:
    """Return which pairs are alike but for a small mark, such as a scratch on equal plates."""
    gap = left.astype(np.float32) - right
    gap -= gap.mean((1, 2), keepdims=True)
    peak = np.abs(gap).max((1, 2))
    local: NDArray[np.bool_] = (peak > _LOCAL_LEVELS) & (peak > _LOCAL_PEAK * gap.std((1, 2)))
    return local
