"""The `zoo stress` command: would it hold."""

from __future__ import annotations

from pathlib import Path

from zoo.cli.followups import Trust, print_followup
from zoo.cli.options import Json
from zoo.cli.runs import Run, RunsDir


def stress(
    run: Run, runs_dir: RunsDir = Path("runs"), trust: Trust = False, as_json: Json = False
) -> None:
    """Test a run's networks on corrupted test images: noise, blur, darkness and nine more."""
    from bench.followup.stress import stress

    print_followup(stress(run, runs=runs_dir, trust=trust), run, runs_dir, as_json=as_json)
