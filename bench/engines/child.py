"""The process of one trial, begun by `process.py`.

It is new, so nothing was forked after torch had threads; it ends with the one that began it.
Nothing slow is imported before that is seen to.
"""

from __future__ import annotations

import faulthandler
import importlib
import os
import sys

from bench.parent_death import die_with_parent


def main(descriptor: int, parent: int) -> None:
    """Do the one trial that comes by the socket `descriptor`, and leave."""
    os.set_inheritable(descriptor, False)  # a process that a plugin begins must not hold it open
    die_with_parent()
    if os.getppid() != parent:  # it was gone before
        os._exit(1)
    faulthandler.enable()
    job = importlib.import_module("bench.engines.job")  # takes seconds
    job.do(descriptor)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # a second sooner than by taking torch apart; whatever matters is synced
