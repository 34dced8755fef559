"""One part of the data as a network of one input shape meets it: image by image, as levels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bench.data.find import ImageFile
from bench.data.pixel_source import PixelSource
from bench.data.transform import (
    Augmentation,
    Fidelity,
    Pixels,
    keyed_generator,
    training_pixels,
)

_ORDER, _IMAGE = 0, 1  # first counter of the keyed generator: what is drawn


class ImageDataset(Protocol):
    """Images in an order, each as levels (H, W, C)."""

    @property
    def files(self) -> Sequence[ImageFile]:
        """The images, with their labels."""

    def order(self, epoch: int) -> NDArray[np.int64]:
        """Return the order in which `epoch` has the images."""

    def picture(self, index: int) -> Pixels:
        """Return what is kept of the image `index`, decoded if need be."""

    def pixels(self, picture: Pixels, index: int, epoch: int) -> Pixels:
        """Return what the network sees of `picture` in `epoch` (H, W, C)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingDataset:
    """Random parts in a random order, keyed by (seed, epoch, image) and by nothing else.

    So neither the number of workers nor the order of calls nor a resume changes a batch.

    Attributes:
        stratified: the random order has each class evenly, so that each batch has of it, to one
            image or two, the share that the whole has. While it is not known yet what the classes
            look like, all that a batch says is which of them it has more of, and Adam's first
            steps, all of one size, lead a network with wide layers to answer that one always.
            Source: P. Zhao, T. Zhang 2014, arXiv:1405.3080.
    """

    files: Sequence[ImageFile]
    source: PixelSource
    shape: tuple[int, int, int]
    seed: int
    augmentation: Augmentation
    fidelity: Fidelity = "exact"
    stratified: bool = False

    def order(self, epoch: int) -> NDArray[np.int64]:
        """Return the images shuffled."""
        generator = keyed_generator(self.seed, _ORDER, epoch)
        order = np.arange(len(self.files))
        generator.shuffle(order)
        if not self.stratified:
            return order
        labels = np.array([file.label for file in self.files])[order]
        return order[np.argsort(_even_places(labels, generator), kind="stable")]

    def picture(self, index: int) -> Pixels:
        """Return the whole picture (H, W, 3)."""
        return self.source.full(self.files[index])

    def pixels(self, picture: Pixels, index: int, epoch: int) -> Pixels:
        """Return the random part that is image `index`'s in `epoch`."""
        generator = keyed_generator(self.seed, _IMAGE, epoch, index)
        return training_pixels(picture, self.shape, self.augmentation, generator, self.fidelity)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationDataset:
    """Centres in the files' order, always the same."""

    files: Sequence[ImageFile]
    source: PixelSource
    shape: tuple[int, int, int]

    def order(self, epoch: int) -> NDArray[np.int64]:
        """Return the images as they come."""
        return np.arange(len(self.files))

    def picture(self, index: int) -> Pixels:
        """Return the centre (H, W, C)."""
        return self.source.centre(self.files[index], self.shape)

    def pixels(self, picture: Pixels, index: int, epoch: int) -> Pixels:
        """Return the centre as it is."""
        return picture


def _even_places(labels: NDArray[np.int64], generator: np.random.Generator) -> NDArray[np.float64]:
    """Return a place from 0 to 1 for each image: of n of a class, one at random in each nth."""
    places = np.empty(len(labels))
    for label in np.unique(labels):
        count = int((labels == label).sum())
        places[labels == label] = (np.arange(count) + generator.random(count)) / count
    return places
