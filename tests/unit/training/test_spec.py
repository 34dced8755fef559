"""Specifications that earlier versions wrote are read, and have the digests that they had."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.runs.request import Request, as_plain, request_of
from bench.training.recipe import Recipe
from bench.training.recipe_file import read_recipe_file
from bench.training.record import TrialRecord, record_of
from bench.training.spec import TrialSpec, spec_of
from bench.training.spec import as_plain as spec_as_plain
from registry import Architecture, Contract
from registry.errors import RunError

_RECIPE = Recipe(
    name="mine",
    epochs=2,
    batch_size=4,
    optimizer="sgd",
    learning_rate=0.1,
    ema_decay=0.9,
    train_resolution=0.75,
)
_SPEC = TrialSpec(
    model="net",
    architecture=Architecture(
        name="net",
        constructor="nets:Net",
        contract=Contract(input_shape=(1, 8, 8), output_shape=(2,), parameters=130),
    ),
    origin="nets 1.0",
    recipe=_RECIPE,
    classes=("cat", "dog"),
    split_fingerprint="0",
    seed=3,
)


def _as_before(recipe):
    names = {"ema_decay": "averaging", "train_resolution": "training_side"}
    return {names.get(name, name): value for name, value in recipe.items()}


def test_digests_are_those_of_the_first_version():
    """Checkpoints and run folders are found by them, whatever a field is called now."""
    assert _SPEC.id == "782aacd60d9e8cde43447e2fa3df61775101a00e9001af9eda2a7c70c09e4a64"
    assert _SPEC.task_id == "41deed7e98ca61939c979cdbd5ad5ffd9748bfe3f982c3185c88270810e31491"


def test_a_later_field_that_says_something_else_is_in_the_digest():
    """With fresh statistics it is another trial."""
    fresh = replace(_SPEC, recipe=replace(_RECIPE, fresh_statistics=True))

    assert _SPEC.task_id != fresh.task_id
    assert _SPEC.id != fresh.id


def test_a_specification_without_a_later_field_says_what_was_done():
    """Runs of earlier versions evaluated with running statistics."""
    plain = spec_as_plain(_SPEC)
    del plain["recipe"]["fresh_statistics"]

    assert not spec_of(plain).recipe.fresh_statistics
    assert spec_of(plain) == _SPEC


def test_fields_are_read_by_their_former_names():
    """In specifications, records and requests; what is written has the present ones."""
    plain = spec_as_plain(_SPEC)
    before = {**plain, "recipe": _as_before(plain["recipe"])}
    request = Request(models=("net",), recipe=_RECIPE, own_recipes=(("net", _RECIPE),))
    asked = as_plain(request)
    asked_before = asked | {
        "recipe": _as_before(asked["recipe"]),
        "own_recipes": [["net", _as_before(asked["recipe"])]],
        "processes": None,
    }

    assert spec_of(before) == spec_of(plain) == _SPEC
    assert record_of({"spec": before}) == TrialRecord(spec=_SPEC)
    assert "averaging" not in plain["recipe"]
    assert as_plain(request_of(asked_before)) == asked


def test_recipe_files_are_read_by_their_former_names(tmp_path):
    """Those of a model of its own, too."""
    path = tmp_path / "recipe.toml"
    path.write_text(
        'name = "mine"\nepochs = 2\nbatch_size = 4\noptimizer = "sgd"\nlearning_rate = 0.1\n'
        "averaging = 0.9\ntraining_side = 0.75\n[models.net]\naveraging = 0.5\n"
    )
    found = read_recipe_file(path)

    assert found.recipe == _RECIPE
    assert found.models["net"].ema_decay == 0.5


def test_what_is_no_longer_done_is_refused_by_name():
    """A run whose networks several processes trained together can be shown, not gone on with."""
    plain = as_plain(Request(models=("net",))) | {"processes": 2}

    with pytest.raises(RunError, match=r"with 2 processes .* does not support"):
        request_of(plain)
