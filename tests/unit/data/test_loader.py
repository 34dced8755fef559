from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from drawn_folder import draw_folder

from bench.data.batch_options import Augmentation
from bench.data.find import ImageFile, find
from bench.data.loader import DataLoader, EvaluationDataset, TrainingDataset
from bench.data.pixel_source import DirectPixels
from bench.data.transform import GREY, IMAGENET


def _batches(folder, **changes):
    return _of(find(folder).images, **changes)


def _of(files, *, shape=(3, 32, 32), augmented=True, seed=0, batch_size=5, **options):
    if augmented:
        view = TrainingDataset(
            files=files,
            source=DirectPixels(),
            shape=shape,
            seed=seed,
            augmentation=Augmentation(),
        )
    else:
        view = EvaluationDataset(files=files, source=DirectPixels(), shape=shape)
    how = GREY if shape[0] == 1 else IMAGENET
    return DataLoader(view, batch_size=batch_size, normalization=how, **options)


def _epoch(batches, epoch=0):
    return torch.cat([batch.images for batch in batches.epoch(epoch)])


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_workers_change_nothing(drawn, workers):
    """The batches with none, one and three workers are equal to the bit."""
    assert torch.equal(_epoch(_batches(drawn, workers=workers)), _epoch(_batches(drawn, workers=0)))


def test_an_epoch_does_not_depend_on_those_before(drawn):
    """Epoch 3 is the same whether it is asked for first or last."""
    batches = _batches(drawn)
    later = [_epoch(batches, epoch) for epoch in (0, 1, 3)][-1]

    assert torch.equal(_epoch(_batches(drawn), 3), later)


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_batches_made_ahead_of_an_epoch_are_its_own(drawn, workers):
    """Epochs in a row, the next begun before the last one ends, and then one out of turn."""
    batches = _batches(drawn, workers=workers, epochs=3)

    for epoch in (0, 1, 0, 2):
        assert torch.equal(_epoch(batches, epoch), _epoch(_batches(drawn, workers=0), epoch))


def test_an_epoch_left_early_can_be_had_again(drawn):
    """Who stops after one batch gets all of them the next time."""
    batches = _batches(drawn, epochs=2)
    next(iter(batches.epoch(0)))

    assert torch.equal(_epoch(batches, 0), _epoch(_batches(drawn, workers=0), 0))


def test_time_spent_on_batches_is_counted(drawn):
    """Reading, transforming and waiting are each more than nothing."""
    batches = _batches(drawn)
    _epoch(batches)

    assert min(batches.read_seconds, batches.transform_seconds, batches.wait_seconds) > 0


def test_seeds_and_epochs_differ(drawn):
    """Another seed or epoch gives another order and other parts."""
    first = _epoch(_batches(drawn))

    assert not torch.equal(_epoch(_batches(drawn), 1), first)
    assert not torch.equal(_epoch(_batches(drawn, seed=1)), first)


def test_every_image_comes_once(drawn):
    """An epoch is a permutation: as many labels of each class as there are images."""
    labels = torch.cat([batch.labels for batch in _batches(drawn).epoch(2)])

    assert labels.bincount().tolist() == [12, 12]
    assert labels.dtype == torch.int64


def test_evaluation_is_in_order(drawn):
    """Without augmentation the files' order is kept and nothing is random."""
    batches = _batches(drawn, augmented=False)
    labels = torch.cat([batch.labels for batch in batches.epoch()])

    assert labels.tolist() == [0] * 12 + [1] * 12
    assert torch.equal(_epoch(batches, 0), _epoch(batches, 1))


def test_images_are_normalised_and_channels_last(drawn):
    """ImageNet's mean and deviation are applied to levels of 0 to 1; memory is channels last."""
    (batch,) = list(_batches(drawn, augmented=False, batch_size=24).epoch())
    white = (1 - torch.tensor([0.485, 0.456, 0.406])) / torch.tensor([0.229, 0.224, 0.225])

    assert batch.images.is_contiguous(memory_format=torch.channels_last)
    assert (batch.images.amax((0, 2, 3)) <= white + 1e-5).all()


def test_a_last_batch_of_one_is_joined(drawn, tmp_path):
    """23 and one would leave a batch of one, which batch normalisation can't use."""
    sizes = [len(batch.labels) for batch in _batches(drawn, batch_size=23).epoch()]

    assert sizes == [24]


def test_a_grey_network_sees_grey(drawn):
    """One input channel gives (N, 1, H, W)."""
    (batch,) = list(_batches(drawn, shape=(1, 32, 32), batch_size=24).epoch())

    assert batch.images.shape == (24, 1, 32, 32)


def test_a_file_that_vanishes_is_an_error_not_a_hang(tmp_path):
    """What a worker raises reaches the caller."""
    images = list(find(draw_folder(tmp_path / "drawn")).images)
    images[3] = replace(images[3], path=tmp_path / "gone.jpg")
    batches = _of(images, batch_size=4)

    with pytest.raises(Exception, match="No such file"):
        list(batches.epoch())


def _classes(counts):
    return [
        ImageFile(path=Path(f"{label}-{number}.jpg"), label=label, name=f"{label}-{number}.jpg")
        for label, count in enumerate(counts)
        for number in range(count)
    ]


@pytest.mark.parametrize("counts", [(200, 200), (300, 100), (10, 90, 33), (7,)])
def test_stratified_batches_have_each_class_evenly(counts):
    """All images once in each epoch, in another order, and in each batch the shares of all."""
    files = _classes(counts)
    view = TrainingDataset(files=files, source=DirectPixels(), shape=(3, 32, 32), seed=1,
                        augmentation=Augmentation(), stratified=True)  # fmt: skip
    labels = np.array([file.label for file in files])
    orders = [view.order(epoch) for epoch in range(20)]
    share = 16 * np.array(counts) / len(files)

    def unevenness(view):
        firsts = (labels[view.order(epoch)[:16]] for epoch in range(20))
        found = [np.bincount(first, minlength=len(counts)) for first in firsts]
        return np.abs(np.array(found) - share).mean()

    for order in orders:
        assert sorted(order) == list(range(len(files)))
        for start in range(0, len(files) - 15, 16):
            found = np.bincount(labels[order[start : start + 16]], minlength=len(counts))
            assert np.abs(found - share).max() <= 2
    assert len({tuple(order) for order in orders}) == 20
    assert not np.array_equal(orders[0], replace(view, seed=2).order(0))
    if len(counts) > 1:
        assert unevenness(replace(view, stratified=False)) > 1.5 * unevenness(view)


def test_each_image_of_an_epoch_has_a_part_of_its_own(drawn):
    """One picture that is there 24 times is cut otherwise each time, and each time it is asked."""
    first = find(drawn).images[0]
    cuts = _epoch(_of([first] * 24))

    assert len({cut.numpy().tobytes() for cut in cuts}) > 20


@pytest.mark.parametrize("workers", [0, 2])
def test_later_parts_of_a_training_have_images_of_their_size(drawn, workers):
    """Each batch has the size of its part, whichever epoch it is in, and whoever begins there."""
    batches = _batches(drawn, workers=workers, epochs=2)
    batches.later = (replace(batches.view, shape=(3, 48, 48)),)
    first = len(batches) + 2  # of the later part
    batches.part_of = lambda number: int(number >= first)

    sides = [[batch.images.shape[-1] for batch in batches.epoch(epoch)] for epoch in range(2)]
    resumed = next(batches.epoch(1, 2)).images

    assert sides == [[32] * len(batches), [32] * 2 + [48] * (len(batches) - 2)]
    assert torch.equal(resumed, [*_batches(drawn, shape=(3, 48, 48)).epoch(1)][2].images)
