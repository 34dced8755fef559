"""Predictions of trained networks for single images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from bench.data.decode_pool import examine
from bench.data.facts import Flaw
from bench.data.find import ImageFile
from bench.data.loader import DataLoader, EvaluationDataset
from bench.data.pixel_source import DirectPixels
from bench.data.transform import normalization_of
from bench.training.evaluate import evaluate
from bench.training.weights import load_network
from registry.errors import DataError, RunError


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """A network's prediction for one image: the most probable class and its probability, 0 to 1."""

    photo: str
    model: str
    predicted: str
    probability: float


def find_weights(run: Path, *, best: bool = False) -> tuple[Path, ...]:
    """Return the weights in a run folder, one file a trial: of the last or the best epoch.

    `run` may also be a trial's folder or a weights file. Raises RunError if there are none.
    """
    try:
        if run.is_file():
            return (run,)
        found = sorted(run.rglob("weights.safetensors"))
    except OSError as error:
        raise RunError(f"cannot search {run} for weights: {error.strerror}") from error
    if not found:
        raise RunError(f"no weights in {run}: name the folder that `zoo bench` printed last")
    if best:  # without such a file the last epoch is the best
        others = [path.with_name("weights-best.safetensors") for path in found]
        found = [b if b.exists() else path for b, path in zip(others, found, strict=True)]
    return tuple(found)


def predict(
    photos: Sequence[Path], weights: Sequence[Path], *, files: Sequence[str] = ()
) -> Iterator[Prediction]:
    """Yield the prediction of each network in `weights` for each of `photos`, network by network.

    `files` are classes in Python files (`./mynet.py:MyNet`) that may be imported. Raises DataError
    before any prediction if an image cannot be read; RunError if a weights file is unusable.
    """
    digests = dict[Path, str]()
    for photo, found in zip(photos, examine(photos), strict=True):  # decoded in a sandbox
        if isinstance(found.verdict, Flaw):
            raise DataError(f"cannot read {photo}: {found.verdict.reason}")
        digests[photo] = found.sha256
    pictures = [ImageFile(path=photo, label=0, name=str(photo)) for photo in photos]
    for path in weights:
        network, published = load_network(path, files=files)
        shape = published.architecture.contract.input_shape
        view = EvaluationDataset(files=pictures, source=DirectPixels(digests), shape=shape)
        how = normalization_of(published.architecture)
        batches = DataLoader(view, batch_size=32, workers=0, normalization=how)
        answer = evaluate(network, batches.epoch(), device=torch.device("cpu"))
        if not bool(answer.probabilities.isfinite().all()):
            raise RunError(f"the network in {path} predicts values that are not finite")
        for file, row in zip(pictures, answer.probabilities, strict=True):
            yield Prediction(
                photo=file.name,
                model=published.model,
                predicted=published.classes[int(row.argmax())],
                probability=float(row.max()),
            )
