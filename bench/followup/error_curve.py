"""Learning curves of a run's models: accuracy by training images, and what twice as many give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

from bench.analysis.predictions import Predictions
from bench.analysis.stats.interval import accuracy_interval
from bench.analysis.stats.power_law import (
    LEAST_SIZES,
    ErrorCurves,
    PowerLaws,
    error_curves,
    fit_power_laws,
    slope_of,
)
from bench.system.display import points

_DRAWS = 2000
_WIDEST = 0.10  # of an interval that says anything
_MISFIT = 0.01  # p of a curve that is no power law
_CLEAR = 0.95  # share of the draws in which two curves cross
_STEPS = 200  # sizes at which curves are compared
_Bounds = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LearningCurve:
    """The answers of one model after training with each size; None where it has no result.

    Attributes:
        marks: reasons why its trials are not compared.
    """

    model: str
    sizes: tuple[int, ...]
    answers: tuple[Predictions | None, ...]
    marks: tuple[str, ...] = ()

    @property
    def missing(self) -> list[int]:
        """The sizes without a result."""
        return [n for n, each in zip(self.sizes, self.answers, strict=True) if each is None]

    @property
    def accuracies(self) -> list[tuple[int, float, float, float]]:
        """Size, accuracy and its 95 % interval, for each size with a result."""
        return [
            (size, float(each.correct.mean()), *accuracy_interval(each.correct, each.clusters))
            for size, each in zip(self.sizes, self.answers, strict=True)
            if each is not None
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What twice as many training images give a model.

    Attributes:
        refusal: why that cannot be said; "" if it can.
        gain: 95 % interval of the gain, as a share.
        accuracy: accuracy with twice as many by the fitted curve, and its interval.
        exponent: exponent of the power law, and its interval.
        limit: error that no number of images goes below, and its interval.
    """

    model: str
    refusal: str = ""
    gain: _Bounds = (0.0, 0.0)
    accuracy: tuple[float, float, float] = (0.0, 0.0, 0.0)
    exponent: tuple[float, float, float] = (0.0, 0.0, 0.0)
    limit: tuple[float, float, float] = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """Two models whose fitted curves cross: `later` is ahead with more images than `size`.

    Attributes:
        bounds: 95 % interval of the size, if it is clear.
        clear: whether they would cross with other seeds and images, too.
    """

    sooner: str
    later: str
    size: float
    bounds: _Bounds
    clear: bool


def forecast(curves: Sequence[LearningCurve]) -> tuple[list[Forecast], list[Crossing]]:
    """Return what twice as many images give each model, and which curves cross up to there."""
    whole = [each for each in curves if not each.missing]
    if not whole:
        return [Forecast(model=each.model, refusal=_before(each)) for each in curves], []
    first = next(each for each in whole[0].answers if each is not None)
    correct = [[each.correct for each in curve.answers if each is not None] for curve in whole]
    found = error_curves(correct, first.clusters, first.folds)
    sizes, drawn = whole[0].sizes, found.drawn(_DRAWS)
    said = dict[str, Forecast]()
    laws = dict[str, tuple[PowerLaws, PowerLaws]]()
    for place, curve in enumerate(whole):
        refusal = _before(curve)
        if not refusal:
            covariance = found.of(place)
            best = fit_power_laws(sizes, found.errors[place : place + 1], covariance)
            many = fit_power_laws(sizes, drawn[:, place], covariance)
            said[curve.model] = _said(curve.model, sizes, found, place, best, many)
            refusal = said[curve.model].refusal
            if not refusal:
                laws[curve.model] = best, many
        if refusal:
            said[curve.model] = Forecast(model=curve.model, refusal=refusal)
    forecasts = [
        said.get(each.model, Forecast(model=each.model, refusal=_before(each))) for each in curves
    ]
    return forecasts, _crossings(sizes, laws)


def _before(curve: LearningCurve) -> str:
    """Return why nothing can be fitted; "" if it can."""
    if curve.missing:
        return f"no result with {', '.join(f'{each:,}' for each in curve.missing)}"
    if curve.marks:
        return f"its trials are marked: {curve.marks[0]}"
    if len(curve.sizes) < LEAST_SIZES:
        return f"a curve needs {LEAST_SIZES} sizes, and there are {len(curve.sizes)}"
    return ""


def _said(
    model: str, sizes: Sequence[int], found: ErrorCurves, place: int, best: PowerLaws,
    many: PowerLaws,
) -> Forecast:  # fmt: skip
    slope = slope_of(sizes, found.errors[place], found.of(place))
    if slope.low <= 0:
        each = f"{points(slope.low)} to {points(slope.high)} points for each doubling so far"
        return Forecast(model=model, refusal=f"its accuracy does not rise clearly ({each})")
    if chdtrc(len(sizes) - 3, best.misfit[0]) < _MISFIT:
        return Forecast(model=model, refusal="its accuracies follow no power law")
    ends = np.array([max(sizes), 2 * max(sizes)], dtype=np.float64)
    errors, fitted = many.errors(ends), best.errors(ends)
    low, high = _bounds(errors[:, 0] - errors[:, 1])
    if high - low > _WIDEST:
        return Forecast(
            model=model,
            refusal=f"its curve is too noisy ({points(low)} to {points(high)} points)",
        )
    worst, least = _bounds(1 - errors[:, 1])
    return Forecast(
        model=model,
        gain=(low, high),
        accuracy=(float(1 - fitted[0, 1]), worst, least),
        exponent=(float(best.exponent[0]), *_bounds(many.exponent)),
        limit=(float(best.limit[0]), *_bounds(many.limit)),
    )


def _crossings(
    sizes: Sequence[int], laws: dict[str, tuple[PowerLaws, PowerLaws]]
) -> list[Crossing]:
    """Return the pairs whose fitted curves cross between the least size and twice the largest."""
    places = np.geomspace(min(sizes), 2 * max(sizes), _STEPS)
    found = list[Crossing]()
    for one, other in combinations(laws, 2):
        best = (laws[one][0].errors(places) - laws[other][0].errors(places))[0]
        if best[0] * best[-1] >= 0:
            continue
        sooner, later = (one, other) if best[0] < 0 else (other, one)
        gaps = laws[sooner][1].errors(places) - laws[later][1].errors(places)  # (D, X)
        crosses = (gaps[:, 0] < 0) & (gaps[:, -1] > 0)
        where = places[(gaps[crosses] > 0).argmax(axis=1)]
        clear = float(crosses.mean()) >= _CLEAR
        found.append(
            Crossing(
                sooner=sooner,
                later=later,
                size=float(places[(best > 0).argmax() if sooner == one else (best < 0).argmax()]),
                bounds=_bounds(where) if clear else (0.0, 0.0),
                clear=clear,
            )
        )
    return found


def _bounds(values: NDArray[np.float64]) -> _Bounds:
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)
