"""Where a trial stood, on disk: whole, checked, and the one before it as well.

A checkpoint is plain values and tensors under a name of its own, synced; then `last.json`, which
names it with its SHA-256 and carries its own, is replaced at once. Two are kept. torch's own reader
does not notice flipped bits, so the digest is compared first; and it reads nothing but plain data
(`weights_only`), so a file can't run anything.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from bench.system.atomic_files import whole_file, write_text
from bench.training.remote_checkpoints import POINTER, SharedPlace
from registry.errors import RunError, format_error

_VERSION = 1
_COST = 50  # a checkpoint follows the one before after so many times what that took, or later: 2 %


@dataclass(frozen=True, slots=True, kw_only=True)
class Cadence:
    """How often a trial is saved: every so many seconds or steps; neither: only when it stops."""

    seconds: float | None = None
    steps: int | None = None

    @classmethod
    def parse(cls, text: str) -> Cadence:
        """Return what `60s`, `5m`, `200` (steps) or `never` means; RunError for anything else."""
        if text in ("never", "0"):
            return cls()
        found = re.fullmatch(r"(\d+)(s|m|)", text)
        if not found or not int(found[1]):
            takes = "seconds (60s), minutes (5m), steps (200) or never"
            raise RunError(f"--checkpoint-every takes {takes}, not {text!r}")
        number, unit = int(found[1]), found[2]
        return cls(steps=number) if not unit else cls(seconds=number * (60 if unit == "m" else 1))


class Schedule:
    """Says when the next checkpoint is due."""

    def __init__(self, cadence: Cadence) -> None:
        self._cadence = cadence
        self._steps, self._cost, self._saved = 0, 0.0, time.monotonic()

    def due(self) -> bool:
        """Count one step more, and say whether a checkpoint should follow it."""
        self._steps += 1
        if self._cadence.steps is not None:
            return self._steps >= self._cadence.steps
        if self._cadence.seconds is None:
            return False
        return time.monotonic() - self._saved >= max(self._cadence.seconds, _COST * self._cost)

    def saved(self, seconds: float) -> None:
        """Begin anew after a checkpoint that took so many seconds."""
        self._steps, self._cost, self._saved = 0, seconds, time.monotonic()


class Checkpoints:
    """The checkpoints of one trial, in a folder of their own, and where others reach them, too."""

    def __init__(self, folder: Path, shared: str | None = None) -> None:
        """Keep them in `folder`, and a copy of them at the URL `shared`."""
        self._folder = folder
        self._shared = None if shared is None else SharedPlace(shared)

    def save(self, state: dict[str, Any]) -> None:
        """Write `state` as the newest checkpoint, and remove all but it and the one before.

        Raises:
            OSError: it can't be written, or not where others reach it; those that there are stay.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        before = self._listed()[:1]
        path = self._folder / f"{time.time_ns()}-{os.getpid()}.pt"
        try:
            with whole_file(path) as partial:
                digest = _write(partial, state)
            listed = [{"file": path.name, "sha256": digest}, *before]
            pointer = {"kept": listed, "sha256": _digest_of_list(listed)}
            write_text(self._folder / POINTER, json.dumps(pointer) + "\n")
        except OSError:
            with suppress(OSError):
                path.unlink(missing_ok=True)
            raise
        names = [each["file"] for each in listed]
        self._remove_others(names)
        if self._shared is not None:
            self._shared.put(self._folder, names)

    def load(self, say: Callable[[str], object]) -> dict[str, Any] | None:
        """Return the newest state that is as it was written, if any; say what is passed over."""
        if self._shared is not None:
            self._shared.fetch(self._folder, say)
        for listed in self._listed(say):
            path = self._folder / listed["file"]
            try:
                return _read(path, listed["sha256"])
            except (OSError, RunError) as error:
                say(f"the checkpoint {path} can't be used ({error}): going back to the one before")
        return None

    def clear(self) -> None:
        """Remove all: the trial has ended."""
        with suppress(OSError):
            (self._folder / POINTER).unlink(missing_ok=True)
        self._remove_others([])
        with suppress(OSError):
            self._folder.rmdir()
        if self._shared is not None:
            self._shared.clear()

    def _listed(self, say: Callable[[str], object] = lambda text: None) -> list[dict[str, str]]:
        """Return names and digests, the newest first; none, and why, if the pointer is damaged."""
        pointer = self._folder / POINTER
        try:
            found = json.loads(pointer.read_text(encoding="utf-8"))
            if _digest_of_list(found["kept"]) != found["sha256"]:
                raise ValueError("it is damaged")
            kept = found["kept"]
            return [{"file": _plain_name(f["file"]), "sha256": str(f["sha256"])} for f in kept]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            why = format_error(error)
            say(f"the checkpoints of {pointer} can't be used ({why}): beginning anew")
            return []

    def _remove_others(self, names: list[str]) -> None:
        with suppress(OSError):
            for path in self._folder.iterdir():
                if path.suffix in (".pt", ".partial") and path.name not in names:
                    path.unlink(missing_ok=True)


def digest_of(state: dict[str, Any]) -> str:
    """Return the SHA-256 of a state's tensors and numbers: equal for states equal bit for bit."""
    digest = hashlib.sha256()

    def add(value: Any) -> None:
        if isinstance(value, torch.Tensor):
            flat = value.detach().cpu().contiguous().reshape(-1)
            digest.update(f"{value.dtype} {tuple(value.shape)}".encode())
            digest.update(flat.view(torch.uint8).numpy().data)
        elif isinstance(value, dict):
            for key in value:
                digest.update(f"{key!r}:".encode())
                add(value[key])
        elif isinstance(value, list | tuple):
            for each in value:
                add(each)
        else:
            digest.update(repr(value).encode())

    add(state)
    return digest.hexdigest()


class _Hashing(io.BufferedWriter):
    """Takes the digest of what is written."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path, "w"))
        self.digest = hashlib.sha256()

    def write(self, data: Any) -> int:
        self.digest.update(data)
        return super().write(data)


def _write(path: Path, state: dict[str, Any]) -> str:
    """Write `state` to `path`, and return the file's SHA-256."""
    with _Hashing(path) as file:
        try:
            torch.save({"version": _VERSION, **state}, file)
        except RuntimeError as error:  # what torch makes of a full disk
            raise OSError(format_error(error)) from error
    return file.digest.hexdigest()


def _read(path: Path, digest: str) -> dict[str, Any]:
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != digest:
            raise RunError("it is damaged: not what was written")
        file.seek(0)
        try:
            state = torch.load(file, map_location="cpu", weights_only=True)
        except Exception as error:
            raise RunError(f"it is no checkpoint: {format_error(error)[:200]}") from error
    if not isinstance(state, dict) or state.get("version") != _VERSION:
        raise RunError(f"it is not of version {_VERSION}")
    return state


def _digest_of_list(listed: object) -> str:
    return hashlib.sha256(json.dumps(listed).encode()).hexdigest()


def _plain_name(name: object) -> str:
    """Return the name of a file in the folder itself, or raise ValueError where it leads away."""
    if not isinstance(name, str) or not re.fullmatch(r"[\w.-]+\.pt", name):
        raise ValueError(f"no checkpoint's name: {name!r}")
    return name
