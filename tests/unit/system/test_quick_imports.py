"""Imports without garbage collection."""

from __future__ import annotations

import gc

from bench.system.quick_imports import without_collection


def test_garbage_is_collected_again_after_imports():
    """In the context none is."""
    with without_collection():
        within = gc.isenabled()

    assert (within, gc.isenabled()) == (False, True)


def test_collection_that_was_off_stays_off():
    """It was somebody else's choice."""
    gc.disable()
    try:
        with without_collection():
            pass
        after = gc.isenabled()
    finally:
        gc.enable()

    assert not after
