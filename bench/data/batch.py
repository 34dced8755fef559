"""From image files to batches of tensors, made ahead of the training step."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from bench.data.decode import decode
from bench.data.find import ImageFile
from bench.data.transform import (
    Augmentation,
    Pixels,
    evaluation_pixels,
    keyed_generator,
    normalization,
    training_pixels,
)

_ORDER, _IMAGE = 0, 1  # first counter of the keyed generator: what is drawn
_AHEAD = 2  # batches in the making while the network works on one


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Images (N, C, H, W) of float32, normalised, channels last in memory; labels (N,) int64."""

    images: torch.Tensor
    labels: torch.Tensor


class Batches:
    """The batches of one part of the data, for one input shape.

    With an `augmentation` every epoch has its own order and its own random parts, both keyed by
    (seed, epoch, image); without one, the order is the files' and nothing is random. So neither
    the number of workers nor the order of calls changes a batch.

    Attributes:
        wait_seconds: how long the caller stood waiting for a batch, over all epochs so far.
    """

    def __init__(
        self,
        files: Sequence[ImageFile],
        *,
        input_shape: tuple[int, int, int],
        batch_size: int,
        seed: int = 0,
        augmentation: Augmentation | None = None,
        workers: int = 1,
    ) -> None:
        self._files = tuple(files)
        self._shape = input_shape
        self._batch_size = batch_size
        self._seed = seed
        self._augmentation = augmentation
        self._workers = workers
        mean, std = normalization(input_shape[0])
        self._mean = torch.tensor(mean).view(1, -1, 1, 1) * 255
        self._scale = 1 / (torch.tensor(std).view(1, -1, 1, 1) * 255)
        self.wait_seconds = 0.0

    @property
    def images(self) -> int:
        """How many images one epoch has."""
        return len(self._files)

    def __len__(self) -> int:
        return len(self._chunks(0))

    def epoch(self, epoch: int = 0) -> Iterator[Batch]:
        """Yield the batches of `epoch` in order.

        A last batch of one image is joined to the batch before it, since batch normalisation
        has no variance over one value.
        """
        chunks = self._chunks(epoch)
        if self._workers == 0:
            for chunk in chunks:
                started = time.perf_counter()
                batch = self._assemble(chunk, epoch)
                self.wait_seconds += time.perf_counter() - started
                yield batch
            return
        with ThreadPoolExecutor(self._workers, thread_name_prefix="batch") as pool:
            yield from self._ahead(pool, chunks, epoch)

    def _ahead(
        self, pool: ThreadPoolExecutor, chunks: Sequence[NDArray[np.int64]], epoch: int
    ) -> Iterator[Batch]:
        waiting = deque(chunks)
        making: deque[Future[Batch]] = deque()
        try:
            while waiting or making:
                while waiting and len(making) < _AHEAD + self._workers:
                    making.append(pool.submit(self._assemble, waiting.popleft(), epoch))
                started = time.perf_counter()
                batch = making.popleft().result()
                self.wait_seconds += time.perf_counter() - started
                yield batch
        finally:  # the caller may stop early
            for future in making:
                future.cancel()

    def _chunks(self, epoch: int) -> list[NDArray[np.int64]]:
        order = np.arange(len(self._files))
        if self._augmentation is not None:
            keyed_generator(self._seed, _ORDER, epoch).shuffle(order)
        cuts = list(range(self._batch_size, len(order), self._batch_size))
        if cuts and len(order) - cuts[-1] == 1:
            cuts.pop()
        return np.split(order, cuts)

    def _assemble(self, chunk: NDArray[np.int64], epoch: int) -> Batch:
        pixels = np.stack([self._pixels(int(index), epoch) for index in chunk])
        images = torch.from_numpy(pixels).permute(0, 3, 1, 2)  # (N, C, H, W), channels last
        return Batch(
            images=(images.float() - self._mean).mul_(self._scale),
            labels=torch.tensor([self._files[index].label for index in chunk]),
        )

    def _pixels(self, index: int, epoch: int) -> Pixels:
        picture = decode(self._files[index].path)
        if self._augmentation is None:
            return evaluation_pixels(picture, self._shape)
        generator = keyed_generator(self._seed, _IMAGE, epoch, index)
        return training_pixels(picture, self._shape, self._augmentation, generator)
