"""How far the trials of a run have come, model by model, and how long the rest will take."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import mean, stdev

from bench.system.options import format_seconds
from bench.training.record import FINISHED, EpochRecord, TrialRecord
from bench.training.spec import TrialSpec

_PHASES = {
    "initialize": "fitting the first weights",
    "test": "testing",
    "inference": "timing answers",
    "profile": "profiling",
    "publish": "writing",
    "done": "writing",
}
Key = tuple[str, int, int | None]  # model, seed, fold
_KNOWN_STEPS, _KNOWN_SECONDS = 3, 1.0  # of training, before it is a measure of the rest


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What is to be seen of one model.

    Attributes:
        state: in words, with ✓ where all went well and ✗ where something did not.
        accuracy: of the test images, mean over the trials done, 0 to 1.
        validation: accuracy after the last epoch of any trial, 0 to 1.
        seconds: of training, mean over the trials done so many at a time.
        deviation: of those seconds, with more than one.
    """

    model: str
    state: str
    accuracy: float | None = None
    validation: float | None = None
    seconds: float | None = None
    deviation: float | None = None


@dataclass(slots=True, kw_only=True)
class _UnderWay:
    """A trial that has begun.

    Attributes:
        since: when it began; where one is done at a time, when the one before it had ended.
        budget, spent: seconds of training that it has, and those of the epochs done; a trial has
            epochs or a budget.
        validated: epochs done.
        steps, made, before: of training, in all, so far, and by another process.
        training_since: when its training began here.
    """

    key: Key
    since: float
    phase: str = ""
    epochs: int | None = 1
    budget: float | None = None
    validated: int = 0
    spent: float = 0.0
    steps: int = 0
    made: int = 0
    before: int = 0
    training_since: float | None = None

    @property
    def model(self) -> str:
        """What is trained."""
        return self.key[0]

    @property
    def doing(self) -> str:
        """What it does, in words."""
        if self.phase in _PHASES or self.training_since is None:
            return _PHASES.get(self.phase, "starting")
        if self.budget is not None or self.epochs is None:
            return f"epoch {self.validated + 1} of {format_seconds(self.budget or 0)}"
        epoch = min(self.epochs, self.made * self.epochs // max(1, self.steps) + 1)
        return f"epoch {epoch} of {self.epochs}"

    def step_seconds(self, now: float) -> float | None:
        """Return how long a step takes, validation and all, if enough of them were made.

        None under a budget, where nobody knows how many there will be.
        """
        if self.budget is not None:
            return None
        made = self.made - self.before
        if self.training_since is None or made < _KNOWN_STEPS:
            return None
        seconds = now - self.training_since
        return seconds / made if seconds >= _KNOWN_SECONDS else None


class RunProgress:
    """The trials that are planned, done, and under way; told like a watcher."""

    def __init__(
        self,
        specs: Sequence[TrialSpec],
        records: Iterable[TrialRecord] = (),
        clock: Callable[[], float] = time.monotonic,
        jobs: int = 1,
    ) -> None:
        """Of the trials `specs`, `jobs` are done at a time; `records` are there already."""
        self._keys: dict[str, list[Key]] = {}
        self._budgets = {spec.model: spec.recipe.seconds for spec in specs}
        for spec in specs:
            self._keys.setdefault(spec.model, []).append(spec.key)
        self._word = "seed" if all(spec.fold is None for spec in specs) else "training"
        self._records = {r.spec.key: r for r in records if r.status in FINISHED}
        self._validation: dict[str, float] = {}
        self._seconds: dict[str, list[float]] = {}  # of whole trials, begun and ended here
        self._clock, self._turned, self._jobs = clock, clock(), jobs
        self._shared = jobs > 1  # of other times no mean is made
        self._now: dict[Key, _UnderWay] = {}
        self.planned = len(specs)

    @property
    def done(self) -> int:
        """How many trials have ended, well or not."""
        return len(self._records)

    def on_phase(self, record: TrialRecord) -> None:
        """A trial does something else; it may be one that is done once more."""
        key = record.spec.key
        if key not in self._now:
            since = self._turned if self._jobs == 1 else self._clock()
            self._now[key] = _UnderWay(key=key, since=since)
            self._records.pop(key, None)
        trial = self._now[key]
        trial.phase = record.phase
        trial.validated, trial.spent = len(record.history), record.spent_seconds

    def on_start(self, spec: TrialSpec, steps: int, done: int) -> None:
        """Training begins."""
        trial = self._now.get(spec.key)
        if trial is not None:
            trial.steps, trial.made, trial.before = steps, done, done
            trial.epochs, trial.training_since = spec.recipe.epochs, self._clock()
            trial.budget = spec.recipe.seconds

    def on_batch(self, spec: TrialSpec) -> None:
        """A step is made."""
        if spec.key in self._now:
            self._now[spec.key].made += 1

    def on_epoch(self, spec: TrialSpec, epoch: EpochRecord) -> None:
        """An epoch is validated."""
        self._validation[spec.model] = epoch.validation_accuracy

    def on_end(self, record: TrialRecord) -> None:
        """A trial is over."""
        now, trial = self._clock(), self._now.pop(record.spec.key, None)
        since = self._turned if trial is None else trial.since
        if record.status == "ok" and not (trial and trial.before):
            self._seconds.setdefault(record.model, []).append(now - since)
        if record.status in FINISHED:
            self._records[record.spec.key] = record
        self._turned = now

    def lines(self) -> list[Line]:
        """Return a line for each model: the most accurate so far first, then as they come."""
        found = [self._line(model, len(keys)) for model, keys in self._keys.items()]
        return sorted(found, key=lambda line: 1.0 if line.accuracy is None else -line.accuracy)

    def time_left(self) -> tuple[float, bool] | None:
        """Return the seconds that the rest takes, and whether that is all of it.

        A model of which nothing has been measured is not in it. None where nothing is known.
        """
        left = [self._left_of(trial) for trial in self._now.values()]
        for model, keys in self._keys.items():
            waiting = len(keys) - len(self._done(model)) - len(self._under_way(model))
            left += [self._trial_seconds(model)] * waiting
        known = [seconds for seconds in left if seconds is not None]
        if not any(known):
            return None
        shared = max(sum(known) / self._jobs, *known)  # the longest is done by one alone
        return shared, len(known) == len(left)

    def _done(self, model: str) -> list[TrialRecord]:
        return [self._records[key] for key in self._keys[model] if key in self._records]

    def _under_way(self, model: str) -> list[_UnderWay]:
        return [trial for trial in self._now.values() if trial.model == model]

    def _trial_seconds(self, model: str) -> float | None:
        """Return how long a trial of `model` takes: those that ended, its budget, the present one.

        A budget is of training alone, so a trial takes somewhat longer.
        """
        if model in self._seconds:
            return mean(self._seconds[model])
        if self._budgets[model] is not None:
            return self._budgets[model]
        for now in self._under_way(model):
            step = now.step_seconds(self._clock())
            if now.training_since is not None and step is not None:
                return now.training_since - now.since + step * now.steps
        return None

    def _left_of(self, trial: _UnderWay) -> float | None:
        step = trial.step_seconds(self._clock())
        if step is not None:
            return step * (trial.steps - trial.made)
        if trial.budget is not None:
            return max(0.0, trial.budget - trial.spent)
        whole = self._trial_seconds(trial.model)
        return None if whole is None else max(0.0, whole - (self._clock() - trial.since))

    def _line(self, model: str, trials: int) -> Line:
        well = [record for record in self._done(model) if record.status == "ok"]
        accuracies = [r.test_accuracy for r in well if r.test_accuracy is not None]
        seconds = [record.spent_seconds for record in well if record.shared == self._shared]
        return Line(
            model=model,
            state=self._state(model, trials),
            accuracy=mean(accuracies) if accuracies else None,
            validation=self._validation.get(model),
            seconds=mean(seconds) if seconds else None,
            deviation=stdev(seconds) if len(seconds) > 1 else None,
        )

    def _state(self, model: str, trials: int) -> str:
        word = self._word
        done = self._done(model)
        failed = [record for record in done if record.status != "ok"]
        now = self._under_way(model)
        if len(now) > 1:
            return f"{word}s {len(done) + 1} to {len(done) + len(now)} of {trials}, {now[0].doing}"
        if now:
            return f"{word} {len(done) + 1} of {trials}, " * (trials > 1) + now[0].doing
        if failed:
            return f"✗ {failed[0].status}" + f", {len(failed)} of {trials} {word}s" * (trials > 1)
        if len(done) == trials:
            return f"✓ {trials} {word}s" if trials > 1 else "✓ done"
        return f"{len(done)} of {trials} {word}s done" if done else "waiting"
