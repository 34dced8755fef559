"""Two training loops that owe nothing to zoo, for `make gpu`: torchvision's habits, and timm's."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import timm.data
import timm.optim
import timm.utils
import torch
from torch import nn
from torch.utils.data import DataLoader, Subset
from torchvision import datasets, transforms

from bench.system.clock import drain
from registry.architecture import Architecture

Epochs = list[tuple[int, float]]  # images and wall seconds of each
Step = Callable[[torch.Tensor, torch.Tensor], None]
Batches = Iterable[tuple[torch.Tensor, torch.Tensor]]
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_SCALE = (0.5, 1.0)  # area of a random crop, as in the textbook recipe
_WORKERS = min(os.cpu_count() or 1, 16)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopJob:
    """What a loop trains, on which pictures (class folders, or those in train/), and how."""

    architecture: Architecture
    folder: Path
    device: torch.device
    precision: torch.dtype
    batch_size: int
    epochs: int
    images: int  # at most

    @property
    def workers(self) -> int:
        """Processes that prepare batches."""
        return _WORKERS if self.cuda else 0

    @property
    def cuda(self) -> bool:
        """Whether the device is NVIDIA's."""
        return self.device.type == "cuda"

    @property
    def pictures(self) -> Path:
        """The folder of class folders to train on."""
        return self.folder / "train" if (self.folder / "train").is_dir() else self.folder

    def autocast(self) -> torch.autocast:
        """Return the context of a step's forward pass."""
        half = self.precision is not torch.float32
        return torch.autocast(
            self.device.type, dtype=self.precision if half else None, enabled=half
        )

    def some(self, count: int) -> slice:
        """Return which of `count` pictures are used: all, or every second, and so on."""
        return slice(None, None, -(-count // self.images))


def plain_epochs(job: LoopJob) -> Epochs:
    """Return the epochs of a loop as torch's tutorials write it, with mixed precision."""
    channels, side, _ = job.architecture.contract.input_shape
    chain = [
        *([transforms.Grayscale()] if channels == 1 else []),
        transforms.RandomResizedCrop(side, scale=_SCALE),
        transforms.RandomHorizontalFlip(),
        transforms.ToTensor(),
        transforms.Normalize(_MEAN[:channels], _STD[:channels]),
    ]
    dataset = datasets.ImageFolder(job.pictures, transforms.Compose(chain))
    some = Subset(dataset, range(len(dataset))[job.some(len(dataset))])
    loader = DataLoader(
        some,
        batch_size=job.batch_size,
        shuffle=True,
        num_workers=job.workers,
        pin_memory=job.cuda,
        persistent_workers=job.workers > 0,
    )
    network = job.architecture.build(num_classes=len(dataset.classes)).to(job.device)
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-3, momentum=0.9)
    criterion = nn.CrossEntropyLoss()
    scaler = torch.amp.GradScaler(job.device.type, enabled=job.precision is torch.float16)

    def step(inputs: torch.Tensor, labels: torch.Tensor) -> None:
        inputs, labels = (each.to(job.device, non_blocking=True) for each in (inputs, labels))
        optimizer.zero_grad()
        with job.autocast():
            loss = criterion(network(inputs), labels)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()

    return _timed(loader, step, network, job)


def timm_epochs(job: LoopJob) -> Epochs:
    """Return the epochs of a loop of timm's parts, put together as its train.py does.

    Its loader normalises on the device (CUDA), and leaves out a last batch that is not full.
    """
    channels, side, _ = job.architecture.contract.input_shape
    dataset = timm.data.create_dataset(
        "",
        str(job.pictures),
        search_split=False,
        input_img_mode="L" if channels == 1 else "RGB",
    )
    classes = len(dataset.reader.class_to_idx)
    dataset.reader.samples = dataset.reader.samples[job.some(len(dataset))]
    loader = timm.data.create_loader(
        dataset,
        input_size=(channels, side, side),
        batch_size=job.batch_size,
        is_training=True,
        use_prefetcher=job.cuda,
        no_aug=False,
        scale=_SCALE,
        hflip=0.5,
        color_jitter=None,
        mean=_MEAN[:channels],
        std=_STD[:channels],
        num_workers=job.workers,
        pin_memory=job.cuda,
        persistent_workers=job.workers > 0,
        device=job.device,
    )
    network = job.architecture.build(num_classes=classes).to(job.device)
    optimizer = timm.optim.create_optimizer_v2(network, opt="momentum", lr=1e-3, momentum=0.9)
    criterion = nn.CrossEntropyLoss().to(job.device)
    scaler = timm.utils.NativeScaler(job.device.type) if job.precision is torch.float16 else None

    def step(inputs: torch.Tensor, labels: torch.Tensor) -> None:
        inputs, labels = inputs.to(job.device), labels.to(job.device)  # the prefetcher has done so
        with job.autocast():
            loss = criterion(network(inputs), labels)
        if scaler is None:
            loss.backward()
            optimizer.step()
        else:
            scaler(loss, optimizer, parameters=network.parameters())
        optimizer.zero_grad()

    return _timed(loader, step, network, job)


def _timed(loader: Batches, step: Step, network: nn.Module, job: LoopJob) -> Epochs:
    """Return images and seconds of each epoch, which ends when the device has done its work."""
    network.train()
    found: Epochs = []
    for _ in range(job.epochs):
        drain(job.device)
        started, images = time.perf_counter(), 0
        for inputs, labels in loader:
            step(inputs, labels)
            images += len(labels)
        drain(job.device)
        found.append((images, time.perf_counter() - started))
    return found
