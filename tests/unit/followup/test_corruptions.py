"""Each corruption agrees with a second implementation, by Pillow, SciPy or NumPy."""

from __future__ import annotations

import hashlib
import io
import math

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance
from scipy import ndimage

from bench.data.transform import keyed_generator
from bench.followup.corruptions import CORRUPTIONS, SEVERITIES

_BY_NAME = {each.name: each for each in CORRUPTIONS}
_NUMBERS = {each.name: number for number, each in enumerate(CORRUPTIONS)}
_LUMA = np.array([0.299, 0.587, 0.114])


def _photograph(seed, height=128, width=160):
    """Return a picture with the large and small shapes of a photograph."""
    draws = np.random.default_rng(seed)
    picture = np.zeros((height, width, 3))
    for size in (3, 8, 24, 64):
        cells = draws.uniform(0, 255, (size, size, 3))
        zoom = (height / size, width / size, 1)
        picture += ndimage.zoom(cells, zoom, order=1) / (1 + size / 8)
    picture -= picture.min()
    return (picture / picture.max() * 255).astype(np.uint8)


PHOTOGRAPHS = [_photograph(seed) for seed in range(6)]
DIGESTS = [hashlib.sha256(each.tobytes()).hexdigest() for each in PHOTOGRAPHS]


def _draws(name, digest):
    return keyed_generator(int(digest[:16], 16), _NUMBERS[name])


def _levels(picture):
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def _noise(picture, level, draws):
    return _levels(picture + draws.normal(0, level * 255, picture.shape))


def _blur(picture, level, draws):
    return ndimage.gaussian_filter(picture, (level / 2, level / 2, 0), mode="mirror")


def _motion(picture, level, draws):
    angle, half = draws.uniform(0, math.pi), level / 4
    shifts = np.linspace(-half, half, 41)
    moved = [
        ndimage.shift(picture.astype(float), (s * math.sin(angle), s * math.cos(angle), 0),
                      order=1, mode="mirror")
        for s in shifts
    ]  # fmt: skip
    return _levels(np.mean(moved, axis=0))


def _jpeg(picture, level, draws):
    written = io.BytesIO()
    Image.fromarray(picture).save(written, "JPEG", quality=int(level))
    return np.asarray(Image.open(written))


def _darkness(picture, level, draws):
    return np.asarray(ImageEnhance.Brightness(Image.fromarray(picture)).enhance(level))


def _contrast(picture, level, draws):
    return np.asarray(ImageEnhance.Contrast(Image.fromarray(picture)).enhance(level))


def _fog(picture, level, draws):
    banks = Image.fromarray(draws.uniform(170, 250, (4, 4)).astype(np.float32))
    size = (picture.shape[1], picture.shape[0])
    haze = np.asarray(banks.resize(size, Image.Resampling.BILINEAR))[:, :, None]
    return _levels((1 - level) * picture + level * haze)


def _grey(picture, level, draws):
    return np.asarray(ImageEnhance.Color(Image.fromarray(picture)).enhance(1 - level))


def _rotation(picture, level, draws):
    sign = 1 if draws.random() < 0.5 else -1
    return ndimage.rotate(picture, sign * level, reshape=False, order=1, mode="mirror")


def _part(picture, share, draws):
    height, width = (round(side * share) for side in picture.shape[:2])
    down, right = draws.random(2)
    top, left = (
        round(down * (picture.shape[0] - height)),
        round(right * (picture.shape[1] - width)),
    )
    return left, top, left + width, top + height


def _crop(picture, level, draws):
    return np.asarray(Image.fromarray(picture).crop(_part(picture, level, draws)))


def _occlusion(picture, level, draws):
    covered = Image.fromarray(picture)
    left, top, right, bottom = _part(picture, level, draws)
    ImageDraw.Draw(covered).rectangle((left, top, right - 1, bottom - 1), fill=(127, 127, 127))
    return np.asarray(covered)


def _small(picture, level, draws):
    whole = Image.fromarray(picture)
    share = level / min(whole.size)
    size = round(whole.width * share), round(whole.height * share)
    shrunk = whole.resize(size, Image.Resampling.BOX)
    return np.asarray(shrunk.resize(whole.size, Image.Resampling.BILINEAR))


_SECOND = {
    "noise": _noise, "blur": _blur, "motion": _motion, "JPEG": _jpeg, "darkness": _darkness,
    "contrast": _contrast, "fog": _fog, "grey": _grey, "rotation": _rotation, "crop": _crop,
    "occlusion": _occlusion, "small": _small,
}  # fmt: skip


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("name", _BY_NAME)
def test_a_corruption_agrees_with_a_second_implementation(name, severity):
    """In the mean and the standard deviation of the levels, and pixel by pixel on average."""
    corruption = _BY_NAME[name]
    for picture, digest in zip(PHOTOGRAPHS, DIGESTS, strict=True):
        ours = corruption(picture, severity, digest).astype(float)
        level = corruption.levels[severity - 1]
        second = _SECOND[name](picture, level, _draws(name, digest)).astype(float)

        assert ours.shape == second.shape
        assert ours.mean() == pytest.approx(second.mean(), abs=1.5)
        assert ours.std() == pytest.approx(second.std(), rel=0.05, abs=1.0)
        if name != "noise":  # of which the second has other draws
            assert np.abs(ours - second).mean() < 4.0


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=_BY_NAME)
def test_a_severer_corruption_is_farther_from_the_original(corruption):
    """On average over photographs; a cropped one is compared at its former size."""
    distances = []
    for severity in SEVERITIES:
        squares = []
        for picture, digest in zip(PHOTOGRAPHS, DIGESTS, strict=True):
            changed = Image.fromarray(corruption(picture, severity, digest))
            whole = np.asarray(changed.resize((160, 128), Image.Resampling.BILINEAR), float)
            squares.append(((whole - picture) ** 2).mean())
        distances.append(np.mean(squares))

    assert 1.0 < distances[0] < distances[1] < distances[2]


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=_BY_NAME)
def test_draws_depend_on_the_content_alone(corruption):
    """The same bytes whatever was corrupted before; another content has other draws."""
    first = corruption(PHOTOGRAPHS[0], 2, DIGESTS[0])
    corruption(PHOTOGRAPHS[1], 3, DIGESTS[1])
    before = PHOTOGRAPHS[0].copy()

    assert np.array_equal(corruption(PHOTOGRAPHS[0], 2, DIGESTS[0]), first)
    assert np.array_equal(PHOTOGRAPHS[0], before)
    drawn = {"noise", "motion", "fog", "crop", "occlusion"}
    other = corruption(PHOTOGRAPHS[0], 2, DIGESTS[1])
    assert np.array_equal(other, first) == (corruption.name not in drawn) or (
        corruption.name == "rotation"
    )


def test_a_grey_photograph_stays_when_its_colour_is_lost():
    """Exactly: so a network that was trained on such photographs loses nothing."""
    grey = np.repeat(_levels(PHOTOGRAPHS[0] @ _LUMA)[:, :, None], 3, axis=2)

    for severity in SEVERITIES:
        assert np.array_equal(_BY_NAME["grey"](grey, severity, DIGESTS[0]), grey)
