"""One check, what it found, all of them in their order, and running them; needs no torch itself."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Literal

from registry.architecture import Architecture
from registry.errors import CheckError, ContractError, UnknownCheckError, ZooError, format_error

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


def _check(name: str, promise: str, function: str) -> Check:
    return Check(name=name, promise=promise, function=f"registry.checks.{function}")


CHECKS = (
    _check("contract", "has the shapes and the size it promises", "answers:keeps_its_contract"),
    _check("shapes", "gives (N, K) for 1 and 2 images, in both modes", "answers:gives_rows"),
    _check("head", "gives 2 and 7 logits where 2 and 7 are asked", "answers:follows_the_classes"),
    _check("smallest", "gives finite numbers for one blank picture", "answers:takes_the_least"),
    _check("finite", "gives finite numbers for any picture", "answers:is_finite"),
    _check("logits", "gives logits, not probabilities", "answers:gives_logits"),
    _check("gradients", "trains every parameter", "weights:trains_every_parameter"),
    _check("seed", "has the same weights for the same seed", "weights:repeats_its_weights"),
    _check("neighbours", "answers for each image by itself", "answers:ignores_neighbours"),
    _check("state", "is the same again from its state_dict", "weights:survives_a_round_trip"),
    _check("offline", "needs no network", "manners:stays_offline"),
    _check("globals", "leaves the process as it was", "manners:leaves_the_process_alone"),
    _check("learns", "learns eight images by heart", "weights:learns_by_heart"),
)

_ALONE = ("offline", "globals")  # need a process of their own, which is slow to begin


def select_checks(names: Sequence[str]) -> tuple[Check, ...]:
    """Return the checks `names` in the kit's order; all of them for none.

    Raises:
        UnknownCheckError: there is no check of this name.
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
    """Return what each check finds of `architecture`, or each of the checks named `only`.

    A promise that is broken as a deviation of the architecture says is `expected`; one that is
    kept all the same is broken, since the deviation is out of date. Where no network can be
    built, that is the finding of the first check, and the others are not run. Nothing that the
    network raises comes out of here, and nothing it does to the process stays. `on_check` is called
    before each check that is run, `on_finding` after it, with what it found.

    Raises:
        UnknownCheckError: `only` names no check.
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
    if error is None and not reason:
        return Finding(check=check.name, status="kept", seconds=seconds)
    if error is None:
        error = CheckError(
            seen="the promise is kept",
            expected=f"a broken one, as a deviation says: {reason}",
            change=f"take the deviation from {check.name!r} out of the architecture",
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
    """Say whether no network can be built, so that there is nothing for other checks to look at."""
    build = _check("build", "can be built", "subject:Subject.network")
    return _broken(build, subject) is not None
