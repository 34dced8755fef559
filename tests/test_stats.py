from __future__ import annotations

import pytest

from bench.stats import majority_class, wilson_interval


@pytest.mark.parametrize(
    ("correct", "images", "low", "high"),
    # Newcombe 1998, Statistics in Medicine 17, table I, method 3
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_agrees_with_the_published_table(correct, images, low, high):
    """The bounds are those of Newcombe's comparison of seven methods, to four figures."""
    assert wilson_interval(correct, images) == pytest.approx((low, high), abs=5e-5)


def test_the_majority_is_the_most_frequent_label():
    """Of equals the smallest label, so that it is always the same."""
    assert majority_class([0, 1, 1]) == 1
    assert majority_class([1, 0]) == 0
