from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from bench.data.check import check
from bench.data.drawings import draw
from bench.data.find import find
from bench.data.split import stratified_split
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
    assert (manifest.count(0), manifest.count(1)) == (240, 240)
    assert (manifest.rejects, manifest.duplicates) == ((), ())


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


def test_a_linear_model_is_not_enough(manifest, features):
    """Logistic regression on the pixels stays under 70 %: a network has something to add."""
    torch.manual_seed(0)
    split = stratified_split(manifest)
    train, labels = _part(features, split.train + split.validation)
    test, truth = _part(features, split.test)
    mean = train.mean(0)
    best = 0.0
    for decay in (1e-3, 1e-2, 1e-1, 1.0):
        model = torch.nn.Linear(train.shape[1], 2)
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=decay)
        for _ in range(300):
            loss = torch.nn.functional.cross_entropy(model(train - mean), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.inference_mode():
            best = max(best, (model(test - mean).argmax(1) == truth).float().mean().item())

    assert best < 0.70


def test_brightness_and_colour_tell_nothing(manifest, features):
    """The best threshold on any channel's mean is hardly better than chance."""
    pixels, labels = _part(features, manifest.images)
    means = pixels.view(len(pixels), -1, 3).mean(1)
    for channel in means.T:
        right = [((channel > level) == labels.bool()).float().mean() for level in channel]

        assert max(max(right), 1 - min(right)) < 0.6
