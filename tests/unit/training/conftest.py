"""What tests of training share."""

from __future__ import annotations

import pytest
from drawn_folder import draw_folder

from bench.data.check import check
from bench.data.find import find
from bench.data.split import stratified_split


@pytest.fixture(scope="module")
def split(tmp_path_factory):
    """16 images to train, 4 to validate, 4 to test."""
    return stratified_split(check(find(draw_folder(tmp_path_factory.mktemp("resume") / "drawn"))))
