from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from bench.data.check import check
from bench.data.drawings import draw
from bench.data.find import find
from bench.data.split import given_split
from bench.data.synthetic import synthetic_folder, write_synthetic
from registry.errors import DataError


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    """The embedded set as the harness finds it."""
    return check(find(synthetic_folder(tmp_path_factory.mktemp("cache"))))


@pytest.fixture(scope="module")
def features(manifest):
    """Its pictures (N, 3072), 32 pixels a side, and labels (N,), by name."""
    pixels, labels = _features(manifest.images, 32)
    names = [image.file.name for image in manifest.images]
    return {name: each for name, *each in zip(names, pixels, labels, strict=True)}


def test_a_drawing_depends_on_its_generator_alone():
    """The same seed gives the same pixels, another seed others."""
    first, again, other = (draw("cat", np.random.default_rng(seed)) for seed in (0, 0, 1))

    assert np.array_equal(first, again)
    assert first.shape != other.shape or not np.array_equal(first, other)


def test_the_set_is_a_usual_folder(manifest):
    """As many cats as dogs, every file a readable JPEG, no two alike."""
    assert (manifest.count(0), manifest.count(1)) == (360, 360)
    assert (manifest.rejects, manifest.duplicates) == ((), ())


def test_the_set_brings_its_test_part(manifest):
    """The last 100 of each kind test, and no other."""
    split = given_split(manifest)

    assert (len(split.train), len(split.validation), len(split.test)) == (428, 92, 200)
    assert {image.file.name for image in split.test} == {
        f"test/{kind.capitalize()}/{kind}.{index}.jpg"
        for kind in ("cat", "dog")
        for index in range(260, 360)
    }


def test_drawings_for_a_user_are_in_no_parts(tmp_path):
    """A folder with one folder per class, of the same drawings."""
    plain = write_synthetic(tmp_path / "plain", images=24)
    parted = write_synthetic(tmp_path / "parted", images=24, parts=True)
    last = Path("Dog", "dog.11.jpg")

    assert sorted(each.name for each in plain.glob("[!.]*")) == ["Cat", "Dog"]
    assert sorted(each.name for each in parted.glob("[!.]*")) == ["test", "train"]
    assert (plain / last).read_bytes() == (parted / "test" / last).read_bytes()


def test_a_finished_folder_is_kept(tmp_path):
    """The second call writes nothing."""
    folder = write_synthetic(tmp_path / "drawn", images=4)
    before = (folder / "Cat" / "cat.0.jpg").stat().st_mtime_ns

    write_synthetic(folder, images=4)

    assert (folder / "Cat" / "cat.0.jpg").stat().st_mtime_ns == before


def test_a_cut_short_folder_is_written_anew(tmp_path):
    """A picture that is missing comes back."""
    folder = write_synthetic(tmp_path / "drawn", images=4)
    (folder / "Dog" / "dog.1.jpg").unlink()

    write_synthetic(folder, images=4)

    assert (folder / "Dog" / "dog.1.jpg").exists()


def test_a_folder_of_somebody_else_is_not_touched(tmp_path):
    """Drawings never replace other files."""
    (tmp_path / "mine.txt").write_text("mine")

    with pytest.raises(DataError, match="holds other files"):
        write_synthetic(tmp_path, images=4)
    assert (tmp_path / "mine.txt").read_text() == "mine"


def _features(images, side):
    pictures = [Image.open(image.file.path).resize((side, side)) for image in images]
    pixels = np.stack([np.asarray(picture, np.float32).ravel() / 255 for picture in pictures])
    return torch.from_numpy(pixels), torch.tensor([image.file.label for image in images])


def _part(features, images):
    pixels, labels = zip(*(features[image.file.name] for image in images), strict=True)
    return torch.stack(pixels), torch.stack(labels)


@pytest.mark.parametrize("ridge", [1.0, 10.0, 100.0, 1000.0])
def test_a_linear_model_is_not_enough(manifest, features, ridge):
    """Ridge regression on the pixels stays under 65 %: a network has something to add."""
    split = given_split(manifest)
    train, labels = _part(features, split.train + split.validation)
    test, truth = _part(features, split.test)
    mean, signs = train.mean(0), 2.0 * labels - 1
    kernel = (train - mean) @ (train - mean).T
    weights = torch.linalg.solve(kernel + ridge * torch.eye(len(kernel)), signs)
    scores = (test - mean) @ (train - mean).T @ weights

    assert ((scores > 0) == truth.bool()).float().mean() < 0.65


def test_brightness_and_colour_tell_nothing(manifest, features):
    """The best threshold on any channel's mean is hardly better than chance."""
    pixels, labels = _part(features, manifest.images)
    means = pixels.view(len(pixels), -1, 3).mean(1)
    for channel in means.T:
        right = [((channel > level) == labels.bool()).float().mean() for level in channel]

        assert max(max(right), 1 - min(right)) < 0.6
