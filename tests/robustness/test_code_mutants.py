"""The list of faults is sound: each can be planted, and those who must notice are there.

That they do notice is what `make mutants` finds out, in two minutes on two cores.
"""

from __future__ import annotations

import ast
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from code_mutants import MUTANTS
from mutation import verdict
from mutation_lane import ROOMS, ROOT, NotOnceError, Outcome, spoilt

_LEAST = 66


@cache
def _text(file):
    return (ROOT / file).read_text(encoding="utf-8")


@cache
def _functions(file):
    return {
        each.name for each in ast.walk(ast.parse(_text(file))) if isinstance(each, ast.FunctionDef)
    }


def _folders():
    """Return each folder that has code of its own."""
    files = [path.relative_to(ROOT) for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    return {str(path.parent) for path in files if path.name != "__init__.py"}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name.replace(" ", "-"))
def test_a_fault_can_be_planted(mutant):
    """Its text is there once, what takes its place is another, and Python can still read it."""
    sound = _text(mutant.file)
    compile(spoilt(sound, mutant), mutant.file, "exec")

    assert spoilt(sound, mutant) != sound


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name.replace(" ", "-"))
def test_who_must_notice_a_fault_is_there(mutant):
    """Tests of the suite as it is run without any option, so none of the benchmarks."""
    for test in mutant.tests:
        file, _, name = test.partition("::")

        assert Path(file).parts[0] == "tests"
        assert name.partition("[")[0] in _functions(file)


def test_every_folder_has_faults_of_its_own():
    """And there are enough of them, each under a name of its own."""
    assert {str(Path(mutant.file).parent) for mutant in MUTANTS} == _folders()
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= _LEAST


@pytest.mark.parametrize(("text", "count"), [("", 0), ("ab ab", 2)])
def test_a_fault_without_its_place_is_an_error(text, count):
    """The liars: its text is gone, or could be in two places."""
    liar = replace(MUTANTS[0], name="made", file="made.py", old="ab", new="cd")

    with pytest.raises(NotOnceError, match=f"made: its text is {count} times in made.py, not once"):
        spoilt(text, liar)


@pytest.mark.parametrize(
    ("code", "said"), [(0, "SURVIVED"), (1, "caught"), (None, "hung"), (2, "ERROR"), (-15, "ERROR")]
)
def test_only_a_test_that_fails_has_caught_a_fault(code, said):
    """Not one that passes, nor tests that could not be collected or that ended their process."""
    assert verdict(Outcome(code=code, seconds=1.0)) == said
