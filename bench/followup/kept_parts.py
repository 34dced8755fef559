"""Parts of a follow-up, kept as they are done: a command that was killed does the rest only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from bench.report.followup_file import FOLDER
from bench.system.atomic_files import whole_file
from bench.system.received_files import MB, make_inside, read_regular, require_inside
from bench.system.strict_json import json_digest

_MOST_BYTES = 2_000 * MB


class KeptParts:
    """Arrays by key, in `followups/parts/KIND/` of a run folder.

    A key is what decides the arrays: the weights, the images and the settings. With another key
    they are made again. Clearing the folder costs time alone.
    """

    def __init__(self, folder: Path, kind: str) -> None:
        """Take the folder of the run, and the kind of the follow-up."""
        self._root, self._place = folder, folder / FOLDER / "parts" / kind

    def read(self, key: Mapping[str, Any]) -> dict[str, NDArray[Any]] | None:
        """Return the arrays of `key`, JSON values; None if they are not there, or damaged."""
        path = self._path(key)
        try:
            require_inside(self._root, path)
            return load(read_regular(path, most=_MOST_BYTES))
        except (OSError, SafetensorError, ValueError, TypeError):
            return None

    def keep(self, key: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Write the arrays of `key`, all or none. Raises OSError if that fails."""
        make_inside(self._root, self._place)
        whole = {name: np.ascontiguousarray(each) for name, each in arrays.items()}
        with whole_file(self._path(key)) as partial:
            partial.write_bytes(save(whole))

    def _path(self, key: Mapping[str, Any]) -> Path:
        return self._place / f"{json_digest(dict(key))[:32]}.safetensors"
