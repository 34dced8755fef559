"""Progress of a run's trials, model by model, and the estimated time left."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import mean, stdev

from bench.training.record import FINISHED, EpochRecord, TrialRecord
from bench.training.spec import TrialSpec

_PHASES = {
    "initialize": "fitting initial weights",
    "test": "testing",
    "inference": "timing inference",
    "profile": "profiling",
    "publish": "writing",
    "done": "writing",
}
_STEADY_SECONDS, _STEADY_SHARE = 20.0, 0.25  # an estimate that differs by less is not told
_KNOWN_STEPS, _KNOWN_SECONDS = 3, 1.0  # of training, before an estimate is made


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The progress of one model."""

    model: str
    state: str  # in words: ✓ if all trials succeeded, ✗ if any failed
    accuracy: float | None = None  # test accuracy, mean over finished trials, 0 to 1
    validation: float | None = None  # accuracy after the latest epoch of any trial, 0 to 1
    seconds: float | None = None  # of training, mean over finished trials of equal `jobs`
    deviation: float | None = None  # of those seconds, from two trials on


@dataclass(slots=True, kw_only=True)
class _RunningTrial:
    """A trial in progress."""

    record: TrialRecord  # of the current phase, with the finished epochs
    since: float  # its start; with one job, the end of the trial before it
    steps: int = 0  # of training, in total
    made: int = 0  # steps done so far
    before: int = 0  # steps done by another process
    training_since: float | None = None  # start of its training in this process

    @property
    def activity(self) -> str:
        """The current activity, in words."""
        phase, recipe = self.record.phase, self.record.spec.recipe
        if phase in _PHASES or self.training_since is None:
            return _PHASES.get(phase, "starting")
        if recipe.epochs is None:
            return f"epoch {len(self.record.history) + 1}, {recipe.length} in all"
        epoch = min(recipe.epochs, self.made * recipe.epochs // max(1, self.steps) + 1)
        return f"epoch {epoch} of {recipe.epochs}"

    def step_seconds(self, now: float) -> float | None:
        """Return seconds per step with validation; None after too few steps or with a budget."""
        made, budget = self.made - self.before, self.record.spec.recipe.seconds
        if budget is not None or self.training_since is None or made < _KNOWN_STEPS:
            return None
        seconds = now - self.training_since
        return seconds / made if seconds >= _KNOWN_SECONDS else None


class RunProgress:
    """The planned, running and finished trials; updated like a callback."""

    def __init__(
        self,
        specs: Sequence[TrialSpec],
        records: Iterable[TrialRecord] = (),
        clock: Callable[[], float] = time.monotonic,
        jobs: int = 1,
    ) -> None:
        """`specs` are all trials, `jobs` the trials at a time, `records` the finished trials."""
        self._specs: dict[str, list[TrialSpec]] = {}
        for spec in specs:
            self._specs.setdefault(spec.model, []).append(spec)
        self._word = "seed" if all(spec.fold is None for spec in specs) else "training"
        self._records = {r.spec.key: r for r in records if r.status in FINISHED}
        self._validation: dict[str, float] = {}
        self._seconds: dict[str, list[float]] = {}  # of whole trials in this process
        self._clock, self._last_end, self._jobs = clock, clock(), jobs
        self._running: dict[tuple[str, int, int | None], _RunningTrial] = {}  # by key
        self._end: float | None = None  # that was told, on the clock
        self.planned = len(specs)

    @property
    def done(self) -> int:
        """The number of finished trials, successful or not."""
        return len(self._records)

    def on_phase(self, record: TrialRecord) -> None:
        """Note the current phase of a trial, which may be a repeated one."""
        key = record.spec.key
        if key not in self._running:
            since = self._last_end if self._jobs == 1 else self._clock()
            self._running[key] = _RunningTrial(record=record, since=since)
            self._records.pop(key, None)
        self._running[key].record = record

    def on_start(self, spec: TrialSpec, steps: int, done: int) -> None:
        """Note the start of training."""
        if trial := self._running.get(spec.key):
            trial.steps, trial.made, trial.before = steps, done, done
            trial.training_since = self._clock()

    def on_batch(self, spec: TrialSpec) -> None:
        """Count a step."""
        if spec.key in self._running:
            self._running[spec.key].made += 1

    def on_epoch(self, spec: TrialSpec, epoch: EpochRecord) -> None:
        """Note the accuracy of an epoch."""
        self._validation[spec.model] = epoch.validation_accuracy

    def on_end(self, record: TrialRecord) -> None:
        """Note the end of a trial."""
        now, trial = self._clock(), self._running.pop(record.spec.key, None)
        since = self._last_end if trial is None else trial.since
        if record.status == "ok" and not (trial and trial.before):
            self._seconds.setdefault(record.model, []).append(now - since)
        if record.status in FINISHED:
            self._records[record.spec.key] = record
        self._last_end = now

    def lines(self) -> list[Line]:
        """Return a line for each model: the most accurate first, then in the order of the plan."""
        return sorted(
            map(self._line, self._specs),
            key=lambda line: 1.0 if line.accuracy is None else -line.accuracy,
        )

    def time_left(self) -> tuple[float, bool] | None:
        """Return the estimated seconds left, and whether they cover every trial.

        A model without measurements is not covered. None if nothing is known.
        """
        left = [self._seconds_left(trial) for trial in self._running.values()]
        for model, specs in self._specs.items():
            waiting = len(specs) - len(self._done(model)) - len(self._running_of(model))
            left += [self._trial_seconds(model)] * waiting
        known = [seconds for seconds in left if seconds is not None]
        if not any(known):
            return None
        shared = max(sum(known) / self._jobs, *known)  # one job runs the longest trial
        return shared, len(known) == len(left)

    def steady_time_left(self) -> tuple[float, bool] | None:
        """Return the time left like `time_left`, which stays with an earlier end that is near."""
        left = self.time_left()
        if left is None:
            return None
        (seconds, whole), now = left, self._clock()
        near = max(_STEADY_SECONDS, _STEADY_SHARE * seconds)
        if self._end is None or abs(now + seconds - self._end) > near:
            self._end = now + seconds
        return max(0.0, self._end - now), whole

    def _done(self, model: str) -> list[TrialRecord]:
        keys = (spec.key for spec in self._specs[model])
        return [self._records[key] for key in keys if key in self._records]

    def _running_of(self, model: str) -> list[_RunningTrial]:
        return [trial for trial in self._running.values() if trial.record.model == model]

    def _trial_seconds(self, model: str) -> float | None:
        """Return seconds per trial of `model`: from finished trials, its budget or a running one.

        A budget covers training only, so a trial takes somewhat longer.
        """
        if model in self._seconds:
            return mean(self._seconds[model])
        if (budget := self._specs[model][-1].recipe.seconds) is not None:
            return budget
        for trial in self._running_of(model):
            step = trial.step_seconds(self._clock())
            if trial.training_since is not None and step is not None:
                return trial.training_since - trial.since + step * trial.steps
        return None

    def _seconds_left(self, trial: _RunningTrial) -> float | None:
        step = trial.step_seconds(self._clock())
        if step is not None:
            return step * (trial.steps - trial.made)
        budget = trial.record.spec.recipe.seconds
        if budget is not None and trial.training_since is not None:
            return max(0.0, budget - trial.record.spent_seconds)
        whole = self._trial_seconds(trial.record.model)
        return None if whole is None else max(0.0, whole - (self._clock() - trial.since))

    def _line(self, model: str) -> Line:
        well = [record for record in self._done(model) if record.status == "ok"]
        accuracies = [r.test_accuracy for r in well if r.test_accuracy is not None]
        alike = self._jobs > 1  # times under other loads are not averaged
        seconds = [record.spent_seconds for record in well if record.shared == alike]
        return Line(
            model=model,
            state=self._state(model),
            accuracy=mean(accuracies) if accuracies else None,
            validation=self._validation.get(model),
            seconds=mean(seconds) if seconds else None,
            deviation=stdev(seconds) if len(seconds) > 1 else None,
        )

    def _state(self, model: str) -> str:
        word, trials = self._word, len(self._specs[model])
        done, now = self._done(model), self._running_of(model)
        failed = [record for record in done if record.status != "ok"]
        if len(now) > 1:
            numbers = f"{len(done) + 1} to {len(done) + len(now)} of {trials}"
            return f"{word}s {numbers}, {now[0].activity}"
        if now:
            return f"{word} {len(done) + 1} of {trials}, " * (trials > 1) + now[0].activity
        if failed:
            return f"✗ {failed[0].status}" + f", {len(failed)} of {trials} {word}s" * (trials > 1)
        if len(done) == trials:
            return f"✓ {trials} {word}s" if trials > 1 else "✓ done"
        return f"{len(done)} of {trials} {word}s done" if done else "waiting"
