"""What is written where a crash is tried, and what must be found after it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import fuzz_checkpoint
import fuzz_store
import numpy as np
import torch
from fuzz_weights import PUBLISHED, TINY, Tiny

from bench.runs.store import Store
from bench.system.atomic_files import write_text
from bench.training.checkpoint import Checkpoints, digest_of
from bench.training.weights import load_network, save_weights
from registry.errors import RunError

Acknowledge = Callable[[], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Something that is written.

    Attributes:
        prepare: makes what is there before, in a folder.
        write: writes, and acknowledges each time that something is said to be kept.
        check: requires of what is found after so many acknowledgements that it is whole.
    """

    name: str
    prepare: Callable[[Path], object]
    write: Callable[[Path, Acknowledge], object]
    check: Callable[[Path, int], object]


def _save_three(folder: Path, acknowledge: Acknowledge) -> None:
    for number in (1, 2, 3):
        Checkpoints(folder).save(fuzz_checkpoint.state(number))
        acknowledge()


def _check_checkpoints(folder: Path, acknowledged: int) -> None:
    found = Checkpoints(folder).load(lambda text: None)
    number = 0 if found is None else found["position"]["epoch"]
    assert acknowledged <= number <= acknowledged + 1
    if found is not None:
        expected = {"version": 1, **fuzz_checkpoint.state(number)}
        assert digest_of(found) == digest_of(expected)
    Checkpoints(folder).save(fuzz_checkpoint.state(9))
    found = Checkpoints(folder).load(print)
    assert found is not None
    assert found["position"]["epoch"] == 9
    assert len([*folder.iterdir()]) <= 3, "something is left lying about"


def _keep_three(folder: Path, acknowledge: Acknowledge) -> None:
    specs = [fuzz_store.spec(number) for number in (0, 1)]
    store = Store.create(folder / "run.db", fuzz_store.ABOUT, specs)
    acknowledge()
    for number in (0, 1):
        store.finish(number, fuzz_store.result(number))
        acknowledge()


def _check_store(folder: Path, acknowledged: int) -> None:
    try:
        store = Store.open(folder / "run.db")
    except RunError:
        assert not acknowledged
        return
    with closing(store):
        assert store.about() == fuzz_store.ABOUT
        trials = store.trials()
        finished = sum(trial.finished for trial in trials)
        assert max(0, acknowledged - 1) <= finished <= acknowledged
        for trial in trials[:finished]:
            expected = fuzz_store.result(trial.number)
            assert trial.record == expected.record
            assert trial.test is not None
            assert expected.test is not None
            assert np.array_equal(trial.test.probabilities, expected.test.probabilities)
        store.finish(1, fuzz_store.result(1))


def _grow_two(folder: Path, acknowledge: Acknowledge) -> None:
    with closing(Store.open(folder / "run.db")) as store:
        store.grow(
            {"seeds": [0, 1]}, [replace(fuzz_store.spec(number), seed=1) for number in (0, 1)]
        )
    acknowledge()


def _check_growth(folder: Path, acknowledged: int) -> None:
    with closing(Store.open(folder / "run.db")) as store:
        trials, seeds = store.trials(), store.about()["request"].get("seeds")
        assert (len(trials), seeds) in [(2, None), (4, [0, 1])][acknowledged:]
        for number in (0, 1):
            assert trials[number].record == fuzz_store.result(number).record
        store.finish(1, fuzz_store.result(1))


def _weights(number: int) -> dict[str, torch.Tensor]:
    torch.manual_seed(number)
    return Tiny(2).state_dict()


def _save_weights(folder: Path, number: int) -> None:
    save_weights(folder / "weights.safetensors", _weights(number), PUBLISHED)


def _check_weights(folder: Path, acknowledged: int) -> None:
    network, published = load_network(folder / "weights.safetensors", TINY)
    found = digest_of(network.state_dict())
    assert published == PUBLISHED
    assert found in [digest_of(_weights(number)) for number in range(acknowledged, 2)]
    _save_weights(folder, 1)
    assert len([*folder.iterdir()]) == 1, "something is left lying about"


def _check_text(folder: Path, acknowledged: int) -> None:
    found = (folder / "a.txt").read_text(encoding="utf-8")
    assert found in ["old" * 999, "new" * 999][acknowledged:]
    write_text(folder / "a.txt", "newer")
    assert len([*folder.iterdir()]) == 1, "something is left lying about"


def _nothing(folder: Path) -> None:
    """Begin with an empty folder."""


SCENARIOS = (
    Scenario(name="checkpoints", prepare=_nothing, write=_save_three, check=_check_checkpoints),
    Scenario(name="records", prepare=_nothing, write=_keep_three, check=_check_store),
    Scenario(
        name="more seeds",
        prepare=lambda folder: _keep_three(folder, lambda: None),
        write=_grow_two,
        check=_check_growth,
    ),
    Scenario(
        name="weights",
        prepare=lambda folder: _save_weights(folder, 0),
        write=lambda folder, acknowledge: (_save_weights(folder, 1), acknowledge()),
        check=_check_weights,
    ),
    Scenario(
        name="a text",
        prepare=lambda folder: write_text(folder / "a.txt", "old" * 999),
        write=lambda folder, acknowledge: (
            write_text(folder / "a.txt", "new" * 999),
            acknowledge(),
        ),
        check=_check_text,
    ),
)
