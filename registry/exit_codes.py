"""The exit codes of the `zoo` command: each number and its meaning."""

from __future__ import annotations

import signal
from enum import IntEnum


class ExitCode(IntEnum):
    """How a command ended; `meaning` is the phrase in the README."""

    meaning: str

    def __new__(cls, number: int, meaning: str) -> ExitCode:
        """Return the member with this number."""
        member = int.__new__(cls, number)
        member._value_, member.meaning = number, meaning
        return member

    OK = 0, "fine"
    DECLINED = 1, "you were asked, and said no"
    USAGE = 2, "the command or the data cannot be used as given"
    REGRESSION = 3, "`zoo compare --fail-on` found a regression"
    FAILED = 4, "some models or pictures failed, a contract is broken, or results cannot be written"
    IRREPRODUCIBLE = 5, "a run cannot be resumed exactly, or runs cannot be compared"
    NOTHING_MEASURED = 6, "nothing was measured"
    INTERRUPTED = 130, "interrupted by Ctrl-C; can be resumed"
    TERMINATED = 143, "ended by SIGTERM; can be resumed"

    @classmethod
    def of_signal(cls, number: int) -> ExitCode:
        """Return the code of a command that was stopped by signal `number`."""
        return cls.TERMINATED if number == signal.SIGTERM else cls.INTERRUPTED
