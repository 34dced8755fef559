"""Make batches on a device from a data set, ahead of the training step."""

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

from bench.data.batch_options import Augmentation, Fidelity, Layout
from bench.data.find import ImageFile
from bench.data.pixel_source import PixelSource
from bench.data.transform import (
    Pixels,
    keyed_generator,
    normalize_batch,
    normalize_on_device,
    training_pixels,
)
from registry.architecture import Normalization

_ORDER, _IMAGE = 0, 1  # first counter of the keyed generator
_AHEAD = 2  # batches in preparation while the network works on one
_CPU = torch.device("cpu")


class ImageDataset(Protocol):
    """Ordered images, each as levels (H, W, C)."""

    @property
    def files(self) -> Sequence[ImageFile]:
        """Image files, with their labels."""

    def order(self, epoch: int) -> NDArray[np.int64]:
        """Return the indices of the images (N,), in the order of `epoch`."""

    def picture(self, index: int) -> Pixels:
        """Return the picture of image `index` (H, W, C), decoded if needed."""

    def pixels(self, picture: Pixels, index: int, epoch: int) -> Pixels:
        """Return the pixels of `picture` for the network in `epoch` (H, W, C)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingDataset:
    """Random crops in a random order, keyed by (seed, epoch, image) alone.

    So neither the number of workers, the order of calls nor a resume changes a batch.

    Attributes:
        stratified: whether each batch has the class shares of the whole, to one image or two.
            Without it, Adam's equal first steps lead a network with wide layers to predict only
            the batch's larger class. Source: P. Zhao, T. Zhang 2014, arXiv:1405.3080.
    """

    files: Sequence[ImageFile]
    source: PixelSource
    shape: tuple[int, int, int]
    seed: int
    augmentation: Augmentation
    fidelity: Fidelity = "exact"
    stratified: bool = False

    def order(self, epoch: int) -> NDArray[np.int64]:
        """Return the indices, shuffled."""
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
        """Return the random crop of image `index` in `epoch`."""
        generator = keyed_generator(self.seed, _IMAGE, epoch, index)
        return training_pixels(picture, self.shape, self.augmentation, generator, self.fidelity)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationDataset:
    """Image centres, in the files' order."""

    files: Sequence[ImageFile]
    source: PixelSource
    shape: tuple[int, int, int]

    def order(self, epoch: int) -> NDArray[np.int64]:
        """Return the indices, in order."""
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


_Ahead = tuple[deque[Future[Batch]], Iterator[Future[Batch]]]  # started, and not yet started


@dataclass(eq=False)
class DataLoader:
    """Batches of the data set `view`, made ahead by `workers` threads; 0: by the caller.

    Another device than the CPU gets 8-bit levels, a quarter of the bytes, and normalises them. A
    CUDA device copies them from pinned memory, without blocking. Normalised images are float32,
    then converted to `dtype`.

    Attributes:
        later: the same images at other sizes, for later parts of the training.
        part_of: function that returns the part of a batch, 0 for `view`, by the batch's number
            since the start of the training.
        epochs: number of epochs, from 0; no batch of a later one is made ahead.
        wait_seconds: time that the caller waited for batches, over all epochs so far.
        read_seconds: CPU seconds spent on reading pixels, from the cache or by decoding.
        transform_seconds: CPU seconds spent on cropping, resizing and normalising.
    """

    view: ImageDataset
    _: KW_ONLY
    batch_size: int
    normalization: Normalization
    later: Sequence[ImageDataset] = ()
    part_of: Callable[[int], int] = lambda _: 0
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
        """Number of images in each batch of an epoch."""
        return [len(chunk) for chunk in self._chunks(0)]

    def __len__(self) -> int:
        return len(self.sizes)

    def epoch(self, epoch: int = 0, start: int = 0) -> Generator[Batch]:
        """Yield the batches of `epoch` in order, from the batch `start`.

        A last batch of one image joins the batch before it, since batch normalisation has no
        variance over one value. During the last batches, threads make the first of the next
        epoch, so that no epoch starts with a wait.
        """
        if self.workers == 0:
            for arguments in self._batches(epoch, start):
                yield self._wait(partial(self._assemble, *arguments))
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
        submit = self._pool.submit
        futures = (submit(self._assemble, *each) for each in self._batches(epoch, start))
        return deque(islice(futures, _AHEAD + self.workers)), futures

    def _batches(
        self, epoch: int, start: int
    ) -> Iterator[tuple[ImageDataset, NDArray[np.int64], int]]:
        """Yield the data set, the indices and the epoch of each batch, when it is to be made."""
        views, chunks = (self.view, *self.later), self._chunks(epoch)
        for number, chunk in islice(enumerate(chunks, epoch * len(chunks)), start, None):
            yield views[self.part_of(number)], chunk, epoch

    def _chunks(self, epoch: int) -> list[NDArray[np.int64]]:
        order = self.view.order(epoch)
        cuts = list(range(self.batch_size, len(order), self.batch_size))
        if cuts and len(order) - cuts[-1] == 1:
            cuts.pop()
        return np.split(order, cuts)

    def _assemble(self, view: ImageDataset, chunk: NDArray[np.int64], epoch: int) -> Batch:
        """Return a batch on the CPU: normalised if the network runs there, else 8-bit levels."""
        started = time.thread_time()
        read_seconds = 0.0
        pixels: list[Pixels] = []
        for index in chunk.tolist():
            reading = time.thread_time()
            picture = view.picture(index)
            read_seconds += time.thread_time() - reading
            pixels.append(view.pixels(picture, index, epoch))
        labels = torch.tensor([view.files[index].label for index in chunk])
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
    """Return a place (0 to 1) per image: each nth part holds one of a class's n, at random."""
    places = np.empty(len(labels))
    for label in np.unique(labels):
        count = int((labels == label).sum())
        places[labels == label] = (np.arange(count) + generator.random(count)) / count
    return places
