"""From a text to the object that it means."""

from __future__ import annotations

import functools
import importlib
from typing import Any


def object_at(path: str) -> Any:
    """Return what `module:object` means, its module imported; `module:Class.method` works, too.

    It raises whatever the module does when it is imported, even SystemExit; ImportError or
    AttributeError where there is none.
    """
    module, _, names = path.partition(":")
    return functools.reduce(getattr, names.split("."), importlib.import_module(module))
