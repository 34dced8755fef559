"""Trackers: log finished trials to TensorBoard or MLflow.

Both write into the run folder. Nothing is sent elsewhere, unless MLFLOW_TRACKING_URI names a
server. A failing tracker prints one warning and is not used again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bench.report.table import markdown_row
from bench.system.credentials import hide_credentials
from bench.system.display import display
from bench.system.received_files import require_inside
from bench.training.record import EPOCH_TIMES, SHARED, EpochRecord, TrialRecord
from registry.errors import RunError, format_error

_SPECIFIED = ("model", "seed", "fold", "device", "precision", "threads", "fidelity", "origin")
_MLFLOW = {  # set before its import: no telemetry, files allowed, short retries
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_ALLOW_FILE_STORE": "true",
}
_RETRIES = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}


class Trackers:
    """The trackers of a run; a failing one prints one warning and is dropped."""

    def __init__(self, names: Sequence[str], folder: Path, say: Callable[[str], object]) -> None:
        self._names, self._folder, self._say = list(names), folder, say
        self._open: dict[str, _TensorBoard | _Mlflow] = {}

    def log(self, trial: Path, record: TrialRecord) -> None:
        """Log the trial with the folder `trial`, if finished; never raises."""
        if not record.finished:
            return
        name = trial.relative_to(self._folder).as_posix()
        for each in list(self._names):
            try:
                require_inside(self._folder, self._folder / each / name)
                if each not in self._open:
                    self._open[each] = _KINDS[each](self._folder)
                self._open[each].log(name, record)
            except Exception as error:  # noqa: BLE001  (no library's fault may lose a run)
                self._names.remove(each)
                why = hide_credentials(format_error(error))
                self._say(f"--log {each} failed, the run continues: {why}")


class _TensorBoard:
    """Event files in `tensorboard/` of the run folder, one folder per trial."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "tensorboard"

    def log(self, name: str, record: TrialRecord) -> None:
        from torch.utils.tensorboard import SummaryWriter

        with SummaryWriter(str(self._folder / name)) as writer:
            rows = {**parameters_of(record), **_ending(record)}.items()
            lines = ["| | |", "| --- | --- |", *map(markdown_row, rows)]
            writer.add_text("trial", "\n".join(lines))
            for step, metrics in metrics_of(record):
                for key, value in metrics.items():
                    writer.add_scalar(key, value, step)


class _Mlflow:
    """One experiment per run and one MLflow run per trial, in `mlflow/` of the run folder."""

    def __init__(self, folder: Path) -> None:
        os.environ.update({**_RETRIES, **os.environ, **_MLFLOW})
        from mlflow.tracking import MlflowClient

        local = (folder / "mlflow").absolute().as_uri()
        self._client = MlflowClient(os.environ.get("MLFLOW_TRACKING_URI") or local)
        found = self._client.get_experiment_by_name(folder.name)
        self._experiment = (
            self._client.create_experiment(folder.name) if found is None else found.experiment_id
        )
        self._tags = {"zoo.folder": display(str(folder.absolute()))}

    def log(self, name: str, record: TrialRecord) -> None:
        from mlflow.entities import Metric, Param

        tags = self._tags | _ending(record)
        run = self._client.create_run(self._experiment, run_name=name, tags=tags).info
        self._client.log_batch(
            run.run_id,
            params=[Param(key, value) for key, value in parameters_of(record).items()],
            metrics=[
                Metric(key, value, run.start_time, step)
                for step, metrics in metrics_of(record)
                for key, value in metrics.items()
            ],
        )
        self._client.set_terminated(run.run_id, "FINISHED" if record.status == "ok" else "FAILED")


_KINDS: Mapping[str, type[_TensorBoard | _Mlflow]] = MappingProxyType(
    {"tensorboard": _TensorBoard, "mlflow": _Mlflow}
)


def require_trackers(names: Sequence[str]) -> None:
    """Raise RunError, with the command to install it, if the library of a tracker is missing."""
    for name in names:
        if find_spec(name) is None:
            raise RunError(f"--log {name} needs a library: pip install 'zoo-bench[{name}]'")


def parameters_of(record: TrialRecord) -> dict[str, str]:
    """Return the parameters of a trial by name, with the recipe's fields."""
    recipe = asdict(record.spec.recipe)
    given = {name: getattr(record.spec, name) for name in _SPECIFIED}
    asked: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    asked |= {"recipe": recipe.pop("name"), **recipe}
    return {name: display(str(value)) for name, value in asked.items()}


def metrics_of(record: TrialRecord) -> Iterator[tuple[int, dict[str, float]]]:
    """Yield the metrics of each epoch with its number, then those of the whole trial.

    Names are those of history.csv and comparison.csv: losses in nats, accuracies 0 to 1.
    """
    names = [field.name for field in fields(EpochRecord) if field.name != "epoch"]
    kind = SHARED if record.shared else ""
    for epoch in record.history:
        figures = {
            f"{kind}{name}" if name in EPOCH_TIMES else name: getattr(epoch, name) for name in names
        }
        yield epoch.epoch, {name: float(each) for name, each in figures.items() if each is not None}
    last = record.last.epoch if record.last else 0
    whole = {"test_loss": record.test_loss, "test_accuracy": record.test_accuracy}
    yield last, {name: float(value) for name, value in whole.items() if value is not None}


def _ending(record: TrialRecord) -> dict[str, str]:
    ending = {"status": record.status, "phase": record.phase, "error": display(record.error)}
    return {name: value for name, value in ending.items() if value}
