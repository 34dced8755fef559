"""The batches of one trial: for training and for evaluation."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from bench.data.batch_options import Layout
from bench.data.check import CheckedImage
from bench.data.loader import DataLoader, EvaluationDataset, ImageDataset, TrainingDataset
from bench.data.pixel_source import InputShape, PixelSource
from bench.data.split import Split
from bench.data.transform import MEMORY_FORMATS, normalization_of
from bench.system.device import number_type
from bench.training.batch_statistics import IMAGES
from bench.training.recipe import Recipe
from bench.training.spec import TrialSpec


@dataclass(slots=True, kw_only=True)
class TrialBatches:
    """The batches of `split` for `spec`: images (C, H, W) of the shape that the network takes.

    Training images have the `training_shapes`, each in its part of the training.
    """

    spec: TrialSpec
    split: Split
    source: PixelSource
    device: torch.device
    precision: torch.dtype
    layout: Layout
    recipe: Recipe
    training_shapes: tuple[InputShape, ...]

    def training(self, batch_size: int | None = None, workers: int | None = None) -> DataLoader:
        """Return the training batches; size and workers default to the specification's.

        Batches of another size are for a look at images of the last shape.
        """
        epochs = self.recipe.epochs or sys.maxsize
        views = [self._training_images(shape) for shape in self.training_shapes]
        if batch_size is not None:
            views = views[-1:]
        return self._loader(views, epochs, batch_size, workers)

    def seen(self) -> DataLoader:
        """Return batches of training images as in evaluation, for `refresh_statistics`.

        They are the same for each pass, and have the classes in the shares of all.
        """
        images = self._training_images(self.training_shapes[-1])
        order = replace(images, stratified=True).order(0)
        return self.evaluation([self.split.train[index] for index in order[:IMAGES]])

    def evaluation(
        self, images: Sequence[CheckedImage], batch_size: int | None = None
    ) -> DataLoader:
        """Return batches of `images`, each image once and in order."""
        dataset = EvaluationDataset(
            files=[image.file for image in images],
            source=self.source,
            shape=self.spec.architecture.contract.input_shape,
        )
        return self._loader([dataset], 1, batch_size)

    def first_of(self, images: Sequence[CheckedImage]) -> torch.Tensor:
        """Return all `images`, (N, C, H, W), in one batch."""
        batch: torch.Tensor = next(self.evaluation(images, len(images)).epoch()).images
        return batch

    def blank(self, count: int, shape: InputShape) -> torch.Tensor:
        """Return `count` images of `shape`, (N, C, H, W), all zeros."""
        zeros = torch.zeros(count, *shape, device=self.device, dtype=number_type(self.precision))
        return zeros.contiguous(memory_format=MEMORY_FORMATS[self.layout])

    def _training_images(self, shape: InputShape) -> TrainingDataset:
        recipe = self.recipe
        return TrainingDataset(
            files=[image.file for image in self.split.train],
            source=self.source,
            shape=shape,
            seed=self.spec.seed,
            augmentation=recipe.augmentation,
            fidelity=self.spec.fidelity,
            stratified=recipe.stratified_batches,
        )

    def _loader(
        self,
        views: Sequence[ImageDataset],
        epochs: int,
        batch_size: int | None,
        workers: int | None = None,
    ) -> DataLoader:
        return DataLoader(
            views[0],
            later=views[1:],
            batch_size=batch_size or self.recipe.batch_size,
            workers=self.spec.workers if workers is None else workers,
            normalization=normalization_of(self.spec.architecture),
            device=self.device,
            layout=self.layout,
            epochs=epochs,
            dtype=number_type(self.precision),
        )
