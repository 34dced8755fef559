"""Root without its powers over files of others, who are then as safe from it as from anybody."""

from __future__ import annotations

import ctypes
import os

NOBODY = 65534  # the other user's number
_BOUNDING_DROP, _CAPABILITIES, _VERSION = 24, 41, 0x20080522  # of Linux, from prctl.h


def can_be_two() -> bool:
    """Return whether files can be given to another user here, and powers be given up."""
    return os.name == "posix" and os.geteuid() == 0 and hasattr(ctypes.CDLL(None), "capset")


def give_up() -> None:
    """Give up all powers of root, also for what this process will begin.

    A change of user would not do: Python itself may lie where only root may look.

    Raises:
        PermissionError: the system refuses.
    """
    system = ctypes.CDLL(None, use_errno=True)
    for number in range(_CAPABILITIES):
        system.prctl(_BOUNDING_DROP, number, 0, 0, 0)
    header, sets = (ctypes.c_uint32 * 2)(_VERSION, 0), (ctypes.c_uint32 * 6)()
    if system.capset(header, sets):
        raise PermissionError(ctypes.get_errno(), "powers cannot be given up")
