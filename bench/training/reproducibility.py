"""Differences that would change the rest of a resumed run."""

from __future__ import annotations

import hashlib
import inspect
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import fields
from typing import Any

from bench.training.source_code import find_module, modules_beside, own_modules
from bench.training.spec import TrialSpec
from registry.architecture import Architecture
from registry.from_file import file_of

OTHER_IMAGES = "different images or a different split"
_MACHINE = ("python", "cpu", "cpu_capability", "device_name")
_MAIN = "__main__:"  # a notebook or script, which may have no file
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
        found += _code(planned, then.get("code", {}), now.get("code", {}))
    return list(dict.fromkeys(found))


def code_digest(architecture: Architecture) -> str | None:
    """Return the SHA-256 of the constructor's file, without importing it; None if not found.

    If the file imports modules of its own distribution or, as a file, of its own folder, `+` and
    the SHA-256 of those follow. Of a class in a notebook or script, it is that of the class.
    """
    if architecture.constructor.startswith(_MAIN):
        return _digest_of_main(architecture.constructor)
    try:
        if (file := file_of(architecture)) is not None:
            content = file.read_bytes()
            return _digest(content, modules_beside(file, content))
        found = find_module(architecture.constructor.partition(":")[0])
        if found is None or found.content is None:
            return None
        return _digest(found.content, own_modules(found))
    except (ImportError, ValueError, OSError):
        return None


def is_same_code(then: str | None, now: str | None) -> bool:
    """Return whether two digests are of the same code; one that is None is of unknown code.

    Earlier versions stored the digest of one file alone. That part is compared then.
    """
    if then is None or now is None:
        return False
    if ("+" in then) != ("+" in now):
        then, now = then.partition("+")[0], now.partition("+")[0]
    return then == now


def _digest(main: bytes, others: Mapping[str, bytes | None]) -> str:
    first = hashlib.sha256(main).hexdigest()
    if not others:
        return first
    found = hashlib.sha256()
    for name, content in sorted(others.items()):
        said = "missing" if content is None else hashlib.sha256(content).hexdigest()
        found.update(f"{name} {said}\n".encode())
    return f"{first}+{found.hexdigest()}"


def _digest_of_main(constructor: str) -> str | None:
    value = getattr(sys.modules["__main__"], constructor.removeprefix(_MAIN), None)
    with suppress(OSError, TypeError):  # typed into Python itself: there is no source
        return hashlib.sha256(inspect.getsource(value).encode()).hexdigest()  # type: ignore[arg-type]
    return None


def _code(planned: TrialSpec, then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    name, sides = planned.model, (then, now)
    before, present = (side.get(name) for side in sides)
    if before == present and before is not None:
        return
    if any(name in side and side[name] is None for side in sides):
        if not planned.architecture.constructor.startswith(_MAIN):
            where = "" if name in now and present is None else " in the record"
            yield f"the code of {name} cannot be found{where}"
    elif before != present and not is_same_code(before, present):
        yield f"the code of {name} has changed"


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
            yield OTHER_IMAGES
        else:
            yield from _describe_change(field.name, before, after)


def _describe_change(what: str, before: object, after: object) -> Iterator[str]:
    if before != after:
        both = f"{what} {after} instead of {before}"
        yield both if len(both) <= _LONG + len(what) else f"a different {what}"
