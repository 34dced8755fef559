"""One thing that `zoo doctor` has found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["fine", "note", "wrong"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was looked at, how it is, and the words for it; `wrong` is to be mended."""

    about: str
    level: Level
    text: str
