"""Faults in how a run gets more seeds: asked for, or until it is clear."""

from __future__ import annotations

from code_mutant import Mutant

_GROWN = "tests/unit/runs/test_more_seeds.py::test_"
_CLEAR = "tests/unit/runs/test_until_clear.py::test_"

MUTANTS = (
    Mutant(
        name="a beaten model gets the seeds of the next look",
        file="bench/runs/more_trials.py",
        old="if models is None or planned.model in models",
        new="if models is None or planned.model",
        tests=(f"{_CLEAR}a_beaten_model_is_not_trained_further",),
    ),
    Mutant(
        name="a second copy gets the seeds of the first",
        file="bench/runs/more_trials.py",
        old="(SECOND_SEEDS if aa and _is_second(planned) else 0)",
        new="0",
        tests=(f"{_GROWN}new_trials_are_those_of_a_run_from_the_start",),
    ),
    Mutant(
        name="new trials stand after the others in the tables",
        file="bench/runs/more_trials.py",
        old="return sorted(trials, key=place) if seeds else list(trials)",
        new="return list(trials)",
        tests=(f"{_GROWN}a_run_with_more_seeds_is_one_that_has_them_from_the_start",),
    ),
    Mutant(
        name="a resumed run may lose a seed",
        file="bench/runs/resume_changes.py",
        old="if left_out := [str(seed) for seed in request.seeds if seed not in asked]:",
        new="if left_out := [str(seed) for seed in request.seeds if seed in ()]:",
        tests=(f"{_GROWN}seeds_are_never_left_out",),
    ),
    Mutant(
        name="a run that was killed between two looks is at its end",
        file="bench/runs/execute.py",
        old="more = more or (None if left else growth_until_clear(trials, about))",
        new="more = more or None",
        tests=(f"{_CLEAR}a_run_killed_before_its_next_look_is_stored_takes_it_again",),
    ),
    Mutant(
        name="a look is taken while trials remain",
        file="bench/analysis/until_clear.py",
        old="number=begun if whole else begun - 1",
        new="number=begun",
        tests=(f"{_CLEAR}an_unfinished_run_is_the_request_of_its_first_look",),
    ),
    Mutant(
        name="a plan of more seeds begins a run of its own",
        file="bench/runs/batch/plan_file.py",
        old='self.about["environment"].get("plan", self.id)',
        new='self.about["environment"].get("no plan", self.id)',
        tests=("tests/unit/runs/test_next_plan.py::test_the_next_look_is_a_plan_of_its_own",),
    ),
)
