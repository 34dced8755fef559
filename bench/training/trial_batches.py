"""The batches of one trial: those to train on, and those to evaluate."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from bench.data.check import CheckedImage
from bench.data.loader import DataLoader, EvaluationDataset, ImageDataset, TrainingDataset
from bench.data.pixel_source import InputShape, PixelSource
from bench.data.split import Split
from bench.data.transform import Layout, normalization_of
from bench.system.device import number_type
from bench.training.spec import TrialSpec


@dataclass(slots=True, kw_only=True)
class TrialBatches:
    """Batches of the images of `split`, as `spec` asks for them.

    Attributes:
        source: gives the pixels.
        training_shape: (C, H, W) of images to train on; evaluated ones have the network's own.
    """

    spec: TrialSpec
    split: Split
    source: PixelSource
    device: torch.device
    precision: torch.dtype
    layout: Layout
    training_shape: InputShape

    def training(self, batch_size: int | None = None, workers: int | None = None) -> DataLoader:
        """Return the batches to train on; without a size or workers, those of the specification."""
        recipe = self.spec.recipe
        dataset = TrainingDataset(
            files=[image.file for image in self.split.train],
            source=self.source,
            shape=self.training_shape,
            seed=self.spec.seed,
            augmentation=recipe.augmentation,
            fidelity=self.spec.fidelity,
            stratified=recipe.stratified_batches,
        )
        return self._loader(dataset, recipe.epochs or sys.maxsize, batch_size, workers)

    def evaluation(
        self, images: Sequence[CheckedImage], batch_size: int | None = None
    ) -> DataLoader:
        """Return batches of `images`, once each, in their order."""
        dataset = EvaluationDataset(
            files=[image.file for image in images],
            source=self.source,
            shape=self.spec.architecture.contract.input_shape,
        )
        return self._loader(dataset, 1, batch_size)

    def _loader(
        self, dataset: ImageDataset, epochs: int, batch_size: int | None, workers: int | None = None
    ) -> DataLoader:
        return DataLoader(
            dataset,
            batch_size=batch_size or self.spec.recipe.batch_size,
            workers=self.spec.workers if workers is None else workers,
            normalization=normalization_of(self.spec.architecture),
            device=self.device,
            layout=self.layout,
            epochs=epochs,
            dtype=number_type(self.precision),
        )
