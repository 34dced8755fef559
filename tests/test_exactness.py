from __future__ import annotations

from dataclasses import replace

import pytest
from made_records import made_spec

from bench.exactness import differences

_SPEC = made_spec()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"threads": 2}, ["threads 2 instead of 1"]),
        ({"precision": "float64"}, ["precision float64 instead of float32"]),
        ({"fidelity": "fast"}, ["fidelity fast instead of exact"]),
        ({"recipe": replace(_SPEC.recipe, weight_decay=0.1)}, ["weight_decay 0.1 instead of 0.05"]),
        ({"split_fingerprint": "1"}, ["other images, or another split of them"]),
        ({"workers": 7}, []),
    ],
)
def test_what_changes_a_result_is_named(changes, told):
    """By what it was and is; threads that make batches change no batch, so nothing is said."""
    assert differences({}, {}, [(_SPEC, replace(_SPEC, **changes))]) == told


@pytest.mark.parametrize(
    ("then", "now", "told"),
    [
        ({"cpu": "old"}, {"cpu": "new"}, ["cpu new instead of old"]),
        ({"packages": {"torch": "1"}}, {"packages": {"torch": "2"}}, ["torch 2 instead of 1"]),
        ({"code": {"lenet": "a"}}, {"code": {}}, ["the code of lenet is not what it was"]),
        ({"cores": 2}, {"cores": 4}, []),
    ],
)  # fmt: skip
def test_another_machine_version_or_code_is_named(then, now, told):
    """How many cores there are changes nothing: the threads are the trial's own."""
    assert differences(then, now, [(_SPEC, _SPEC)]) == told
