"""Two samples whose numbers are not paired."""

from __future__ import annotations

import math
from collections.abc import Sequence


def rank_sum_p(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the two-sided p that numbers so far apart come of one distribution.

    Exact for up to eight numbers without ties, else by the normal approximation.
    Source: H. B. Mann, D. R. Whitney 1947, Ann. Math. Statist. 18, 50-60.
    """
    from scipy.stats import mannwhitneyu  # a second or two, which only a comparison of runs needs

    return float(mannwhitneyu(first, second).pvalue)


def least_rank_sum_p(first: int, second: int) -> float:
    """Return the smallest p that so many numbers can have: 2 of all ways to deal them."""
    return min(1.0, 2 / math.comb(first + second, first))
