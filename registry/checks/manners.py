"""Checks of what a network does to everything around it."""

from __future__ import annotations

from registry.checks.subject import Subject
from registry.errors import CheckError

_MOST = 3  # lines of what was seen that are told


def stays_offline(subject: Subject) -> None:
    """Check that no network is reached for while it is imported, built and run, even in vain.

    That is looked at in a new process where nothing is cached. See `refused_network` for what is
    not seen.
    """
    _require_none(
        subject.watched.attempts,
        subject,
        expected="a network that is built from its code and the random state alone",
        change="take the download out: weights that were learned elsewhere make no fair start",
    )


def leaves_the_process_alone(subject: Subject) -> None:
    """Check that importing, building and running it changes nothing for the other networks.

    Threads, dtype and device by default, precision, flags of the backends, seeds, gradients,
    environment, locale, directory, handlers of signals and the like are as they were. Drawing
    from the random generators is what a constructor is for; seeding them is not. An import may
    add warning filters, log handlers, paths and variables that its libraries need.
    """
    _require_none(
        subject.watched.drift,
        subject,
        expected="the process as it was: its settings are everybody's",
        change="take that out of the network's code, or put back what was there before",
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
            change="see what raises it; nothing may depend on what was imported or run before",
        )
