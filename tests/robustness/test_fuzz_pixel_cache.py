from __future__ import annotations

import math

import numpy as np
import pytest
from fuzz_pixel_cache import FAULTS, fuzz_pixel_cache

from bench.data import pixel_file


@pytest.fixture(scope="module")
def counts():
    """What became of 18 faults, three of each kind; `fuzz_pixel_cache.py 1000` makes more."""
    return fuzz_pixel_cache(18, seed=0)


def test_no_fault_of_a_cache_gives_other_pixels(counts):
    """All reads give the right pixels or an error that names the image, and no signal comes."""
    assert counts["silently wrong"] == counts["refused without a name"] == 0
    assert counts["right"] > 18 * 2 * 20


def test_each_kind_of_fault_is_tried(counts):
    """Some images are refused, too, since their files are replaced or removed."""
    assert all(counts[f"fault: {fault.__name__}"] == 3 for fault in FAULTS)
    assert counts["refused"]


def test_a_reader_that_trusts_is_noticed(monkeypatch):
    """Where no image's digest is compared, altered pixels are taken for the right ones."""

    def read(self, number):
        offset, *shape, _ = self._index[number].item()
        return np.frombuffer(self._bytes(offset, math.prod(shape)), "u1").reshape(shape)

    monkeypatch.setattr(pixel_file.PixelFile, "read", read)

    assert fuzz_pixel_cache(6, seed=0)["silently wrong"]
