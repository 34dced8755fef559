"""Checkpoints of a trial on disk: complete, checked, and the two newest at any time.

A checkpoint is a file of plain values and tensors with a unique name. After it is synced,
`last.json` is replaced atomically. It names the newest two with their SHA-256, and holds its own.
torch does not detect flipped bits, so the digest is compared first. torch reads only plain data
(`weights_only`), so a file cannot run code.
"""

from __future__ import annotations

import errno
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
from bench.system.received_files import MB, is_link, open_regular, read_regular
from bench.training.remote_checkpoints import MADE as _MADE
from bench.training.remote_checkpoints import POINTER, SharedPlace
from registry.errors import RunError, format_error

_VERSION = 1
_COST = 50  # pause after a checkpoint, in multiples of its cost: saving takes 2 % of the time


@dataclass(frozen=True, slots=True, kw_only=True)
class Cadence:
    """The interval between checkpoints, in seconds or steps; neither: never, not even at a stop."""

    seconds: float | None = None
    steps: int | None = None

    @property
    def saves(self) -> bool:
        """Whether a stopped trial has a checkpoint."""
        return self != Cadence()

    @classmethod
    def parse(cls, text: str) -> Cadence:
        """Return the cadence of `60s`, `5m`, `200` (steps) or `never`; RunError for other text."""
        if text in ("never", "0"):
            return cls()
        found = re.fullmatch(r"(\d+)(s|m|)", text)
        if not found or not int(found[1]):
            takes = "seconds (60s), minutes (5m), steps (200) or never"
            raise RunError(f"--checkpoint-every takes {takes}, not {text!r}")
        number, unit = int(found[1]), found[2]
        return cls(steps=number) if not unit else cls(seconds=number * (60 if unit == "m" else 1))


class Schedule:
    """Decides when the next checkpoint is due."""

    def __init__(self, cadence: Cadence) -> None:
        self._cadence = cadence
        self._steps, self._cost, self._saved = 0, 0.0, time.monotonic()

    def due(self) -> bool:
        """Count a step, and say whether to save a checkpoint after it."""
        self._steps += 1
        if self._cadence.steps is not None:
            return self._steps >= self._cadence.steps
        if self._cadence.seconds is None:
            return False
        return time.monotonic() - self._saved >= max(self._cadence.seconds, _COST * self._cost)

    def saved(self, seconds: float) -> None:
        """Start a new interval after a checkpoint that took `seconds`."""
        self._steps, self._cost, self._saved = 0, seconds, time.monotonic()


class Checkpoints:
    """The checkpoints of one trial, in a local folder, with an optional shared copy."""

    def __init__(self, folder: Path, shared: str | None = None) -> None:
        """Use `folder`, and a copy at the URL `shared` if there is one."""
        self._folder = folder
        self._shared = None if shared is None else SharedPlace(shared)

    def save(self, state: dict[str, Any]) -> None:
        """Write `state` as the newest checkpoint, and remove all but the newest two.

        Raises:
            OSError: the checkpoint or its shared copy cannot be written; earlier ones remain.
        """
        self._folder.mkdir(exist_ok=True)  # not its parents: the run may have been moved
        self._require_own()
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
        """Return the newest undamaged state, or None; report each damaged one to `say`."""
        if self._shared is not None:
            self._shared.fetch(self._folder, say)
        for listed in self._listed(say):
            path = self._folder / listed["file"]
            try:
                return _read(path, listed["sha256"])
            except (OSError, RunError) as error:
                say(f"cannot use the checkpoint {path} ({error}): trying the previous one")
        return None

    def clear(self) -> None:
        """Remove all: the trial has ended. A link in place of the folder is not followed."""
        with suppress(OSError):
            self._require_own()
            (self._folder / POINTER).unlink(missing_ok=True)
        self._remove_others([])
        with suppress(OSError):
            self._folder.rmdir()
        if self._shared is not None:
            self._shared.clear()

    def _listed(self, say: Callable[[str], object] = lambda text: None) -> list[dict[str, str]]:
        """Return names and digests, newest first; none if the pointer is damaged (reported)."""
        pointer = self._folder / POINTER
        try:
            self._require_own()
            found = json.loads(read_regular(pointer, most=MB))
            if _digest_of_list(found["kept"]) != found["sha256"]:
                raise ValueError("it is damaged")
            kept = found["kept"]
            return [{"file": _plain_name(f["file"]), "sha256": str(f["sha256"])} for f in kept]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            why = format_error(error)
            say(f"cannot use the checkpoints of {pointer} ({why}): starting from scratch")
            return []

    def _remove_others(self, names: list[str]) -> None:
        with suppress(OSError):
            self._require_own()
            for path in self._folder.iterdir():
                if _MADE.fullmatch(path.name) and path.name not in names:
                    path.unlink(missing_ok=True)

    def _require_own(self) -> None:
        """Raise OSError if the folder is a link, which somebody else may have made."""
        if is_link(self._folder):
            why = "it is a link, which is not followed"
            raise OSError(errno.ELOOP, why, str(self._folder))


def digest_of(state: dict[str, Any]) -> str:
    """Return the SHA-256 of tensors and numbers: equal for states that are equal bit for bit."""
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
    """Computes the digest of the data while writing it."""

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
        except RuntimeError as error:  # torch's error for a full disk
            raise OSError(format_error(error)) from error
    return file.digest.hexdigest()


def _read(path: Path, digest: str) -> dict[str, Any]:
    with open_regular(path) as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != digest:
            raise RunError("it is damaged: its SHA-256 differs")
        file.seek(0)
        try:
            state = torch.load(file, map_location="cpu", weights_only=True)
        except Exception as error:
            raise RunError(f"it is not a checkpoint: {format_error(error)[:200]}") from error
    if not isinstance(state, dict) or state.get("version") != _VERSION:
        raise RunError(f"its version is not {_VERSION}")
    return state


def _digest_of_list(listed: object) -> str:
    return hashlib.sha256(json.dumps(listed).encode()).hexdigest()


def _plain_name(name: object) -> str:
    """Return `name` if it is a plain file name; ValueError if it could leave the folder."""
    if not isinstance(name, str) or not re.fullmatch(r"[\w.-]+\.pt", name):
        raise ValueError(f"not a checkpoint name: {name!r}")
    return name
