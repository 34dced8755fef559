"""Pictures of characters are not mirrored."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from bench.runs.characters import are_characters
from bench.runs.plan import make_plan
from bench.runs.progress import Progress
from bench.runs.request import Request
from bench.runs.resolve import resolve_request

_QUIET = Progress(shown=False)


@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        (("0", "1", "2"), True),
        (("digit_0", "digit_7"), True),
        (("one", "Two"), True),
        (("A", "B", "C", "D", "E"), True),
        (("A", "B"), False),
        (("cat", "dog"), False),
        (("10", "20", "300"), False),
        (("can", "cap", "car", "cat", "caw"), False),
    ],
)
def test_characters_are_known_by_their_names(classes, expected):
    """Digits, their words and an alphabet are characters; two letters may be anything."""
    assert are_characters(classes) is expected


def _flips(folder, **options) -> set[float]:
    request = Request(models=("lenet5",), data=folder, cache=False, **options)
    plan = make_plan(resolve_request(request), _QUIET)
    assert plan.about["recipe"]["augmentation"]["flip_probability"] in (0.0, 0.5)
    return {spec.recipe.augmentation.flip_probability for spec in plan.specs}


@pytest.mark.parametrize(
    ("names", "channels", "options", "expected"),
    [
        (("3", "8"), 1, {}, {0.0}),
        (("3", "8"), 3, {}, {0.5}),
        (("ant", "bee"), 1, {}, {0.5}),
        (("3", "8"), 1, {"recipe": "default"}, {0.5}),
    ],
)
def test_grey_characters_are_not_mirrored(tmp_path, names, channels, options, expected):
    """Colour, other classes, or a recipe that was asked for keep the mirrors."""
    generator = np.random.default_rng(0)
    for name in names:
        (tmp_path / name).mkdir()
        for number in range(10):
            levels = generator.integers(0, 256, (28, 28, channels), dtype=np.uint8)
            Image.fromarray(levels.squeeze()).save(tmp_path / name / f"{number}.png")

    assert _flips(tmp_path, **options) == expected
