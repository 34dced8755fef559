"""Times of the parts, each beside its plain reference in the same run: compare ratios.

A ratio is the reference's time over ours: above 1, ours is faster.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from chapter import Photographs, Transform
from PIL import Image
from torch import nn, optim
from torch.utils.data import DataLoader as TorchLoader

import registry
from bench.data.batch_options import Augmentation
from bench.data.decode import decode
from bench.data.loader import Batch, DataLoader, EvaluationDataset, TrainingDataset
from bench.data.pixel_cache import open_pixel_cache
from bench.data.pixel_source import DirectPixels
from bench.data.transform import IMAGENET, MEMORY_FORMATS
from bench.runs.progress import Progress
from bench.system.cpu import tune_allocator
from bench.training.memory_format import choose_layout
from bench.training.recipe import TEXTBOOK
from bench.training.train_state import TrainState

_CPU = torch.device("cpu")
_SHAPE = (3, 224, 224)
_QUIET = Progress(shown=False)


@pytest.fixture(scope="session")
def images(checked):
    """96 images, cats and dogs."""
    return checked[:: len(checked) // 96][:96]


@pytest.fixture(scope="session")
def source(images, tmp_path_factory):
    """Their pixels, cached."""
    folder = tmp_path_factory.mktemp("pixels")
    return open_pixel_cache(images, images, [_SHAPE], folder=folder, threads=2, report=_QUIET)


def _chapters(images, phase):
    return Photographs([image.file.path for image in images], Transform(_SHAPE[-1]), phase)


def _against_the_chapters(against, images, view, phase):
    """Time the batches of `view`, made in this thread, against the chapter's of the same images."""
    ours = DataLoader(view, batch_size=32, normalization=IMAGENET, workers=0)
    plain = TorchLoader(_chapters(images, phase), batch_size=32, shuffle=False)
    against(
        lambda: list(ours.epoch()),
        lambda: list(plain),
        told="the chapter's transforms in a DataLoader",
        images=len(images),
    )


def _training(images, source, fidelity="exact", shape=_SHAPE):
    return TrainingDataset(
        files=[image.file for image in images],
        source=source,
        shape=shape,
        seed=0,
        augmentation=Augmentation(),
        fidelity=fidelity,
    )


def test_list(benchmark):
    """`zoo list`, the whole process."""
    benchmark(
        subprocess.run, [sys.executable, "-m", "zoo", "list"], capture_output=True, check=True
    )


def test_decode(against, images):
    """The strict decoder, which refuses what is damaged."""
    paths = [image.file.path for image in images]
    against(
        lambda: [np.asarray(decode(path)) for path in paths],
        lambda: [np.asarray(Image.open(path).convert("RGB")) for path in paths],
        told="Image.open(path).convert('RGB')",
        images=len(paths),
    )


def test_cache_build(against, images, tmp_path):
    """All images decoded by two threads, written and synced: what an epoch of the chapter costs."""
    runs = iter(range(100))
    dataset = _chapters(images, "train")
    against(
        lambda: open_pixel_cache(
            images, (), (), folder=tmp_path / str(next(runs)), threads=2, report=_QUIET
        ),
        lambda: [dataset[index] for index in range(len(dataset))],
        told="the chapter's data set, once through",
        images=len(images),
    )


def test_cache_open(against, checked, tmp_path):
    """A cache that is there, whatever its size, against decoding one image."""

    def open_():
        return open_pixel_cache(checked, (), (), folder=tmp_path, threads=2, report=_QUIET)

    open_()
    path = checked[0].file.path
    against(open_, lambda: decode(path), told="decoding one image", images=len(checked))


@pytest.mark.parametrize("fidelity", ["exact", "fast"])
def test_training_transform(against, images, source, fidelity):
    """Random part, resize, mirror, normalise, stack: from cached pixels, in this thread."""
    _against_the_chapters(against, images, _training(images, source, fidelity), "train")


def test_validation_transform(against, images, source):
    """Centres, from the cache."""
    files = [image.file for image in images]
    view = EvaluationDataset(files=files, source=source, shape=_SHAPE)
    _against_the_chapters(against, images, view, "val")


def test_uncached_transform(against, images):
    """Where no cache fits: each image decoded each time, in this thread."""
    _against_the_chapters(against, images, _training(images, DirectPixels()), "train")


def _layout(architecture, folder):
    return choose_layout(
        architecture,
        "benchmark",
        device=_CPU,
        precision=torch.float32,
        threads=torch.get_num_threads(),
        folder=folder,
    )


def _steps(architecture, layout):
    torch.manual_seed(0)
    network = architecture.build(num_classes=2).to(memory_format=MEMORY_FORMATS[layout])
    return TrainState(network, TEXTBOOK, device=_CPU, precision=torch.float32, phases=None)


@pytest.mark.parametrize("name", ["lenet5", "lenet", "alexnet"])
def test_step(against, name, tmp_path):
    """A training step at batch 32 as this project makes it, against torch's defaults.

    Both keep freed memory here, since one process has one allocator: what that is worth on glibc
    is seen in whole runs only.
    """
    tune_allocator()
    architecture = registry.get(name)
    layout = _layout(architecture, tmp_path)
    images = torch.randn(32, *architecture.contract.input_shape)
    labels = torch.arange(32) % 2
    ours = _steps(architecture, layout)
    batch = Batch(images=images.contiguous(memory_format=MEMORY_FORMATS[layout]), labels=labels)
    torch.manual_seed(0)
    network = architecture.build(num_classes=2)
    optimizer = optim.SGD(network.parameters(), lr=0.001, momentum=0.9)
    criterion = nn.CrossEntropyLoss()

    def plain():
        optimizer.zero_grad()
        criterion(network(images), labels).backward()
        optimizer.step()

    against(lambda: ours.epoch([batch]), plain, told="torch's defaults", images=32)


@pytest.mark.parametrize("fidelity", ["exact", "fast"])
@pytest.mark.parametrize("name", ["lenet", "alexnet"])
def test_epoch(against, checked, name, fidelity, tmp_path):
    """192 images through the loader, against the same steps on one batch held in memory.

    The data vanishes behind the steps as the ratio nears 1.
    """
    tune_allocator()
    architecture = registry.get(name)
    shape = architecture.contract.input_shape
    images = checked[:192]
    cached = open_pixel_cache(images, (), (), folder=tmp_path, threads=2, report=_QUIET)
    layout = _layout(architecture, tmp_path)
    batches = DataLoader(
        _training(images, cached, fidelity, shape),
        batch_size=32,
        normalization=IMAGENET,
        layout=layout,
        epochs=1000,
    )
    steps = _steps(architecture, layout)
    fixed = list(batches.epoch(0))[:1] * len(batches)
    epochs = iter(range(1, 1000))
    against(
        lambda: steps.epoch(batches.epoch(next(epochs))),
        lambda: steps.epoch(fixed),
        told="the same steps on one fixed batch",
        images=len(images),
    )


_WHOLE = Path(__file__).with_name("chapter.py")


@pytest.mark.parametrize("name", ["lenet", "alexnet"])
def test_whole_run(against, folder, name, tmp_path):
    """From the shell to the table by the textbook recipe, caches warm; $EPOCHS, or two, of it."""
    if "synthetic" in folder.name:
        pytest.skip("the chapter's split needs the chapter's photographs")
    shell = {"capture_output": True, "check": True}
    epochs = os.environ.get("EPOCHS", "2")
    options = ["--recipe", "textbook", "--split", "textbook", "--epochs", epochs]
    zoo = [sys.executable, "-m", "zoo", "bench", "--models", name, "--data", str(folder)]
    plain = [sys.executable, str(_WHOLE), name, str(folder), "--epochs", epochs]
    against(
        lambda: subprocess.run([*zoo, *options, "--runs-dir", str(tmp_path)], **shell),
        lambda: subprocess.run([*plain, "--out", str(tmp_path / "submission.csv")], **shell),
        told=f"the chapter's procedure as one plain script, {epochs} epochs",
        rounds=3,
        warm=False,
        images=502,
    )
