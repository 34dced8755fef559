"""Checks of side effects: the internet and the process."""

from __future__ import annotations

from registry.checks.subject import Subject
from registry.errors import CheckError

_MOST = 3  # lines that a message shows


def stays_offline(subject: Subject) -> None:
    """Check that importing, building and running it tries no connection.

    It is watched in a new process with empty caches. `refused_network` lists what stays unseen.
    """
    _require_none(
        subject.watched.attempts,
        subject,
        expected="a network that is built only from its code and the random state",
        change="remove the download: all networks must start from untrained weights",
    )


def leaves_the_process_alone(subject: Subject) -> None:
    """Check that importing, building and running it changes nothing for other networks.

    Threads, default dtype and device, precision, backend flags, seeds, gradients, environment,
    locale, directory, umask, standard streams and signal handlers stay as they were. A constructor
    may draw random numbers, but not seed the generators. An import may add warning filters, log
    handlers, paths and variables that its libraries need.
    """
    _require_none(
        subject.watched.drift,
        subject,
        expected="an unchanged process: all networks share its settings",
        change="remove this from the network's code, or restore the old setting",
    )


def _require_none(seen: tuple[str, ...], subject: Subject, *, expected: str, change: str) -> None:
    if seen:
        shown = "; ".join(seen[:_MOST])
        more = f"; and {len(seen) - _MOST} more" if len(seen) > _MOST else ""
        raise CheckError(seen=shown + more, expected=expected, change=change)
    if subject.watched.error:
        raise CheckError(
            seen=subject.watched.error,
            expected="a network that can be imported, built and run in a new process",
            change="find what raises it; the network must not depend on earlier imports or runs",
        )
