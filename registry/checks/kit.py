"""The checks in their order, how they run, and what they find; needs no torch itself."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Literal

from registry.architecture import Architecture
from registry.errors import (
    CheckError,
    ContractError,
    UncheckableError,
    UnknownCheckError,
    ZooError,
    format_error,
)

if TYPE_CHECKING:
    from registry.checks.subject import Subject

_CONTRACT = "correct the contract, or the network"
_RAISED = "build and call it by hand to see where this error is raised"
Status = Literal["kept", "broken", "expected", "not run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The result of one check on one architecture.

    Attributes:
        check: name of the check.
        status: `kept`; `broken`; `expected`, broken as a deviation says; or `not run`.
        seen: what was found, if the promise is broken.
        expected: what should have been found.
        change: what to change in the network.
        reason: reason of the deviation, or why the check was not run.
        seconds: duration, in wall seconds.
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
    """A promise that any architecture must keep, and the function that tests it.

    Attributes:
        name: name of the check.
        promise: what the architecture does; `zoo check` prints "NAME PROMISE".
        function: `module:function`, called with a `Subject`. It raises `CheckError`, or an error
            of the network. Imported when it is called, because it needs torch.
    """

    name: str
    promise: str
    function: str

    def __call__(self, architecture: Architecture) -> None:
        """Check that `architecture` keeps the promise; its deviations are ignored.

        Raises:
            CheckError: it does not; with what was seen, what was expected, and what to change.
            UncheckableError: the check cannot be made on a network of this kind.
        """
        __tracebackhide__ = True  # for pytest: the error explains enough
        from registry.checks.subject import Subject

        self.hold(Subject(architecture))

    def hold(self, subject: Subject) -> None:
        """Do the same for a subject that several checks share.

        Any error of the network is a broken promise. What it prints goes to stderr. Its changes to
        the process are undone.
        """
        __tracebackhide__ = True
        from registry.checks.settings import kept_settings

        try:
            with redirect_stdout(sys.stderr), kept_settings():
                resolve_name(self.function)(subject)
        except KeyboardInterrupt:
            raise
        except CheckError as error:
            raise error.with_traceback(
                None
            ) from None  # the place in this package does not help an author
        except BaseException as error:  # a network may raise even SystemExit
            seen = str(error) if isinstance(error, ZooError) else format_error(error)
            broken = isinstance(error, ContractError)
            raise CheckError(
                seen=seen,
                expected=f"a network that {self.promise}",
                change=_CONTRACT if broken else _RAISED,
            ) from error


def _check(name: str, promise: str, function: str) -> Check:
    return Check(name=name, promise=promise, function=f"registry.checks.{function}")


CHECKS = (
    _check("contract", "has the promised shapes and size", "answers:keeps_its_contract"),
    _check("shapes", "returns (N, K) for 1 and 2 images, in both modes", "answers:gives_rows"),
    _check("head", "returns 2 and 7 logits for 2 and 7 classes", "answers:follows_the_classes"),
    _check("smallest", "returns finite numbers for one blank image", "answers:takes_the_least"),
    _check("finite", "returns finite numbers for any image", "answers:is_finite"),
    _check("logits", "returns logits, not probabilities", "answers:gives_logits"),
    _check("gradients", "trains every parameter", "weights:trains_every_parameter"),
    _check("seed", "has the same weights for the same seed", "weights:repeats_its_weights"),
    _check("neighbours", "predicts each image independently", "answers:ignores_neighbours"),
    _check("state", "can be restored from its state_dict", "weights:survives_a_round_trip"),
    _check("offline", "needs no internet access", "manners:stays_offline"),
    _check("globals", "leaves the process unchanged", "manners:leaves_the_process_alone"),
    _check("learns", "can memorise eight images", "weights:learns_by_heart"),
)

_ALONE = ("offline", "globals")  # need a separate process, which starts slowly


def select_checks(names: Sequence[str]) -> tuple[Check, ...]:
    """Return the checks `names`, in the order of `CHECKS`; without names, all of them.

    Raises:
        UnknownCheckError: a name is unknown.
    """
    known = [check.name for check in CHECKS]
    for name in names:
        if name not in known:
            raise UnknownCheckError(name, known)
    return tuple(check for check in CHECKS if not names or check.name in names)


def run_checks(
    architecture: Architecture,
    only: Sequence[str] = (),
    on_check: Callable[[Check], object] = lambda check: None,
    on_finding: Callable[[Finding], object] = lambda finding: None,
) -> tuple[Finding, ...]:
    """Return the finding of each check on `architecture`.

    A broken promise with a deviation is `expected`. A kept promise with a deviation is `broken`:
    the deviation is out of date. If no network can be built, the first check says so, and the
    others are not run. Errors of the network are caught, and its changes to the process undone.

    Args:
        architecture: the architecture to check.
        only: names of checks to run; all checks if empty.
        on_check: called before each check.
        on_finding: called after each check, with its finding.

    Raises:
        UnknownCheckError: a name in `only` is unknown.
    """
    checks = select_checks(only)
    from registry.checks.alone import begin

    if any(check.name in _ALONE for check in checks):
        begin()
    from registry.checks.subject import Subject

    subject = Subject(architecture)
    findings: list[Finding] = []
    for check in checks:
        on_check(check)
        findings.append(_finding(check, subject))
        on_finding(findings[-1])
        if check is not checks[-1] and findings[-1].status == "broken" and _hopeless(subject):
            break
    for check in checks[len(findings) :]:
        unbuilt = "no network can be built"
        findings.append(Finding(check=check.name, status="not run", reason=unbuilt))
    return tuple(findings)


def _finding(check: Check, subject: Subject) -> Finding:
    reasons = {each.check: each.reason for each in subject.architecture.deviations}
    reason = reasons.get(check.name, "")
    started = time.perf_counter()
    error = _broken(check, subject)
    seconds = time.perf_counter() - started
    if isinstance(error, UncheckableError):
        return Finding(check=check.name, status="not run", reason=error.seen)
    if error is None and not reason:
        return Finding(check=check.name, status="kept", seconds=seconds)
    if error is None:
        error = CheckError(
            seen="the promise is kept",
            expected=f"a broken promise, as a deviation says: {reason}",
            change=f"remove the deviation from {check.name!r}",
        )
        reason = ""
    return Finding(
        check=check.name,
        status="expected" if reason else "broken",
        seen=error.seen,
        expected=error.expected,
        change=error.change,
        reason=reason,
        seconds=seconds,
    )


def _broken(check: Check, subject: Subject) -> CheckError | None:
    try:
        check.hold(subject)
    except CheckError as error:
        return error
    return None


def _hopeless(subject: Subject) -> bool:
    """Return whether no network can be built, so that other checks are pointless."""
    build = _check("build", "can be built", "subject:Subject.network")
    return _broken(build, subject) is not None
