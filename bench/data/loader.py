"""From images as one network meets them to batches on a device, made ahead of the step."""

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import KW_ONLY, dataclass, field
from functools import partial
from itertools import islice
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from bench.data.find import ImageFile
from bench.data.pixel_source import PixelSource
from bench.data.transform import (
    Augmentation,
    Fidelity,
    Layout,
    Pixels,
    keyed_generator,
    normalize_batch,
    normalize_on_device,
    training_pixels,
)
from registry.architecture import Normalization

_ORDER, _IMAGE = 0, 1  # first counter of the keyed generator: what is drawn
_AHEAD = 2  # batches in the making while the network works on one
_CPU = torch.device("cpu")


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
        stratified: each batch has of each class, to one image or two, the share that the whole
            has. Else Adam's first steps, all of one size, lead a network with wide layers to answer
            always what a batch has more of. Source: P. Zhao, T. Zhang 2014, arXiv:1405.3080.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Images (N, C, H, W), normalised, and labels (N,) of int64, on one device."""

    images: torch.Tensor
    labels: torch.Tensor


_Ahead = tuple[deque[Future[Batch]], Iterator[Future[Batch]]]  # begun, and yet to begin


@dataclass(eq=False)
class DataLoader:
    """The batches of a view, made by `workers` threads ahead of the caller, or by the caller.

    For another device than the CPU, levels cross in pinned memory, by a copy that does not block,
    and are normalised there: a quarter of the bytes. Images are normalised in float32 and given as
    `dtype`.

    Attributes:
        epochs: how many will be asked for, from 0 on; none after them is made ahead.
        wait_seconds: how long the caller stood waiting for a batch, over all epochs so far.
        read_seconds: CPU seconds of getting pixels: from the cache, or by decoding.
        transform_seconds: CPU seconds of cropping, resizing and normalising.
    """

    view: ImageDataset
    _: KW_ONLY
    batch_size: int
    normalization: Normalization
    workers: int = 2
    device: torch.device = _CPU
    layout: Layout = "channels_last"
    epochs: int = 1
    dtype: torch.dtype = torch.float32
    wait_seconds: float = field(default=0.0, init=False)
    read_seconds: float = field(default=0.0, init=False)
    transform_seconds: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None
        self._ahead: dict[int, _Ahead] = {}
        self._lock = threading.Lock()

    @property
    def sizes(self) -> list[int]:
        """How many images each batch of an epoch has."""
        return [len(chunk) for chunk in self._chunks(0)]

    def __len__(self) -> int:
        return len(self.sizes)

    def epoch(self, epoch: int = 0, start: int = 0) -> Generator[Batch]:
        """Yield the batches of `epoch` in order, from the batch `start` on.

        A last batch of one image is joined to the batch before it, since batch normalisation
        has no variance over one value. While the last batches are worked on, the first of the
        next epoch are made, so that no epoch begins with a wait.
        """
        if self.workers == 0:
            for chunk in self._chunks(epoch)[start:]:
                yield self._wait(partial(self._assemble, chunk, epoch))
            return
        ahead = self._ahead.pop(epoch, None)
        begun, rest = ahead or self._start(epoch, start)
        try:
            begun.extend(islice(rest, 1))
            while begun:
                batch = self._wait(begun.popleft().result)
                begun.extend(islice(rest, 1))
                if not begun and epoch + 1 < self.epochs:
                    self._ahead = {epoch + 1: self._start(epoch + 1)}
                yield batch
        finally:  # the caller may stop early
            for future in begun:
                future.cancel()

    def _wait(self, assemble: Callable[[], Batch]) -> Batch:
        started = time.perf_counter()
        batch = assemble()
        if self.device.type != "cpu":
            images = normalize_on_device(batch.images, self.normalization, self.device, self.layout)
            labels = batch.labels.to(self.device, non_blocking=True)
            batch = Batch(images=images.to(self.dtype), labels=labels)
        self.wait_seconds += time.perf_counter() - started
        return batch

    def _start(self, epoch: int, start: int = 0) -> _Ahead:
        if self._pool is None:  # its threads end when the last reference to it goes
            self._pool = ThreadPoolExecutor(self.workers, thread_name_prefix="batch")
        submit, chunks = self._pool.submit, self._chunks(epoch)[start:]
        futures = (submit(self._assemble, chunk, epoch) for chunk in chunks)
        return deque(islice(futures, _AHEAD + self.workers)), futures

    def _chunks(self, epoch: int) -> list[NDArray[np.int64]]:
        order = self.view.order(epoch)
        cuts = list(range(self.batch_size, len(order), self.batch_size))
        if cuts and len(order) - cuts[-1] == 1:
            cuts.pop()
        return np.split(order, cuts)

    def _assemble(self, chunk: NDArray[np.int64], epoch: int) -> Batch:
        """Return a batch on the CPU: ready for a network there, else levels in pinned memory."""
        started = time.thread_time()
        read_seconds = 0.0
        pixels: list[Pixels] = []
        for index in chunk.tolist():
            reading = time.thread_time()
            picture = self.view.picture(index)
            read_seconds += time.thread_time() - reading
            pixels.append(self.view.pixels(picture, index, epoch))
        labels = torch.tensor([self.view.files[index].label for index in chunk])
        if self.device.type == "cpu":
            images = normalize_batch(pixels, self.normalization, self.layout).to(self.dtype)
        else:
            images = torch.from_numpy(np.stack(pixels))
            if self.device.type == "cuda":
                images, labels = images.pin_memory(), labels.pin_memory()
        with self._lock:
            self.read_seconds += read_seconds
            self.transform_seconds += time.thread_time() - started - read_seconds
        return Batch(images=images, labels=labels)


def _even_places(labels: NDArray[np.int64], generator: np.random.Generator) -> NDArray[np.float64]:
    """Return a place from 0 to 1 for each image: of n of a class, one at random in each nth."""
    places = np.empty(len(labels))
    for label in np.unique(labels):
        count = int((labels == label).sum())
        places[labels == label] = (np.arange(count) + generator.random(count)) / count
    return places
