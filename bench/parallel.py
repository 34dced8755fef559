"""The processes that train one network together: who takes what, and what they agree on.

Each has the whole network and its share of every batch. Gradients are averaged by torch's
DistributedDataParallel; what the processes have to agree on (sums, a stop, answers) goes by gloo
between CPUs. One process alone is a group, too, so that training asks nobody how many there are.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from bench.random_state import seed_everything
from bench.torchrun import Launch
from registry.errors import RunError

T = TypeVar("T")
TIMEOUT = timedelta(minutes=5)  # that one waits for the others within a trial
_PLAIN = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


class Group(Protocol):
    """Processes that do the same trial step by step, each calling the same methods in turn."""

    @property
    def rank(self) -> int:
        """Which of them this is, from 0; the first one writes and tells."""

    @property
    def processes(self) -> int | None:
        """How many torchrun has begun, or None where there is no torchrun."""

    def share(self, chunk: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return what of a batch is this process's: those of all are the batch, in order."""

    def weight(self, share: int, whole: int) -> float:
        """Return by what to multiply the mean loss over a share, so that the mean of all is right.

        That is, gradients averaged over processes are those of the mean over the `whole` batch.
        """

    def total(self, *values: float) -> list[float]:
        """Return the sums of `values` over all processes, the same in each."""

    def of_first(self, decide: Callable[[], T]) -> T:
        """Return what the first process decides, the others asking it."""

    def gathered(self, value: T) -> list[T]:
        """Return the value of every process, by rank."""

    def joined(self, parts: Sequence[torch.Tensor]) -> torch.Tensor:
        """Return the rows of all, on the CPU: `parts` are of this one's share, batch by batch."""

    def device(self, device: torch.device) -> torch.device:
        """Return which device is this process's, where all use `device`."""

    def prepared(self, network: nn.Module, device: torch.device, smallest: int) -> nn.Module:
        """Return `network` as it can be trained by shares of a batch, its names being as before.

        No batch has fewer images than the `smallest`.
        """

    def trained(self, network: nn.Module, *, partly: bool) -> nn.Module:
        """Return what is called in place of `network` to train it with the others.

        With `partly`, not every weight is trained at every step.
        """

    def part_noise(self, seed: int) -> None:
        """Give each process random numbers of its own, the first one's being as they are."""


class Alone:
    """One process, as ever: it has all of each batch, and agrees with itself."""

    rank = 0
    processes: int | None = None

    def share(self, chunk: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return all of it."""
        return chunk

    def weight(self, share: int, whole: int) -> float:
        """Return 1."""
        return 1.0

    def total(self, *values: float) -> list[float]:
        """Return `values`."""
        return list(values)

    def of_first(self, decide: Callable[[], T]) -> T:
        """Decide."""
        return decide()

    def gathered(self, value: T) -> list[T]:
        """Return it."""
        return [value]

    def joined(self, parts: Sequence[torch.Tensor]) -> torch.Tensor:
        """Return the rows of `parts`."""
        return torch.cat(list(parts)).cpu()

    def device(self, device: torch.device) -> torch.device:
        """Return `device`."""
        return device

    def prepared(self, network: nn.Module, device: torch.device, smallest: int) -> nn.Module:
        """Return `network`."""
        return network

    def trained(self, network: nn.Module, *, partly: bool) -> nn.Module:
        """Return `network`."""
        return network

    def part_noise(self, seed: int) -> None:
        """Do nothing."""


ALONE = Alone()


class Ranks:
    """Processes begun by torchrun: gloo on the CPU, NCCL with one CUDA device for each."""

    def __init__(self, launch: Launch, store: Any) -> None:
        """Leave messages in `store`, which all of them reach: a `torch.distributed.Store`."""
        self._launch, self._store = launch, store
        self.rank, self.size = launch.rank, launch.size

    @property
    def processes(self) -> int | None:
        """How many there are."""
        return self.size

    def share(self, chunk: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return a stretch of it; of what can't be parted evenly, the first have one more."""
        return np.array_split(chunk, self.size)[self.rank]

    def weight(self, share: int, whole: int) -> float:
        """Return the share in the batch, times how many there are, which averaging divides by."""
        return share * self.size / whole

    def total(self, *values: float) -> list[float]:
        """Return the sums, made in float64."""
        sums = torch.tensor(values, dtype=torch.float64)
        distributed.all_reduce(sums)
        return [float(value) for value in sums.tolist()]

    def of_first(self, decide: Callable[[], T]) -> T:
        """Return what the first has decided, sent to the others."""
        decided: list[Any] = [decide() if self.rank == 0 else None]
        distributed.broadcast_object_list(decided, device=torch.device("cpu"))
        value: T = decided[0]
        return value

    def gathered(self, value: T) -> list[T]:
        """Return all values."""
        sent = torch.frombuffer(bytearray(pickle.dumps(value)), dtype=torch.uint8)
        sizes = [int(size) for size in self.total(*self._at_own_place(len(sent)))]
        padded = torch.zeros(max(sizes), dtype=torch.uint8)
        padded[: len(sent)] = sent
        all_padded = [torch.empty_like(padded) for _ in sizes]
        distributed.all_gather(all_padded, padded)
        pairs = zip(all_padded, sizes, strict=True)
        return [pickle.loads(each[:size].numpy().tobytes()) for each, size in pairs]

    def joined(self, parts: Sequence[torch.Tensor]) -> torch.Tensor:
        """Return the rows batch by batch, in each of them rank by rank."""
        of_ranks = self.gathered([part.cpu() for part in parts])
        return torch.cat([part for batch in zip(*of_ranks, strict=True) for part in batch])

    def device(self, device: torch.device) -> torch.device:
        """Return the CPU, or the CUDA device of the process's own place on its machine.

        Raises:
            RunError: there is not one for each.
        """
        if device.type == "cpu":
            return device
        count, needed = torch.cuda.device_count(), self._launch.local_size
        if device.type != "cuda" or device.index is not None or count < needed:
            raise RunError(
                f"--strategy ddp trains on the CPU or on one CUDA device for each process, not on "
                f"{device}: {needed} processes are here, and {count} such devices"
            )
        torch.cuda.set_device(self._launch.local_rank)
        return torch.device("cuda", self._launch.local_rank)

    def prepared(self, network: nn.Module, device: torch.device, smallest: int) -> nn.Module:
        """Return it with batch normalisation over the whole batch: torch's SyncBatchNorm.

        Raises:
            RunError: that can't be had: the CPU has none, nor have layers that do more than
                torch's; and a process without an image would add one to the mean.
        """
        normalizers = [each for each in network.modules()
                       if isinstance(each, nn.modules.batchnorm._BatchNorm)]  # fmt: skip
        if not normalizers or self.size == 1:
            return network
        if device.type != "cuda":
            raise RunError(
                "it normalises over a batch, and on the CPU torch can't do that over the shares "
                f"of {self.size} processes: leave out --strategy ddp, or train it on GPUs"
            )
        other = next((each for each in normalizers if type(each) not in _PLAIN), None)
        if other is not None:
            raise RunError(
                f"its {type(other).__name__} normalises over a batch in a way that torch can't do "
                f"over the shares of {self.size} processes: leave out --strategy ddp"
            )
        if smallest < self.size:
            raise RunError(
                f"it normalises over a batch, of which one has {smallest} images for {self.size} "
                "processes: take another --batch-size, or fewer processes"
            )
        convert: Callable[[nn.Module], nn.Module] = nn.SyncBatchNorm.convert_sync_batchnorm
        return convert(network)

    def trained(self, network: nn.Module, *, partly: bool) -> nn.Module:
        """Return it wrapped, all beginning with the first one's weights."""
        return DistributedDataParallel(network, find_unused_parameters=partly)

    def part_noise(self, seed: int) -> None:
        """Seed all but the first one anew, by `seed` and rank."""
        if self.rank > 0:
            mixed = np.random.SeedSequence((seed, self.rank)).generate_state(1, np.uint64)
            seed_everything(int(mixed[0] >> np.uint64(1)))  # torch's are signed

    def tell(self, what: str, value: object) -> None:
        """Leave a message, which nobody needs to wait for."""
        self._store.set(what, pickle.dumps(value))

    def told(self, what: str) -> Any | None:
        """Return the message `what`, or None where there is none yet."""
        return pickle.loads(self._store.get(what)) if self._store.check([what]) else None

    def leave(self) -> None:
        """Have no more to do with the others."""
        distributed.destroy_process_group()

    def _at_own_place(self, value: float) -> list[float]:
        return [value if rank == self.rank else 0.0 for rank in range(self.size)]


def group_of(launch: Launch) -> Ranks:
    """Return the group of all processes that torchrun has begun, once all have come.

    Raises:
        RunError: they do not find each other.
    """
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    try:
        distributed.init_process_group(backend, timeout=TIMEOUT)
        store = distributed.distributed_c10d._get_default_store()
    except (RuntimeError, ValueError) as error:
        raise RunError(f"the processes of torchrun did not find each other: {error}") from error
    return Ranks(launch, store)
