from __future__ import annotations

import json

import campaign
import pytest
from endings import acknowledged, differences
from fuzz_store import make
from hits import KINDS, can_mount


def test_a_run_that_was_hit_ends_like_one_that_was_not():
    """Six, by all five kinds: nothing kept is lost, nothing ends otherwise, nothing is left over.

    `make soak` makes a hundred.
    """
    kinds = [*KINDS, "SIGKILL"]
    if not can_mount():
        kinds.remove("full disk")
    outcomes = campaign.campaign(kinds, seed=3, most_hits=1)
    told = campaign.figures(outcomes)

    assert not any(campaign.failures(outcomes).values()), outcomes
    assert told["hits in all"] >= 4
    assert told["trials gone on with from a checkpoint"] >= 1


def test_disks_can_be_filled_here():
    """Where nothing may be mounted, the campaign goes without."""
    if not can_mount():
        pytest.skip("nothing may be mounted here, so no disk can be filled")


def test_an_ending_that_differs_is_noticed():
    """One figure, or one that is missing."""
    assert differences({"a": 1, "b": 2}, {"a": 1, "b": 3, "c": 4}) == ["b", "c"]


def test_a_trial_that_was_lost_is_noticed(tmp_path):
    """A trial that has its tables was acknowledged, so the store must have it."""
    make(tmp_path / "run" / "run.db")
    folder = tmp_path / "run" / "model_2" / "seed-0"
    folder.mkdir(parents=True)
    (folder / "record.json").write_text(
        json.dumps({"model": "model_2", "status": "ok", "spec": {"fold": None}})
    )

    with pytest.raises(AssertionError, match="model_2 seed-0"):
        acknowledged(tmp_path / "run")


def test_an_interrupt_of_python_itself_is_told_from_one_of_ours():
    """Only a traceback of Python's own start-up is nobody's fault."""
    too_soon = ["Fatal Python error: init_import_site: Failed", "Traceback", "KeyboardInterrupt"]

    assert campaign._too_soon(too_soon)
    assert not campaign._too_soon(['  File "zoo/cli/app.py", line 1', "KeyboardInterrupt"])
