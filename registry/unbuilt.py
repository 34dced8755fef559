"""A network that cannot be built, as an architecture: its trial fails with the reason."""

from __future__ import annotations

from typing import NoReturn

from registry.architecture import Architecture, Contract
from registry.errors import ConstructionError

_CONSTRUCTOR = f"{__name__}:build"


def unbuilt(reason: str) -> Architecture:
    """Return an architecture whose `build` raises ConstructionError with `reason`."""
    return Architecture(
        name="unbuilt",
        constructor=_CONSTRUCTOR,
        arguments=(("reason", reason),),
        contract=Contract(input_shape=(3, 1, 1), output_shape=(2,), parameters=0),
        contract_by="measured",
    )


def is_unbuilt(architecture: Architecture) -> bool:
    """Return whether `architecture` only stands for one that cannot be built."""
    return architecture.constructor == _CONSTRUCTOR


def build(*, num_classes: int, reason: str) -> NoReturn:
    """Raise ConstructionError with `reason`."""
    raise ConstructionError(reason)
