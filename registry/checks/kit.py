"""All checks in their order, and running them on one architecture."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from registry.architecture import Architecture
from registry.checks.check import Check, Finding
from registry.errors import CheckError, UnknownCheckError

if TYPE_CHECKING:
    from registry.checks.subject import Subject


def _check(name: str, promise: str, function: str) -> Check:
    return Check(name=name, promise=promise, function=f"registry.checks.{function}")


CHECKS = (
    _check("contract", "has the shapes and the size it promises", "shapes:keeps_its_contract"),
    _check("shapes", "gives (N, K) for 1 and 2 images, in both modes", "shapes:gives_rows"),
    _check("head", "gives 2 and 7 logits where 2 and 7 are asked", "shapes:follows_the_classes"),
    _check("smallest", "gives finite numbers for one blank picture", "answers:takes_the_least"),
    _check("finite", "gives finite numbers for any picture", "answers:is_finite"),
    _check("logits", "gives logits, not probabilities", "answers:gives_logits"),
    _check("gradients", "trains every parameter", "weights:trains_every_parameter"),
    _check("seed", "has the same weights for the same seed", "weights:repeats_its_weights"),
    _check("neighbours", "answers for each image by itself", "answers:ignores_neighbours"),
    _check("state", "is the same again from its state_dict", "weights:survives_a_round_trip"),
    _check("offline", "needs no network", "manners:stays_offline"),
    _check("globals", "leaves the process as it was", "manners:leaves_the_process_alone"),
    _check("learns", "learns eight images by heart", "learning:learns_by_heart"),
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
    network raises comes out of here, and nothing it does to the process stays.

    Args:
        architecture: what is checked.
        only: names of checks; all of them if empty.
        on_check: is called before each check that is run.
        on_finding: is called after each, with what it found.

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
