"""Times of the parts, each beside its plain reference in the same run: compare ratios."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from PIL import Image
from torchvision import transforms

import registry
from bench.allocator import tune_allocator
from bench.data.batch import Batches
from bench.data.find import find
from bench.data.synthetic import synthetic_folder
from bench.data.transform import IMAGENET_MEAN, IMAGENET_STD, Augmentation
from bench.recipe import TEXTBOOK
from bench.train import build_optimizer, train_epoch


@pytest.fixture(scope="session")
def images():
    """The first 64 drawings."""
    return find(synthetic_folder()).images[:64]


def test_list(benchmark):
    """`zoo list`, the whole process."""
    benchmark(
        subprocess.run, [sys.executable, "-m", "zoo", "list"], capture_output=True, check=True
    )


@pytest.mark.benchmark(group="training pixels of 64 images")
def test_batches_plain(benchmark, images):
    """The chapter's transforms, image by image."""
    chain = transforms.Compose(
        [
            transforms.RandomResizedCrop(224, scale=(0.5, 1.0)),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize(IMAGENET_MEAN, IMAGENET_STD),
        ]
    )
    benchmark(lambda: torch.stack([chain(Image.open(image.path)) for image in images]))


@pytest.mark.benchmark(group="training pixels of 64 images")
def test_batches_ours(benchmark, images):
    """The same pixels from our batches, without a worker."""
    batches = Batches(
        images,
        input_shape=(3, 224, 224),
        batch_size=32,
        augmentation=Augmentation(),
        workers=0,
    )
    benchmark(lambda: list(batches.epoch()))


@pytest.mark.parametrize("name", ["lenet5", "lenet", "alexnet"])
@pytest.mark.parametrize("layout", ["plain", "ours"])
def test_step(benchmark, images, name, layout):
    """One training step at batch 32: contiguous memory, or channels last."""
    tune_allocator()
    architecture = registry.get(name)
    layouts = {"plain": torch.contiguous_format, "ours": torch.channels_last}
    network = architecture.build(num_classes=2).to(memory_format=layouts[layout])
    batches = Batches(
        images[:32], input_shape=architecture.contract.input_shape, batch_size=32, workers=0
    )
    fixed = list(batches.epoch())
    optimizer = build_optimizer(network, TEXTBOOK)
    benchmark.group = f"step of {name}"
    benchmark.pedantic(
        lambda: train_epoch(network, fixed, optimizer, device=torch.device("cpu")),
        rounds=5,
        warmup_rounds=1,
    )
