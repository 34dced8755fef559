"""From a view to batches of tensors on a device, made ahead of the training step."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from bench.data.dataset import ImageDataset
from bench.data.transform import Layout, Pixels, normalize_batch, normalize_on_device
from registry.architecture import Normalization

_AHEAD = 2  # batches in the making while the network works on one
_CPU = torch.device("cpu")


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Images (N, C, H, W), normalised, and labels (N,) of int64, on one device."""

    images: torch.Tensor
    labels: torch.Tensor


class _Making:
    """Batches in the making: a few begun, the next begun whenever one is taken."""

    def __init__(
        self,
        pool: ThreadPoolExecutor,
        assemble: Callable[[NDArray[np.int64]], Batch],
        chunks: Sequence[NDArray[np.int64]],
        ahead: int,
    ) -> None:
        self._pool, self._assemble = pool, assemble
        self._waiting = deque(chunks)
        self._begun: deque[Future[Batch]] = deque()
        for _ in range(ahead):
            self._begin()

    def _begin(self) -> None:
        if self._waiting:
            self._begun.append(self._pool.submit(self._assemble, self._waiting.popleft()))

    def take(self) -> Future[Batch] | None:
        """Return the next batch, or None where there is none left."""
        if not self._begun:
            return None
        self._begin()
        return self._begun.popleft()

    def cancel(self) -> None:
        """Make no more."""
        self._waiting.clear()
        for future in self._begun:
            future.cancel()


class DataLoader:
    """The batches of a view.

    Attributes:
        wait_seconds: how long the caller stood waiting for a batch, over all epochs so far.
        read_seconds: CPU seconds of getting pixels: from the cache, or by decoding.
        transform_seconds: CPU seconds of cropping, resizing and normalising.
    """

    def __init__(
        self,
        view: ImageDataset,
        *,
        batch_size: int,
        normalization: Normalization,
        workers: int = 2,
        device: torch.device = _CPU,
        layout: Layout = "channels_last",
        epochs: int = 1,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        """Make batches of `view`, by `workers` threads ahead of the caller, or by the caller.

        `epochs` is how many will be asked for, from 0 on; none after them is begun ahead.

        For another device than the CPU, levels cross in pinned memory, by a copy that does not
        block, and are normalised there: a quarter of the bytes. Images are normalised in float32
        and given as `dtype`.
        """
        self._view = view
        self._batch_size = batch_size
        self._workers = workers
        self._normalization = normalization
        self._device = device
        self._layout: Layout = layout
        self._epochs = epochs
        self._dtype = dtype
        self._pool: ThreadPoolExecutor | None = None
        self._made_ahead: dict[int, _Making] = {}
        self._lock = threading.Lock()
        self.wait_seconds = self.read_seconds = self.transform_seconds = 0.0

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
        if self._workers == 0:
            for chunk in self._chunks(epoch)[start:]:
                started = time.perf_counter()
                batch = self._on_device(self._assemble(chunk, epoch))
                self.wait_seconds += time.perf_counter() - started
                yield batch
            return
        making = self._made_ahead.pop(epoch, None) or self._making(epoch, start)
        try:
            future = making.take()
            while future is not None:
                started = time.perf_counter()
                batch = self._on_device(future.result())
                self.wait_seconds += time.perf_counter() - started
                future = making.take()
                if future is None and epoch + 1 < self._epochs:
                    self._made_ahead = {epoch + 1: self._making(epoch + 1)}
                yield batch
        finally:  # the caller may stop early
            making.cancel()

    def _making(self, epoch: int, start: int = 0) -> _Making:
        if self._pool is None:  # its threads end when the last reference to it goes
            self._pool = ThreadPoolExecutor(self._workers, thread_name_prefix="batch")
        assemble = partial(self._assemble, epoch=epoch)
        return _Making(self._pool, assemble, self._chunks(epoch)[start:], _AHEAD + self._workers)

    def _chunks(self, epoch: int) -> list[NDArray[np.int64]]:
        order = self._view.order(epoch)
        cuts = list(range(self._batch_size, len(order), self._batch_size))
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
            picture = self._view.picture(index)
            read_seconds += time.thread_time() - reading
            pixels.append(self._view.pixels(picture, index, epoch))
        labels = torch.tensor([self._view.files[index].label for index in chunk])
        if self._device.type == "cpu":
            images = normalize_batch(pixels, self._normalization, self._layout).to(self._dtype)
            batch = Batch(images=images, labels=labels)
        else:
            levels = torch.from_numpy(np.stack(pixels))
            pinned = self._device.type == "cuda"
            batch = Batch(
                images=levels.pin_memory() if pinned else levels,
                labels=labels.pin_memory() if pinned else labels,
            )
        with self._lock:
            self.read_seconds += read_seconds
            self.transform_seconds += time.thread_time() - started - read_seconds
        return batch

    def _on_device(self, batch: Batch) -> Batch:
        if self._device.type == "cpu":
            return batch
        images = normalize_on_device(batch.images, self._normalization, self._device, self._layout)
        return Batch(
            images=images.to(self._dtype),
            labels=batch.labels.to(self._device, non_blocking=True),
        )
