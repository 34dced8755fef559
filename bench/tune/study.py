"""The folder of a search: its options, the runs of its configurations, the seconds spent."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from bench.analysis.results import StoredRun
from bench.analysis.stats.clusters import Clusters, clusters_of
from bench.runs.progress import Progress
from bench.runs.run_folder import run_folders
from bench.runs.stored_runs import stored_run
from bench.system.atomic_files import write_text
from bench.training.recipe import Recipe
from bench.training.record import EpochRecord, TrialRecord
from bench.training.spec import TrialSpec
from registry.errors import RunError

_ASKED, _SPENT = "search.json", "spent.json"
_NAME = "configuration "


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """One recipe of a search, with its result.

    Attributes:
        number: number from 1, which is the recipe that the search starts from.
        correct: whether predictions (M, S, N) on held-out images are right, by model and seed;
            None if a trial failed.
        seconds: seconds spent on all its trials.
        status: `ok`, or the status of the first failed trial.
        clusters: group (N,) of each held-out image, as a number; None without groups.
    """

    number: int
    recipe: Recipe
    folder: Path
    correct: NDArray[np.bool_] | None
    seconds: float
    status: str
    clusters: Clusters | None = None

    @property
    def accuracy(self) -> float:
        """Mean over models, seeds and held-out images; 0 if a trial failed."""
        return 0.0 if self.correct is None else float(self.correct.mean())


class Study:
    """The folder of one search."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._since, self._before = time.monotonic(), self._spent()

    @classmethod
    def find_or_create(cls, runs: Path, label: str, asked: Mapping[str, Any]) -> Self:
        """Return the folder of the search with equal options, or a new one, or raise RunError."""
        text = json.dumps(asked, indent=1, sort_keys=True) + "\n"
        number = 1
        while True:
            path = runs / f"tune-{label}{'' if number == 1 else f'-{number}'}"
            try:
                path.mkdir(parents=True, exist_ok=True)
                said = path / _ASKED
                if not said.exists() and not any(path.iterdir()):
                    write_text(said, text)
                if said.is_file() and said.read_text(encoding="utf-8") == text:
                    return cls(path)
            except OSError as error:
                raise RunError(f"cannot create a folder in {runs}: {error.strerror}") from error
            number += 1

    @property
    def spent_seconds(self) -> float:
        """Wall seconds of the search, including those before a restart."""
        return self._before + time.monotonic() - self._since

    def write_time(self) -> None:
        """Write the seconds spent."""
        write_text(self.path / _SPENT, json.dumps({"seconds": self.spent_seconds}) + "\n")

    def runs(self, say: Callable[[str], object]) -> dict[int, StoredRun]:
        """Return the runs by configuration number; report those that cannot be read."""
        found: dict[int, StoredRun] = {}
        for folder in run_folders(self.path):
            try:
                run = stored_run(str(folder.path), self.path)
                found[_number(run)] = run
            except (RunError, ValueError) as error:
                say(f"{folder.path} cannot be used, and runs again: {error}")
        return found

    def _spent(self) -> float:
        try:
            return float(json.loads((self.path / _SPENT).read_text(encoding="utf-8"))["seconds"])
        except (OSError, ValueError, KeyError, TypeError):
            return 0.0


class TimedProgress(Progress):
    """Progress that also writes the time of a study after each epoch and trial."""

    def __init__(self, study: Study, *, shown: bool) -> None:
        super().__init__(shown=shown)
        self._study = study

    def say_how_to_go_on(self, command: str) -> None:
        """Say nothing: the command of the search resumes it."""

    def on_epoch(self, spec: TrialSpec, epoch: EpochRecord) -> None:
        """Show the epoch."""
        super().on_epoch(spec, epoch)
        self._study.write_time()

    def on_end(self, record: TrialRecord) -> None:
        """Show how the trial ended."""
        super().on_end(record)
        self._study.write_time()


def with_run_name(recipe: Recipe, number: int) -> Recipe:
    """Return `recipe` with the name that identifies its run."""
    return replace(recipe, name=f"{_NAME}{number}")


def configuration_of(run: StoredRun, base: Recipe) -> Configuration:
    """Return the configuration of a finished run; its recipe has the name of `base`."""
    records, answers = run.results.records, run.results.pairwise.answers
    models = dict.fromkeys(spec.model for spec in run.specs)
    failed = [record.status for record in records if record.status != "ok"]
    whole = not failed and all(model in answers for model in models)
    return Configuration(
        number=_number(run),
        recipe=replace(run.specs[0].recipe, name=base.name),
        folder=run.results.folder,
        correct=np.stack([answers[model].correct for model in models]) if whole else None,
        seconds=sum(record.spent_seconds for record in records),
        status="ok" if whole else (*failed, "failed")[0],
        clusters=clusters_of(run.about["split"].get("groups")),
    )


def require_same_images(runs: Sequence[StoredRun]) -> None:
    """Raise RunError if the images changed during a search."""
    if len({run.about["split"]["fingerprint"] for run in runs}) > 1:
        folder = runs[0].results.folder.parent
        raise RunError(f"the images have changed since {folder} started: remove that folder")


def _number(run: StoredRun) -> int:
    name: str = run.about["recipe"]["name"]
    if not name.startswith(_NAME):
        raise RunError("it is not a run of this search")
    return int(name.removeprefix(_NAME))
