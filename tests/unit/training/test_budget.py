"""Training for so many seconds: a clock that passes a second a step, and fifty a validation."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from drawn_folder import draw_folder
from torch import nn

from bench.data.check import check
from bench.data.find import find
from bench.data.split import stratified_split
from bench.runs.progress import Progress
from bench.runs.request import Request
from bench.runs.resolve import recipe_of
from bench.system.options import parse_seconds, parse_share
from bench.training.budget import NOT_FITTED, overruns
from bench.training.callbacks import TrialContext
from bench.training.checkpoint import Checkpoints
from bench.training.loop import TrainingLoop
from bench.training.recipe import DEFAULT, TEXTBOOK
from bench.training.record import TrialRecord
from bench.training.schedule import place_by_seconds, settings
from bench.training.spec import TrialSpec
from bench.training.stop import StopRequest
from bench.training.trial import run_trial
from registry.errors import RunError
from zoo import LENET5


class _Clock:
    """Seconds that pass when a network is at work."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


CLOCK = _Clock()
_STEP, _LOOK = 1.0, 50.0


class Ticking(nn.Module):
    """A network whose steps take a second each, and whose answers take fifty."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.drop = nn.Dropout(0.3)
        self.fc = nn.Linear(1024, num_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        CLOCK.now += _STEP if self.training else _LOOK
        return self.fc(self.drop(images.flatten(1)))


class Normalizing(Ticking):
    """The same, with batch normalisation."""

    def __init__(self, num_classes: int) -> None:
        super().__init__(num_classes)
        self.drop = nn.BatchNorm1d(1024)


def _spec(seconds=6.0, kind=Ticking, **changes):
    contract = replace(LENET5.contract, parameters=2050 + 2048 * (kind is Normalizing))
    architecture = replace(
        LENET5, name="ticking", constructor=f"{__name__}:{kind.__name__}", contract=contract
    )
    length = {"epochs": None, "seconds": seconds}
    recipe = replace(DEFAULT, **length, batch_size=4, initialization="own")
    return TrialSpec(
        model="ticking",
        architecture=architecture,
        origin="here",
        recipe=replace(recipe, **changes),
        classes=("cat", "dog"),
        split_fingerprint="",
        seed=3,
        threads=1,
        workers=0,
        layout="contiguous",
    )


@pytest.fixture(scope="module")
def split(tmp_path_factory):
    """16 images to train, so four steps an epoch; 4 to validate, 4 to test."""
    return stratified_split(check(find(draw_folder(tmp_path_factory.mktemp("split") / "drawn"))))


class _Watcher(Progress):
    """Stops after so many steps, and keeps what it hears."""

    def __init__(self, stop=None, step=0):
        super().__init__(shown=False)
        self._stop, self._left, self.started = stop, step, []

    def on_start(self, spec, steps, done):
        self.started.append((steps, done))

    def on_batch(self, spec):
        self._left -= 1
        if self._left == 0:
            self._stop.request()


def _trained(spec, split, folder=None, step=0):
    CLOCK.now = 0.0
    stop, checkpoints = StopRequest(), None if folder is None else Checkpoints(folder)
    context = TrialContext(clock=CLOCK, stop=stop, checkpoints=checkpoints)
    return run_trial(spec, split, _Watcher(stop, step), context)


def test_training_ends_after_the_step_that_reaches_the_budget(split):
    """Six seconds are six steps: an epoch of four, and half of one, which is validated, too."""
    record = _trained(_spec(), split).record

    assert (record.status, record.steps, record.train_seconds) == ("ok", 6, 6.0)
    assert [epoch.train_images for epoch in record.history] == [16, 8]
    assert [epoch.train_seconds for epoch in record.history] == [4.0, 2.0]
    assert record.images_per_second == 24 / 6


def test_fresh_statistics_take_no_time_of_a_budget(split):
    """Four passes before each of two validations: they are time of evaluation."""
    record = _trained(_spec(kind=Normalizing), split).record

    assert (record.steps, record.train_seconds) == (6, 6.0)
    assert record.evaluation_seconds >= 2 * (4 + 1) * _LOOK


def test_a_step_may_end_beyond_the_budget(split):
    """It is not cut short, and none follows it; a budget that ends an epoch begins no other."""
    beyond, whole = (_trained(_spec(seconds), split).record for seconds in (4.5, 4.0))

    assert (beyond.steps, len(beyond.history)) == (5, 2)
    assert (whole.steps, len(whole.history)) == (4, 1)


def test_one_step_is_made_however_small_the_budget_is(split):
    """A network that was never trained is no result."""
    record = _trained(_spec(0.01), split).record

    assert (record.status, record.steps) == ("ok", 1)
    assert record.history[0].train_images == 4


def test_an_epoch_that_starts_has_a_step(split, monkeypatch):
    """Wherever the budget ends, between two looks at the clock, too."""
    monkeypatch.setattr(_Clock, "__call__", lambda clock: setattr(clock, "now", clock.now + 0.01)
                        or clock.now)  # fmt: skip
    records = [_trained(_spec(4 + n / 100), split).record for n in range(25)]

    assert {record.status for record in records} == {"ok"}
    assert all(epoch.train_images for record in records for epoch in record.history)
    assert {len(record.history) for record in records} == {1, 2}


def test_the_loss_of_a_part_of_an_epoch_is_an_images_own(split):
    """The first steps of training have nearly the same loss an image, whatever follows them."""
    part, whole = (_trained(_spec(seconds), split).record for seconds in (2.0, 4.0))

    assert part.history[0].train_loss == pytest.approx(whole.history[0].train_loss, abs=0.3)


def test_the_rate_is_that_of_the_seconds_spent(split):
    """The last step of six begins after five seconds."""
    spec = _spec()
    record = _trained(spec, split).record
    expected = settings(spec.recipe, place_by_seconds(spec.recipe, 5.0, 6.0)).learning_rate

    assert record.history[-1].learning_rate == expected


def _without_waits(result):
    return [replace(epoch, data_wait_seconds=0.0) for epoch in result.record.history]


@pytest.mark.parametrize("step", range(1, 7))
def test_a_trial_gone_on_with_has_the_seconds_that_were_left(split, tmp_path, step):
    """With a clock that passes evenly, it ends like an unbroken one, the last step included."""
    whole = _trained(_spec(ema_decay=0.5), split)
    stopped = _trained(_spec(ema_decay=0.5), split, tmp_path, step)
    gone_on = _trained(_spec(ema_decay=0.5), split, tmp_path)

    assert (stopped.record.status, gone_on.record.resumed) == ("interrupted", 1)
    assert gone_on.record.steps == 6
    assert _without_waits(gone_on) == _without_waits(whole)
    assert gone_on.record.digest == whole.record.digest


def test_forgotten_seconds_are_found_out(split, tmp_path, monkeypatch):
    """The liar: a checkpoint without the seconds of its epoch trains too long."""
    _trained(_spec(), split, tmp_path, 5)
    restore = TrainingLoop.restore

    def forgetting(self, saved):
        saved["position"]["seconds"] = 0.0
        restore(self, saved)

    monkeypatch.setattr(TrainingLoop, "restore", forgetting)

    assert _trained(_spec(), split, tmp_path).record.steps != 6


def test_seconds_of_fitting_the_first_weights_are_counted(split):
    """A pass to time one, and the pass that fits them, are taken from the same budget."""
    record = _trained(_spec(100.0, initialization="patches"), split).record

    assert record.initialization_seconds == 2
    assert record.steps == _trained(_spec(100.0), split).record.steps - 2


def test_nobody_is_told_how_many_steps_there_will_be(split):
    """Nobody knows."""
    CLOCK.now, callback = 0.0, _Watcher()
    run_trial(_spec(), split, callback, TrialContext(clock=CLOCK))

    assert callback.started == [(0, 0)]


def test_a_profile_counts_parts_of_epochs(split):
    """The ceiling is of the steps that were made."""
    CLOCK.now = 0.0
    record = run_trial(_spec(), split, _Watcher(), TrialContext(clock=CLOCK, profile=True)).record

    assert record.status == "ok"
    assert record.profile is not None


@pytest.mark.parametrize(
    ("typed", "seconds"), [("60s", 60), ("5m", 300), ("1.5m", 90), ("1h", 3600), (2.5, 2.5)]
)
def test_a_budget_is_seconds_minutes_or_hours(typed, seconds):
    """What is typed is what is meant."""
    assert parse_seconds(typed) == seconds


@pytest.mark.parametrize("typed", ["60", "", "0s", "-5s", "5 m x", "1d", "nan", 0, -1.0, 1e999])
def test_what_is_no_budget_is_refused(typed):
    """With what there is."""
    with pytest.raises(RunError, match=r"--budget takes seconds \(60s\), minutes \(5m\) or hours"):
        parse_seconds(typed)


@pytest.mark.parametrize(("typed", "share"), [("75%", 0.75), ("0.75", 0.75), (".8", 0.8), (1, 1)])
def test_a_target_is_a_share(typed, share):
    """In percent or not."""
    assert parse_share(typed) == share


@pytest.mark.parametrize("typed", ["75", "0", "0%", "101%", "most", -0.1, 2, float("nan")])
def test_what_is_no_accuracy_is_refused(typed):
    """With what one looks like."""
    with pytest.raises(RunError, match="--target takes an accuracy above 0, such as 75%"):
        parse_share(typed)


def test_a_budget_takes_the_place_of_the_recipes_epochs():
    """And epochs that of a recipe's budget."""
    timed = replace(DEFAULT, name="timed", epochs=None, seconds=30.0)
    one = recipe_of(Request(models=("lenet",), recipe="textbook", budget="5m"))
    other = recipe_of(Request(models=("lenet",), recipe=timed, epochs=2))

    assert (one.epochs, one.seconds, one.length) == (None, 300.0, "300 s")
    assert (other.epochs, other.seconds, other.length) == (2, None, "2 epochs")


def test_a_budget_and_epochs_are_refused():
    """One says how long."""
    with pytest.raises(RunError, match="--epochs and --budget both set the training length"):
        Request(models=("lenet",), epochs=2, budget="60s")


@pytest.mark.parametrize("changes", [{"seconds": 60.0}, {"epochs": None}])
def test_a_recipe_has_epochs_or_seconds(changes):
    """Both and neither are told."""
    with pytest.raises(RunError, match="a recipe needs either epochs or seconds"):
        replace(TEXTBOOK, **changes)


@pytest.mark.parametrize(
    "changes",
    [{"warmup": 1.5}, {"ema_decay": 1.0}, {"ema_decay": -0.1}, {"patience": 0}, {"epochs": 0}],
)
def test_a_recipe_that_can_not_be_is_refused(changes):
    """Shares are shares, numbers above 0."""
    name = next(iter(changes))
    with pytest.raises(RunError, match=name):
        replace(TEXTBOOK, **changes)


def test_weights_after_a_budget_are_those_of_the_last_step(split):
    """They are tested and saved, though their epoch is a part of one."""
    result = _trained(_spec(), split)

    assert (result.record.tested_epoch, result.last_weights.epoch) == (2, 2)


@pytest.mark.parametrize(("spent", "marks"), [(31.0, 0), (32.0, 1)])
def test_a_trial_beyond_its_budget_is_marked(spent, marks):
    """From 5 % on: with more training, it is not equal."""
    record = TrialRecord(spec=_spec(30.0), status="ok", train_seconds=spent)

    assert len(overruns(record)) == marks


def test_the_first_weights_take_a_share_of_the_budget_at_most(split):
    """Then the network keeps its own, and the record says so."""
    spec = _spec(3.0, initialization="patches")
    record = _trained(spec, split).record

    assert record.trained_by == NOT_FITTED
    assert record.initialization_seconds == 1


def test_the_rate_starts_low_after_long_first_weights():
    """The schedule has only what they have left of the budget."""
    recipe = _spec(10.0).recipe
    loop = SimpleNamespace(
        _recipe=recipe, _device=torch.device("cpu"), _spent_before=6.0, _spent=lambda: 6.0
    )

    assert TrainingLoop._place(loop).done == 0.0
