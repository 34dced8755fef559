"""Differences that would change the rest of a resumed run."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import fields
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

from bench.training.spec import TrialSpec
from registry.architecture import Architecture
from registry.from_file import file_of

_MACHINE = ("python", "cpu", "cpu_capability", "device_name")
_LONG = 60  # characters; longer values are not shown


def differences(
    then: Mapping[str, Any], now: Mapping[str, Any], pairs: list[tuple[TrialSpec, TrialSpec]]
) -> list[str]:
    """Return the differences since a run started, such as `torch 2.15.0 instead of 2.14.1`.

    Args:
        then: environment at the start, from `describe_environment`.
        now: environment today.
        pairs: specifications of unfinished trials, as planned and as they would be now.
    """
    found = [*_environment(then, now)]
    for planned, present in pairs:
        found += _specification(planned, present)
        name = planned.model
        if then.get("code", {}).get(name) != now.get("code", {}).get(name):
            found.append(f"the code of {name} has changed")
    return list(dict.fromkeys(found))


def code_digest(architecture: Architecture) -> str | None:
    """Return the SHA-256 of the constructor's file, without importing it; None if not found."""
    try:
        return hashlib.sha256(_file(architecture).read_bytes()).hexdigest()
    except (ImportError, ValueError, OSError):
        return None


def _file(architecture: Architecture) -> Path:
    if (file := file_of(architecture)) is not None:
        return file
    path: list[str] | None = None
    origin: str | None = None
    for part in architecture.constructor.partition(":")[0].split("."):
        found = PathFinder.find_spec(part, path)  # a dotted name would import its parents
        if found is None:
            raise ImportError(part)
        origin = found.origin
        path = list(found.submodule_search_locations or ())
    return Path(origin or "")


def _environment(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name in _MACHINE:
        yield from _describe_change(name.replace("_", " "), then.get(name), now.get(name))
    before, present = then.get("packages", {}), now.get("packages", {})
    for package in sorted({*before, *present}):
        yield from _describe_change(package, before.get(package), present.get(package))


def _specification(planned: TrialSpec, present: TrialSpec) -> Iterator[str]:
    for field in fields(TrialSpec):
        before, after = getattr(planned, field.name), getattr(present, field.name)
        if before == after or field.name in ("workers", "model", "seed", "fold", "folds"):
            continue
        if field.name == "recipe":
            for name in (part.name for part in fields(before)):
                yield from _describe_change(name, getattr(before, name), getattr(after, name))
        elif field.name in ("architecture", "origin"):
            yield f"{planned.model} has changed ({field.name})"
        elif field.name == "split_fingerprint":
            yield "different images or a different split"
        else:
            yield from _describe_change(field.name, before, after)


def _describe_change(what: str, before: object, after: object) -> Iterator[str]:
    if before != after:
        both = f"{what} {after} instead of {before}"
        yield both if len(both) <= _LONG + len(what) else f"a different {what}"
