"""What trials of a plan leave behind is compared with what was written, before it is used."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from bench.runs.batch.gather import GatherResult
from bench.runs.batch.plan_file import plan_text, read_plan
from bench.runs.batch.work_folder import DamagedError, WorkFolder
from bench.runs.plan import make_plan
from bench.runs.progress import Progress
from bench.runs.request import Request
from bench.runs.resolve import resolve_request
from bench.training.record import TrialRecord, TrialResult


@pytest.fixture
def plan(drawn, tmp_path):
    """A plan of one trial, read from its file."""
    request = Request(models=("lenet5",), data=drawn)
    path = tmp_path / "plan.json"
    path.write_text(
        plan_text(make_plan(resolve_request(request), Progress(shown=False), elsewhere=True))
    )
    return read_plan(path)


@pytest.fixture
def done(plan):
    """The folder of a trial that is done, its weights beside what it came to."""
    folder = WorkFolder(plan, plan.folder)
    where = folder.trials.trial(plan.specs[0])
    (where / "weights.safetensors").write_bytes(b"weights")
    folder.write(0, TrialResult(record=TrialRecord(spec=plan.specs[0], status="ok")), {})
    return folder, where


def test_what_was_written_is_read(done):
    """Record and weights are as they were."""
    folder, _ = done

    assert folder.done(0).record.status == "ok"


def test_other_weights_are_damaged(done):
    """They were not trained by the trial whose record says so."""
    folder, where = done
    (where / "weights.safetensors").write_bytes(b"others.")

    with pytest.raises(DamagedError, match=r"weights\.safetensors is damaged or missing"):
        folder.done(0)


def test_an_altered_record_is_damaged(done):
    """One word that is another, in JSON that is sound."""
    folder, where = done
    text = (where / "done.json").read_text()
    (where / "done.json").write_text(text.replace('"status": "ok"', '"status": "failed"'))

    with pytest.raises(
        DamagedError, match=r"done\.json is damaged: ValueError: its content was altered"
    ):
        folder.done(0)


def test_a_plan_of_other_software_is_another(plan):
    """So that results of two versions are never gathered into one run."""
    environment = {**plan.about["environment"], "python": "2.7"}
    other = replace(plan, about={**plan.about, "environment": environment})

    assert plan.id == read_plan(plan.path).id != other.id


@pytest.mark.parametrize(
    ("code", "missing", "expected"), [(0, (), 0), (0, (3,), 4), (6, (3,), 6), (None, (0,), 6)]
)
def test_what_is_missing_is_in_the_exit_code(code, missing, expected):
    """4 where the rest is well; where nothing was measured, 6."""
    results = None if code is None else SimpleNamespace(exit_code=code)

    assert GatherResult(results=results, missing=missing).exit_code == expected
