from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from drawn_folder import noise
from PIL import Image
from scipy.stats import ks_2samp
from torchvision import transforms
from torchvision.transforms.v2.functional import (
    adjust_brightness,
    adjust_contrast,
    adjust_saturation,
)

from bench.data.batch_options import Augmentation
from bench.data.decode import decode
from bench.data.find import find
from bench.data.transform import (
    GREY,
    IMAGENET,
    MEMORY_FORMATS,
    evaluation_pixels,
    keyed_generator,
    normalize_batch,
    normalize_on_device,
    random_box,
    training_pixels,
)


@pytest.mark.parametrize("size", [(500, 375), (300, 451), (256, 256), (90, 700)])
@pytest.mark.parametrize("side", [224, 227, 256])
def test_evaluation_pixels_are_torchvisions(size, side):
    """Resize 256 and centre crop give the very bytes that torchvision's transforms give."""
    picture = noise(3, *size)
    reference = transforms.Compose([transforms.Resize(256), transforms.CenterCrop(side)])

    assert np.array_equal(
        evaluation_pixels(np.asarray(picture), (3, side, side)), np.asarray(reference(picture))
    )


def test_small_inputs_see_the_whole_picture():
    """An input of 32 pixels sees 32 of 37, not a keyhole of 32 in 256."""
    picture = noise(3, 320, 320)
    reference = transforms.Compose([transforms.Resize(37), transforms.CenterCrop(32)])

    pixels = evaluation_pixels(np.asarray(picture), (3, 32, 32))

    assert np.array_equal(pixels, np.asarray(reference(picture)))


@pytest.mark.parametrize("size", [(90, 2000), (2000, 90)])
@pytest.mark.parametrize("shape", [(3, 224, 224), (3, 64, 96), (1, 32, 32)])
def test_centre_of_long_picture_is_centre_of_whole_one(monkeypatch, size, shape):
    """Resized alone, it differs by one level at most from the one cut out afterwards."""
    picture = np.asarray(noise(3, *size))
    whole = evaluation_pixels(picture, shape).astype(int)
    monkeypatch.setattr("bench.data.transform._MOST_RESIZED", 1)

    assert np.abs(evaluation_pixels(picture, shape) - whole).max() <= 1


@pytest.mark.parametrize("size", [(1, 20_000), (20_000, 1), (3, 200_000), (3_000_000, 1), (1, 1)])
@pytest.mark.parametrize("shape", [(3, 224, 224), (1, 512, 512)])
def test_extreme_picture_takes_no_large_memory(size, shape):
    """However long, its centre and its random parts have the size of the input."""
    width, height = size
    picture = np.full((height, width, 3), 90, np.uint8)
    centre = evaluation_pixels(picture, shape)
    part = training_pixels(picture, shape, Augmentation(), keyed_generator(0, 1))

    assert centre.shape == part.shape == (*shape[1:], shape[0])
    assert centre.min() == centre.max() == part.min() == part.max() == 90


def test_grey_inputs_are_converted():
    """An architecture with one input channel sees grey levels."""
    assert evaluation_pixels(np.asarray(noise(3, 64, 64)), (1, 32, 32)).shape == (32, 32, 1)


def test_training_pixels_are_the_box_resized_by_pillow():
    """What is cut and resized is what torchvision gives for the same box, mirrored or not."""
    picture = noise(5, 500, 375)
    whole = Augmentation(flip_probability=0.0)
    box = random_box(500, 375, whole.scale, keyed_generator(1, 1, 2, 3))
    left, top, right, bottom = box
    reference = transforms.functional.resized_crop(
        picture, top, left, bottom - top, right - left, [224, 224]
    )

    pixels = training_pixels(np.asarray(picture), (3, 224, 224), whole, keyed_generator(1, 1, 2, 3))

    assert np.array_equal(pixels, np.asarray(reference))


def _smooth():
    levels = np.linspace(60, 180, 100)
    return np.stack([*np.meshgrid(levels, levels), np.full((100, 100), 90.0)], 2).astype(np.uint8)


def test_colours_are_changed_as_torchvision_changes_them():
    """Brightness, saturation and contrast, each drawn once, within what three roundings make."""
    strength, whole = 0.4, Augmentation(scale=(1.0, 1.0), flip_probability=0.0)
    jittered = replace(whole, color_jitter=strength)
    for number in range(20):
        plain, changed = (
            training_pixels(_smooth(), (3, 64, 64), each, keyed_generator(0, number))
            for each in (whole, jittered)
        )
        brightness, contrast, saturation = _drawn_after(whole, number, strength)
        reference = torch.from_numpy(plain.copy()).permute(2, 0, 1)
        reference = adjust_saturation(adjust_brightness(reference, brightness), saturation)
        reference = adjust_contrast(reference, contrast).permute(1, 2, 0).numpy()
        assert np.abs(reference.astype(int) - changed).max() <= 3
        assert not np.array_equal(plain, changed)


def _drawn_after(augmentation, number, strength):
    """Return the three factors that come after the box and the mirroring."""
    generator = keyed_generator(0, number)
    random_box(100, 100, augmentation.scale, generator)
    generator.random()
    return generator.uniform(1 - strength, 1 + strength, 3)


def test_grey_images_are_jittered_too():
    """One channel has brightness and contrast, and no colour to lose."""
    how = Augmentation(flip_probability=0.0, color_jitter=0.4)
    drawn = [training_pixels(_smooth(), (1, 32, 32), how, keyed_generator(0, n)) for n in (0, 1)]

    assert [each.shape for each in drawn] == [(32, 32, 1)] * 2
    assert abs(drawn[0].mean() - drawn[1].mean()) > 1


@pytest.mark.parametrize("fidelity", ["exact", "fast"])
@pytest.mark.parametrize("channels", [1, 3])
def test_mirroring_mirrors(fidelity, channels):
    """With probability one every picture is mirrored."""
    picture = np.asarray(noise(5, 100, 100))
    plain, mirrored = (
        training_pixels(
            picture,
            (channels, 64, 64),
            Augmentation(flip_probability=probability),
            keyed_generator(1),
            fidelity,
        )
        for probability in (0.0, 1.0)
    )

    assert np.array_equal(mirrored, plain[:, ::-1])
    assert not np.array_equal(mirrored, plain)


@pytest.mark.parametrize("layout", ["channels_last", "contiguous"])
@pytest.mark.parametrize("channels", [1, 3])
def test_normalized_is_torchvisions(layout, channels):
    """ToTensor and Normalize, to the last bit, in the memory order that was asked for."""
    pixels = [np.array(noise(seed))[:, :, :channels] for seed in range(3)]
    how = GREY if channels == 1 else IMAGENET
    chain = transforms.Compose([transforms.ToTensor(), transforms.Normalize(how.mean, how.std)])
    images = normalize_batch(pixels, how, layout)

    assert torch.equal(images, torch.stack([chain(levels) for levels in pixels]))
    assert images.is_contiguous(memory_format=MEMORY_FORMATS[layout])


@pytest.mark.parametrize("layout", ["channels_last", "contiguous"])
def test_normalized_on_a_device_is_the_same(layout):
    """What is normalised after it has crossed to a device has the same values."""
    pixels = [np.asarray(noise(seed)) for seed in range(3)]
    crossed = normalize_on_device(
        torch.from_numpy(np.stack(pixels)), IMAGENET, torch.device("cpu"), layout
    )

    assert torch.equal(crossed, normalize_batch(pixels, IMAGENET, layout))
    assert crossed.is_contiguous(memory_format=MEMORY_FORMATS[layout])


def _photographs(folder):
    return [np.asarray(decode(image.path)) for image in find(folder).images]


@pytest.mark.photographs
def test_exact_pixels_are_torchvisions_on_every_photograph(chapter_photographs):
    """Tensors equal, bit for bit, what torchvision's transforms give for the same box."""
    augmentation = Augmentation(flip_probability=0.0)
    tail = transforms.Compose(
        [transforms.ToTensor(), transforms.Normalize(IMAGENET.mean, IMAGENET.std)]
    )
    for number, picture in enumerate(_photographs(chapter_photographs)):
        height, width, _ = picture.shape
        left, top, right, bottom = random_box(
            width, height, augmentation.scale, keyed_generator(0, number)
        )
        reference = transforms.functional.resized_crop(
            Image.fromarray(picture), top, left, bottom - top, right - left, [224, 224]
        )
        pixels = training_pixels(picture, (3, 224, 224), augmentation, keyed_generator(0, number))

        assert torch.equal(normalize_batch([pixels])[0], tail(reference))


@pytest.mark.photographs
def test_fast_pixels_are_two_levels_away_at_most(chapter_photographs):
    """On every photograph torch's resize is within 2 of 255 of Pillow's, and not the same."""
    worst = 0
    for number, picture in enumerate(_photographs(chapter_photographs)):
        exact, fast = (
            training_pixels(
                picture, (3, 224, 224), Augmentation(), keyed_generator(0, number), fidelity
            )
            for fidelity in ("exact", "fast")
        )
        worst = max(worst, int(np.abs(exact.astype(int) - fast).max()))

    assert 1 <= worst <= 2


def test_random_boxes_are_distributed_as_torchvisions():
    """Area, ratio and position of 4,000 boxes can't be told from RandomResizedCrop's."""
    ours, theirs = [], []
    picture = Image.new("RGB", (500, 375))
    for index in range(4000):
        left, top, right, bottom = random_box(500, 375, (0.5, 1.0), keyed_generator(0, index))
        ours.append((left, top, right - left, bottom - top))
        i, j, h, w = transforms.RandomResizedCrop.get_params(picture, [0.5, 1.0], [3 / 4, 4 / 3])
        theirs.append((j, i, w, h))
    mine, reference = np.array(ours, float), np.array(theirs, float)

    for measure in (
        lambda boxes: boxes[:, 2] * boxes[:, 3],
        lambda boxes: boxes[:, 2] / boxes[:, 3],
        lambda boxes: boxes[:, 0],
        lambda boxes: boxes[:, 1],
    ):
        assert ks_2samp(measure(mine), measure(reference)).pvalue > 1e-4


def test_another_distribution_would_be_noticed():
    """The test above can fail: boxes of 40 % upward are told from boxes of 50 % upward."""
    areas = []
    for low in (0.5, 0.4):
        boxes = [random_box(500, 375, (low, 1.0), keyed_generator(0, i)) for i in range(4000)]
        areas.append([(right - left) * (bottom - top) for left, top, right, bottom in boxes])

    assert ks_2samp(*areas).pvalue < 1e-4


def test_draws_depend_on_their_key_alone():
    """The same key gives the same draw, another seed, epoch or image another one."""
    first = keyed_generator(1, 2, 3).random()

    assert keyed_generator(1, 2, 3).random() == first
    keys = [(1, 2, 3), (2, 2, 3), (1, 3, 3), (1, 2, 4)]
    assert len({keyed_generator(*key).random() for key in keys}) == 4
