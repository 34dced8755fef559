"""A fault that a developer could make by accident, in one line of the code."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A fault, and who must notice.

    Attributes:
        name: what is wrong then.
        file: where it is planted, from the root.
        old, new: the text that it takes the place of, which is there once, and what stands there.
        tests: those that must notice, as pytest names them.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
