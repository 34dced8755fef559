"""Predictions of trained networks for single images."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from bench.data.find import ImageFile
from bench.data.given_pictures import GivenPictures
from bench.data.loader import DataLoader, EvaluationDataset
from bench.data.pixel_source import DirectPixels
from bench.data.transform import normalization_of
from bench.runs.trained_weights import turn_of
from bench.training.evaluate import evaluate
from bench.training.memory_format import black_images, layout_taken
from bench.training.weights import Say, load_network
from registry.errors import RunError


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """A network's prediction for one image: the most probable class and its probability, 0 to 1.

    Attributes:
        seed: that of the network, if the place of its weights tells.
        fold: that of the network, from 1, if it was trained on folds.
        probabilities: those of all classes.
    """

    photo: str
    model: str
    seed: int | None = None
    fold: int | None = None
    predicted: str
    probability: float
    probabilities: Mapping[str, float]


def predict(
    given: GivenPictures,
    weights: Sequence[Path],
    *,
    files: Sequence[str] = (),
    say: Say = warnings.warn,
) -> Iterator[Prediction]:
    """Yield the prediction of each network in `weights` for each picture, network by network.

    `files` are classes in Python files (`./mynet.py:MyNet`) that may be imported. `say` receives
    a line if a network's code has changed, but not its answer. Memory holds the pixels of one
    batch. Raises RunError if a weights file is unusable, or a network has changed since it was
    trained.
    """
    digests = dict(zip(given.pictures, given.digests, strict=True))
    pictures = [ImageFile(path=path, label=0, name=str(path)) for path in given.pictures]
    for path in weights:
        network, published = load_network(path, files=files, say=say)
        shape = published.architecture.contract.input_shape
        view = EvaluationDataset(files=pictures, source=DirectPixels(digests), shape=shape)
        how = normalization_of(published.architecture)
        layout = layout_taken(network, black_images(2, shape), torch.float32)
        batches = DataLoader(view, batch_size=32, workers=0, normalization=how, layout=layout)
        answer = evaluate(network, batches.epoch(), device=torch.device("cpu"))
        if not np.isfinite(answer.probabilities).all():
            raise RunError(f"the network in {path} predicts values that are not finite")
        seed, fold = turn_of(path)
        for file, row in zip(pictures, answer.probabilities, strict=True):
            yield Prediction(
                photo=file.name,
                model=published.model,
                seed=seed,
                fold=fold,
                predicted=published.classes[int(row.argmax())],
                probability=float(row.max()),
                probabilities=dict(zip(published.classes, row.tolist(), strict=True)),
            )
