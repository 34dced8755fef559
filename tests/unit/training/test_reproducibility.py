from __future__ import annotations

import hashlib
import inspect
import sys
from dataclasses import replace

import pytest
from fuzz_weights import Tiny
from made_records import made_spec

from bench.training.reproducibility import code_digest, differences

_SPEC = made_spec()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"threads": 2}, ["threads 2 instead of 1"]),
        ({"precision": "float64"}, ["precision float64 instead of float32"]),
        ({"fidelity": "fast"}, ["fidelity fast instead of exact"]),
        ({"recipe": replace(_SPEC.recipe, weight_decay=0.1)}, ["weight_decay 0.1 instead of 0.05"]),
        ({"split_fingerprint": "1"}, ["different images or a different split"]),
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
        ({"code": {"lenet": "a"}}, {"code": {}}, ["the code of lenet has changed"]),
        ({"cores": 2}, {"cores": 4}, []),
    ],
)  # fmt: skip
def test_another_machine_version_or_code_is_named(then, now, told):
    """How many cores there are changes nothing: the threads are the trial's own."""
    assert differences(then, now, [(_SPEC, _SPEC)]) == told


@pytest.mark.parametrize(
    ("then", "now", "told"),
    [
        (None, None, ["the code of lenet cannot be found"]),
        ("a", None, ["the code of lenet cannot be found"]),
        (None, "a", ["the code of lenet cannot be found in the record"]),
        ("a+b", "a+c", ["the code of lenet has changed"]),
        ("a", "a+c", []),
    ],
)
def test_code_that_is_not_found_is_not_the_same(then, now, told):
    """On either side; an earlier version's digest of one file is compared with that file's."""
    sides = [{"code": {"lenet": digest}} for digest in (then, now)]

    assert differences(*sides, [(_SPEC, _SPEC)]) == told


@pytest.mark.parametrize(
    ("then", "now", "told"),
    [
        (None, None, []),
        (None, "a", []),
        ("a", "b", ["the code of lenet has changed"]),
    ],
)
def test_code_of_a_notebook_is_compared_where_it_has_a_source(then, now, told):
    """Its network is given in Python each time, and may have no file."""
    given = replace(_SPEC, architecture=replace(_SPEC.architecture, constructor="__main__:Net"))
    sides = [{"code": {"lenet": digest}} for digest in (then, now)]

    assert differences(*sides, [(given, given)]) == told


def test_a_class_of_a_script_has_the_digest_of_its_source(monkeypatch):
    """What else the script does is no part of it; a value without a source has none."""
    architecture = replace(_SPEC.architecture, constructor="__main__:Net")
    monkeypatch.setattr(sys.modules["__main__"], "Net", Tiny, raising=False)
    digest = code_digest(architecture)
    monkeypatch.setattr(sys.modules["__main__"], "Net", len)

    assert digest == hashlib.sha256(inspect.getsource(Tiny).encode()).hexdigest()
    assert code_digest(architecture) is None


def test_code_in_folders_that_are_no_packages_is_known(tmp_path, monkeypatch):
    """However deep: the digest is that of the file, and nothing is imported for it."""
    (tmp_path / "nets" / "own").mkdir(parents=True)
    file = tmp_path / "nets" / "own" / "small.py"
    file.write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    architecture = replace(_SPEC.architecture, constructor="nets.own.small:Small")

    assert code_digest(architecture) == hashlib.sha256(file.read_bytes()).hexdigest()
    assert code_digest(replace(architecture, constructor="nets.own.none:Small")) is None
