"""What processes that train together share and agree on, as far as one process can tell."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from ranks_scenarios import Unweighted, spec, trained
from torch import distributed, nn
from torch.nn import functional as F

from bench.checkpoint import Checkpoints
from bench.data.batch import Batch, Batches
from bench.data.check import check
from bench.data.find import find
from bench.data.pixel_source import DirectPixels
from bench.data.split import stratified_split
from bench.data.transform import GREY, Augmentation
from bench.data.view import TrainingView
from bench.device import choose_precision
from bench.engines.interrupts import Interrupts
from bench.engines.process import Job
from bench.engines.ranks import RanksEngine, _blamed, _Failure, _Silent
from bench.harness import execute
from bench.parallel import ALONE, Group, Ranks
from bench.progress import Progress
from bench.recipe import FINETUNE
from bench.record import TrialRecord, TrialSpec
from bench.request import Request
from bench.schedule import Place
from bench.steps import Steps
from bench.torchrun import Launch, launched, require_fit
from registry.errors import RunError
from zoo import LENET5

_TORCHRUN = {
    "WORLD_SIZE": "2",
    "LOCAL_WORLD_SIZE": "2",
    "MASTER_ADDR": "127.0.0.1",
    "MASTER_PORT": "1",
}


class Trimmed(Ranks):
    """A liar: what can't be parted evenly is left out."""

    def share(self, chunk):
        """Return an even part."""
        return super().share(chunk[: len(chunk) // self.size * self.size])


def _groups(size: int, kind: type[Ranks] = Ranks) -> list[Group]:
    places = [Launch(rank=n, size=size, local_rank=n, local_size=size) for n in range(size)]
    return [kind(place, None) for place in places]


def _epochs(folder: Path, group: Group, batch_size: int = 7) -> list[Batch]:
    """Return the batches of two epochs as `group`'s process has them: 24 images, 7, 7, 7, 3."""
    view = TrainingView(
        files=find(folder).images,
        source=DirectPixels(),
        shape=(1, 32, 32),
        seed=3,
        augmentation=Augmentation(),
    )
    batches = Batches(
        view,
        batch_size=batch_size,
        normalization=GREY,
        workers=0,
        epochs=2,
        dtype=torch.float64,
        group=group,
    )
    return [batch for epoch in range(2) for batch in batches.epoch(epoch)]


def _put_together(parts: Sequence[Sequence[Batch]]) -> list[Batch]:
    """Return whole batches of what each process has of them."""
    return [
        Batch(
            images=torch.cat([part.images[: part.counted] for part in batch]),
            labels=torch.cat([part.labels[: part.counted] for part in batch]),
        )
        for batch in zip(*parts, strict=True)
    ]


def _equal(one: Sequence[Batch], other: Sequence[Batch]) -> bool:
    return len(one) == len(other) and all(
        torch.equal(mine.images, yours.images) and torch.equal(mine.labels, yours.labels)
        for mine, yours in zip(one, other, strict=True)
    )


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_processes_together_see_the_same_images_in_the_same_batches(drawn, size):
    """However many there are, the shares of each batch are that batch, byte for byte."""
    together = _put_together([_epochs(drawn, group) for group in _groups(size)])

    assert _equal(together, _epochs(drawn, ALONE))


def test_batches_without_their_last_images_are_noticed(drawn):
    """That comparison fails where images are left out that can't be parted evenly."""
    together = _put_together([_epochs(drawn, group) for group in _groups(2, Trimmed)])

    assert not _equal(together, _epochs(drawn, ALONE))


def _gradient(batch: Batch) -> torch.Tensor:
    """Return the gradient of a network's first weights, as a step makes it."""
    torch.manual_seed(0)
    network = LENET5.build(num_classes=2).double()
    loss = F.cross_entropy(network(batch.images), batch.labels, label_smoothing=0.1)
    (loss * batch.weight).backward()
    return next(network.parameters()).grad


def _furthest(folder: Path, size: int, kind: type[Ranks] = Ranks) -> float:
    """Return how far an averaged gradient is from the whole batch's, relative to it, at most."""
    parts = [_epochs(folder, group) for group in _groups(size, kind)]
    batches = zip(*parts, strict=True)
    averaged = [torch.stack([_gradient(part) for part in batch]).mean(0) for batch in batches]
    whole = [_gradient(batch) for batch in _epochs(folder, ALONE)]
    return max(
        ((one - other).abs().max() / other.abs().max()).item()
        for one, other in zip(averaged, whole, strict=True)
    )


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_averaged_gradients_are_those_of_the_mean_over_the_whole_batch(drawn, size):
    """Where shares differ, too, and where five processes have three images among them."""
    assert _furthest(drawn, size) < 1e-12


def test_averaged_gradients_of_unweighted_shares_are_not(drawn):
    """That comparison fails where the mean over each share counts alike."""
    assert _furthest(drawn, 2, Unweighted) > 1e-3


@pytest.fixture
def one_process() -> Iterator[Ranks]:
    """A process group of this process alone."""
    store = distributed.HashStore()
    distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    yield Ranks(Launch(rank=0, size=1, local_rank=0, local_size=1), store)
    distributed.destroy_process_group()


def test_one_process_of_torchrun_trains_as_one_without(drawn, one_process):
    """The weights and the optimiser's state are the same to the last bit, noise included."""
    split = stratified_split(check(find(drawn)))
    asked = spec("Noisy")
    one, other = (trained(asked, split, group).record for group in (ALONE, one_process))

    assert one.status == other.status == "ok"
    assert one.digest == other.digest
    assert one.test_loss == other.test_loss


def _frozen_first(group: Group, batches: Sequence[Batch]) -> dict[str, torch.Tensor]:
    """Return the weights after two epochs, in the first of which only the head was trained."""
    torch.manual_seed(0)
    network = LENET5.build(num_classes=2).double()
    before = network.conv1.weight.clone()
    steps = Steps(
        network,
        replace(FINETUNE, frozen_share=0.5),
        device=torch.device("cpu"),
        precision=torch.float64,
        phases=None,
        head=frozenset({"fc3.weight", "fc3.bias"}),
        group=group,
    )
    for epoch in range(2):
        steps.epoch(batches, place=lambda done=epoch: Place(done=done, peak=1.0, end=2.0))
        assert torch.equal(before, network.conv1.weight) == (epoch == 0)
    return network.state_dict()


def test_a_backbone_that_is_frozen_at_first_is_trained_later(drawn, one_process):
    """What has no gradient for a while neither ends the averaging nor is left out of it after."""
    batches = _epochs(drawn, ALONE)[:4]
    one, other = (_frozen_first(group, batches) for group in (ALONE, one_process))

    assert all(torch.equal(one[name], other[name]) for name in one)


class Derived(nn.BatchNorm2d):
    """Does more than its kind."""


@pytest.mark.parametrize(
    ("layer", "device", "smallest", "said"),
    [
        (nn.BatchNorm2d(1), "cpu", 4, "on the CPU torch can't do that over the shares of 2"),
        (Derived(1), "cuda", 4, "its Derived normalises over a batch in a way"),
        (nn.BatchNorm2d(1), "cuda", 1, "of which one has 1 images for 2 processes"),
    ],
)
def test_what_normalises_over_a_batch_is_refused_where_torch_can_not(layer, device, smallest, said):
    """Nothing is trained with other means than those of the whole batch."""
    with pytest.raises(RunError, match=said):
        _groups(2)[0].prepared(nn.Sequential(layer), torch.device(device), smallest)


def test_batch_normalisation_is_over_all_shares_on_a_gpu():
    """Names are as before; other layers, and a network without it on the CPU, stay as they are."""
    network = nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1))
    names = list(network.state_dict())
    prepared = _groups(2)[0].prepared(network, torch.device("cuda"), 2)

    assert type(prepared[1]) is nn.SyncBatchNorm
    assert list(prepared.state_dict()) == names
    assert _groups(2)[0].prepared(network[0], torch.device("cpu"), 2) is network[0]


def _engine_with(job: Job, group: Ranks, watcher: Any) -> RanksEngine:
    engine = RanksEngine(group, watcher)
    for number in range(2):
        engine.submit(number, job)
    return engine


def _job(folder: Path, drawn: Path, **changes: Any) -> Job:
    return Job(
        spec=spec(**changes),
        split=stratified_split(check(find(drawn))),
        source=DirectPixels(),
        folder=folder,
        checkpoints=folder / "checkpoints",
        cadence={"seconds": None, "steps": 1},
        profile=False,
        weights=False,
        timeout=None,
    )


def test_the_next_trial_begins_after_one_that_failed_in_all(drawn, tmp_path, one_process):
    """What fails in every process is a row; nobody is left behind."""
    job = _job(tmp_path, drawn, device="cuda:7")
    ended = list(_engine_with(job, one_process, _Silent()).ended())

    assert [(number, result.record.status) for number, result in ended] == [
        (0, "failed"),
        (1, "failed"),
    ]


class _Impatient(_Silent):
    """Presses Ctrl-C twice while the third step is made."""

    def __init__(self) -> None:
        self.engine: RanksEngine | None = None
        self.steps = 0

    def on_batch(self, spec: TrialSpec) -> None:
        self.steps += 1
        if self.steps == 3:
            self.engine.stop()
            self.engine.end()
            raise KeyboardInterrupt(2)


def test_a_second_signal_leaves_the_trial_without_a_result(drawn, tmp_path, one_process):
    """Nothing is saved with processes that may be elsewhere; the last checkpoint stays."""
    watcher = _Impatient()
    watcher.engine = _engine_with(_job(tmp_path, drawn), one_process, watcher)
    with Interrupts(lambda text: None), pytest.raises(KeyboardInterrupt):
        list(watcher.engine.ended())
    saved = Checkpoints(tmp_path / "checkpoints").load(print)

    assert saved["position"]["step"] == 2


def test_noise_differs_from_process_to_process():
    """All but the first draw numbers of their own, which seed and rank decide."""

    def drawn_by(group: Group, seed: int) -> float:
        torch.manual_seed(seed)
        group.part_noise(seed)
        return torch.rand(1).item()

    numbers = [drawn_by(group, 5) for group in (ALONE, *_groups(3))]

    assert numbers[0] == numbers[1]
    assert len(set(numbers)) == 3
    assert numbers == [drawn_by(group, 5) for group in (ALONE, *_groups(3))]


def test_one_process_has_the_specification_it_ever_had():
    """A trial without torchrun keeps the digest that it had before there was one."""
    alone = spec()

    assert "processes" not in alone._said()
    assert len({each.id for each in (alone, replace(alone, processes=1))}) == 2


def test_torchrun_is_known_by_all_that_it_says():
    """A variable of that name alone, as a cluster sets it, is no torchrun."""
    told = {**_TORCHRUN, "RANK": "1", "LOCAL_RANK": "1"}

    assert launched(told) == Launch(rank=1, size=2, local_rank=1, local_size=2)
    assert launched({"RANK": "1", "WORLD_SIZE": "2"}) is None
    with pytest.raises(RunError, match="RANK=one"):
        launched({**told, "RANK": "one"})


def test_an_unknown_strategy_is_refused():
    """The message says which there are."""
    with pytest.raises(RunError, match="unknown --strategy 'fsdp': there is ddp"):
        require_fit("fsdp", None, resumed=False)


def test_ddp_without_torchrun_says_how_it_is_begun(zoo):
    """One line, with the command."""
    code, out, err = zoo("bench", "-m", "lenet5", "--strategy", "ddp")

    assert (code, out) == (2, "")
    assert "torchrun --nproc-per-node 2 -m zoo bench ... --strategy ddp" in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(("rank", "lines"), [(0, 1), (1, 0)])
def test_torchrun_without_ddp_is_refused_by_one_of_its_processes(zoo, monkeypatch, rank, lines):
    """As many runs would write at once; the first process says so, all end with its exit code."""
    for name, value in {**_TORCHRUN, "RANK": rank, "LOCAL_RANK": rank}.items():
        monkeypatch.setenv(name, str(value))
    said = _zoo_with_own_stderr(zoo, monkeypatch)

    assert said[0] == 2
    assert len(said[2].splitlines()) == lines
    assert not lines or "add --strategy ddp" in said[2]


def _zoo_with_own_stderr(zoo, monkeypatch) -> tuple[int, str, str]:
    """Run `zoo bench` where it may replace stderr, which is put back after the test."""
    monkeypatch.setattr(sys, "stderr", sys.stderr)
    return zoo("bench", "-m", "lenet5")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"timeout": 5.0}, "--timeout"),
        ({"compiled": True}, "--compile"),
        ({"profile": True}, "--profile"),
        ({"on_oom": "halve"}, "--on-oom halve"),
    ],
)
def test_what_ddp_has_no_part_in_is_refused(change, named):
    """The line names what can't be had."""
    with pytest.raises(RunError, match=f"{named} can't be had with --strategy ddp"):
        Request(models=("lenet5",), processes=2, **change)


def test_a_run_goes_on_under_as_many_processes_only(tmp_path):
    """Under another number, or without torchrun, it is refused, with the command that is meant."""
    asked = Request(models=("lenet5",), runs=tmp_path, isolate=False)
    both = replace(asked, processes=2)
    with pytest.raises(RunError, match="none was begun: `torchrun --nproc-per-node 2 -m zoo"):
        execute(both, Progress(shown=False))
    with pytest.raises(RunError, match="and there are 3"):
        execute(both, Progress(shown=False), group=_groups(3)[0])
    with pytest.raises(RunError, match="leave torchrun out"):
        execute(asked, Progress(shown=False), group=_groups(2)[0])

    assert not list(tmp_path.iterdir())


def test_float64_is_for_any_device_but_mps():
    """And half types are for GPUs, as ever."""
    assert choose_precision("float64", torch.device("cpu")) is torch.float64
    with pytest.raises(RunError, match="nothing that MPS has"):
        choose_precision("float64", torch.device("mps"))
    with pytest.raises(RunError, match="bfloat16 on the CPU"):
        choose_precision("bfloat16", torch.device("cpu"))


def test_float64_trains_what_float32_does_but_for_rounding(drawn):
    """Weights and losses are of float64; answers are kept as ever, in float32."""
    split = stratified_split(check(find(drawn)))
    one, other = (trained(spec(precision=each), split, ALONE) for each in ("float32", "float64"))
    pairs = [(one.last_weights.state[name], tensor)
             for name, tensor in other.last_weights.state.items()]  # fmt: skip

    assert all(tensor.dtype is torch.float64 for _, tensor in pairs)
    assert 0 < max((mine - yours).abs().max().item() for mine, yours in pairs) < 1e-5
    assert other.test.probabilities.dtype is torch.float32
    assert other.record.inference


def test_the_first_that_failed_is_blamed():
    """The others fail after it, for want of it; its reason is the run's."""
    record = TrialRecord(spec=spec(), status="failed", error="lost")
    failures = [
        _Failure(rank=rank, at=at, status="failed", error=f"of {rank}", traceback="")
        for rank, at in ((0, 3.0), (1, 1.0), (2, 2.0))
    ]

    assert _blamed(record, failures, 3).error == "in process 1 of 3: of 1"
    assert _blamed(record, failures[:1], 3).error == "nothing was heard of process 1, 2: lost"
