"""The run folder: what was measured, written as soon as it is known, never half a file."""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict
from pathlib import Path

from bench.record import TrialRecord, TrialResult, TrialSpec, Weights
from bench.weights import Published, save_weights
from registry.errors import RunError


class RunFolder:
    """A folder of one run: `runs/0007-lenet-alexnet/`, and one folder in it for each trial."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, runs: Path, models: tuple[str, ...]) -> RunFolder:
        """Return a new numbered folder under `runs`, named after its first three models.

        Raises:
            RunError: the folder can't be made.
        """
        label = "-".join(_plain(model) for model in models[:3])
        try:
            runs.mkdir(parents=True, exist_ok=True)
            number = 1 + max((_number(path) for path in runs.iterdir()), default=0)
            while True:
                path = runs / f"{number:04d}-{label}"
                try:
                    path.mkdir()
                    return cls(path)
                except FileExistsError:  # another run took the number just now
                    number += 1
        except OSError as error:
            raise RunError(
                f"can't make a run folder in {runs}: {error.strerror}: name another by --runs-dir"
            ) from error

    def trial(self, spec: TrialSpec) -> Path:
        """Return the folder of the trial, made if it is not there."""
        path = self.path / _plain(spec.model) / f"seed-{spec.seed}"
        path.mkdir(parents=True, exist_ok=True)
        return path

    def write_json(self, name: str, value: object) -> None:
        """Write `value` to the file `name` of this folder."""
        write_text(self.path / name, json.dumps(value, indent=2, default=str) + "\n")

    def keep(self, result: TrialResult, *, weights: bool) -> None:
        """Write the record of a trial that has just ended, and its weights if asked for."""
        spec = result.record.spec
        folder = self.trial(spec)
        write_text(folder / "record.json", json.dumps(record_as_json(result.record), indent=2))
        last, best = result.last_weights, result.best_weights
        if weights and last is not None:
            _publish(folder / "weights.safetensors", last, spec)
        if weights and best is not None and best is not last:
            _publish(folder / "weights-best.safetensors", best, spec)


def record_as_json(record: TrialRecord) -> dict[str, object]:
    """Return the record as plain values, with its model and the specification's digest."""
    return {"model": record.model, "spec_id": record.spec.id, **asdict(record)}


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path`: the old content or the new one is there, never a part."""
    partial = path.with_name(path.name + ".partial")
    with partial.open("w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def _plain(model: str) -> str:
    """Return a model's name as a file name: `dist/net` becomes `dist_net`."""
    return re.sub(r"[^a-z0-9_]+", "_", model)


def _number(path: Path) -> int:
    digits = re.match(r"(\d+)-", path.name)
    return int(digits.group(1)) if digits else 0


def _publish(path: Path, weights: Weights, spec: TrialSpec) -> None:
    published = Published(
        model=spec.model,
        architecture=spec.architecture,
        origin=spec.origin,
        classes=spec.classes,
        epoch=weights.epoch,
        split_fingerprint=spec.split_fingerprint,
    )
    save_weights(path, weights.state, published)
