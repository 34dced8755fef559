"""Faults planted in what is asked after the table."""

from __future__ import annotations

from code_mutant import Mutant

MUTANTS = (
    Mutant(
        name="a follow-up asks about images that have changed",
        file="bench/followup/finished_run.py",
        old='if plan.splits.fingerprint != self.about["split"]["fingerprint"]:',
        new="if not plan.splits.fingerprint:",
        tests=("tests/unit/followup/test_finished_run.py::test_a_changed_image_is_named",),
    ),
    Mutant(
        name="parts of other settings count as done",
        file="bench/followup/kept_parts.py",
        old='return self._place / f"{json_digest(dict(key))[:32]}.safetensors"',
        new='return self._place / "part.safetensors"',
        tests=(
            "tests/unit/followup/test_finished_run.py::"
            "test_kept_parts_come_back_for_their_key_alone",
        ),
    ),
)
