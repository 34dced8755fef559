"""One check, and what it found, as values that need no torch."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Literal

from registry.architecture import Architecture
from registry.errors import CheckError, ContractError, ZooError, format_error

if TYPE_CHECKING:
    from registry.checks.subject import Subject

_CONTRACT = "correct what the architecture promises, or the network"
_RAISED = "build it and call it by hand to see where that is raised"
Status = Literal["kept", "broken", "expected", "not run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a check found of one architecture.

    Attributes:
        status: `kept`; `broken`; `expected`, broken as the architecture's deviation says;
            `not run`.
        seen, expected, change: of a broken promise: what was found, what should have been, and
            what to do about it.
        reason: of the deviation, or why the check was not run.
        seconds: how long it took, by the wall clock.
    """

    check: str
    status: Status
    seen: str = ""
    expected: str = ""
    change: str = ""
    reason: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A promise that any architecture must keep, and how to find out.

    Attributes:
        name: what it is asked for by.
        promise: what an architecture does that keeps it: `zoo check` prints "NAME PROMISE".
        function: `module:function`, given a `Subject`; it raises `CheckError`, or whatever the
            network raises. Imported only when it is called, as it needs torch.
    """

    name: str
    promise: str
    function: str

    def __call__(self, architecture: Architecture) -> None:
        """Do nothing if `architecture` keeps the promise; its deviations are not looked at.

        Raises:
            CheckError: it does not; with what was seen, what was expected, what to change.
        """
        __tracebackhide__ = True  # for pytest: the three say all
        from registry.checks.subject import Subject

        self.hold(Subject(architecture))

    def hold(self, subject: Subject) -> None:
        """Do the same for a subject that other checks are held against, too.

        Whatever the network raises is a broken promise; what it prints goes to stderr; what it
        changes for the whole process is as before when this returns.
        """
        __tracebackhide__ = True
        from registry.checks.settings import kept_settings

        try:
            with redirect_stdout(sys.stderr), kept_settings():
                resolve_name(self.function)(subject)
        except KeyboardInterrupt:
            raise
        except CheckError as error:
            raise error.with_traceback(None) from None  # where in the kit is no news to an author
        except BaseException as error:  # a network may raise even SystemExit
            seen = str(error) if isinstance(error, ZooError) else format_error(error)
            broken = isinstance(error, ContractError)
            raise CheckError(
                seen=seen,
                expected=f"a network that {self.promise}",
                change=_CONTRACT if broken else _RAISED,
            ) from error
