"""Frozen contracts: `zoo-contracts.toml`, enforced in its folder and below."""

from __future__ import annotations

import json
import os
import stat
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from registry.architecture import Contract
from registry.errors import RegistryError, format_error

FILE = "zoo-contracts.toml"
_MOST_BYTES = 10_000_000
_HEADING = "# Contracts frozen by `zoo contract freeze`, checked before each training.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenContract:
    """A contract, and the distribution and version that it was measured on."""

    contract: Contract
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """The contracts in a file, by name."""

    path: Path | None = None
    contracts: Mapping[str, FrozenContract] = field(default_factory=dict)

    @classmethod
    def found(cls, folder: Path | None = None) -> Frozen:
        """Return the contracts of the nearest `zoo-contracts.toml` in `folder` or above.

        Raises:
            RegistryError: the file cannot be read; the message names it.
        """
        start = (folder or Path.cwd()).resolve()
        for place in (start, *start.parents):
            if (place / FILE).is_file():
                return read_frozen(place / FILE)
        return cls()


def read_frozen(path: Path) -> Frozen:
    """Return the contracts in `path`.

    Raises:
        RegistryError: the file cannot be read, or an entry is wrong; the message names it.
    """
    try:
        tables = tomllib.loads(_read(path))
    except (OSError, ValueError) as error:
        raise RegistryError(f"{path} cannot be read: {format_error(error)}") from error
    contracts = {name: _contract(path, name, value) for name, value in tables.items()}
    return Frozen(path=path, contracts=contracts)


def _read(path: Path) -> str:
    """Return the text of a regular file; reading a pipe could wait forever."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode) or status.st_size > _MOST_BYTES:
        raise ValueError(f"it is no regular file of at most {_MOST_BYTES / 1e6:.0f} MB")
    return path.read_text(encoding="utf-8")


def write_frozen(path: Path, contracts: Mapping[str, FrozenContract]) -> None:
    """Write `contracts` to `path` atomically, sorted by name.

    Raises:
        RegistryError: the file cannot be written.
    """
    text = _HEADING
    for name, frozen in sorted(contracts.items()):
        text += (
            f"\n[{_text(name)}]\n"
            f"input_shape = {list(frozen.contract.input_shape)}\n"
            f"output_shape = {list(frozen.contract.output_shape)}\n"
            f"parameters = {frozen.contract.parameters}\n"
            f"origin = {_text(frozen.origin)}\n"
        )
    try:
        handle, partial = tempfile.mkstemp(dir=path.parent, prefix=".zoo-contracts-")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(partial).replace(path)
    except OSError as error:
        raise RegistryError(f"{path} cannot be written: {error.strerror or error}") from error


def _text(value: str) -> str:
    """Return `value` as a TOML string; JSON strings are valid TOML."""
    return json.dumps(value).replace("\x7f", "\\u007f")


def _contract(path: Path, name: str, value: object) -> FrozenContract:
    try:
        if not isinstance(value, dict):
            raise TypeError("it is not a table")
        channels, height, width = map(_count, value["input_shape"])
        contract = Contract(
            input_shape=(channels, height, width),
            output_shape=tuple(map(_count, value["output_shape"])),
            parameters=_count(value["parameters"]),
        )
        return FrozenContract(contract=contract, origin=str(value.get("origin", "")))
    except (KeyError, TypeError, ValueError) as error:
        raise RegistryError(f"{path}: [{name}] is not a contract: {format_error(error)}") from error


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{value!r} is not a whole number")
    return value
