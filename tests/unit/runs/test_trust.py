"""What a received run or plan may do: nothing that this user did not ask for."""

from __future__ import annotations

from contextlib import closing, suppress
from dataclasses import replace

import pytest
from made_run import about, specification

from bench.runs.execute import resume
from bench.runs.progress import Progress
from bench.runs.request import Request, as_plain
from bench.runs.store import Store
from bench.runs.trust import (
    effects_of,
    effects_of_plan,
    remember,
    require_trust,
    require_trusted_config,
)
from registry.errors import RunError, ZooError
from zoo import LENET5

_CALLER = replace(LENET5, name="mine", constructor="torch.hub:load")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """A cache folder of this test alone: nothing is known yet."""
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def received(tmp_path):
    """A run of somebody else, of a network in a file beside it that leaves a trace if run."""
    run = tmp_path / "0001-theirs"
    run.mkdir()
    source = "from pathlib import Path\nPath(__file__).with_suffix('.ran').touch()\nNet = None\n"
    (run / "theirs.py").write_text(source, encoding="utf-8")
    request = as_plain(Request(models=(f"{run / 'theirs.py'}:Net",)))
    described = about(["a", "b"], ["Cat", "Dog"], request=request)
    spec = specification("theirs", 0, ["Cat", "Dog"])
    with closing(Store.create(run / "run.db", described, [spec])):
        return run


def test_a_received_run_runs_no_file_of_its_own(received):
    """It is refused by name before anything of it is run."""
    with pytest.raises(RunError, match=r"also runs .*theirs\.py for Net, which .* add --trust"):
        resume(str(received), received.parent, {}, Progress(shown=False))

    assert not (received / "theirs.ran").exists()


def test_a_trusted_run_runs_its_file(received):
    """That is what `--trust` is for."""
    with suppress(ZooError):
        resume(str(received), received.parent, {}, Progress(shown=False), trusted=True)

    assert (received / "theirs.ran").exists()


def test_models_named_again_are_trusted(received):
    """The same name on the command line is the user's own word."""
    models = (f"{received / 'theirs.py'}:Net",)
    with suppress(ZooError):
        resume(str(received), received.parent, {"models": models}, Progress(shown=False))

    assert (received / "theirs.ran").exists()


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (Request(models=("lenet",), checkpoints="/elsewhere"), "writes checkpoints to /elsewhere"),
        (Request(models=("lenet",), engine="ray", address="far:1"), "connects to far:1"),
        (Request(models=("lenet",), log=("mlflow",)), "sends results to mlflow"),
        (Request(models=(_CALLER,)), "calls torch.hub:load with {} for mine"),
    ],
)
def test_what_leaves_the_run_is_asked_for_once(request_, said):
    """A request is refused by what it does, until the user has asked for that."""
    effects = effects_of(request_)
    with pytest.raises(RunError, match="add --trust"):
        require_trust(effects, "the run", {})
    remember(effects)
    require_trust(effects, "the run", {})

    assert effects == [said]


def test_a_received_run_as_configuration_needs_the_users_word(tmp_path):
    """`--config RUN` would run its file, too."""
    stored = {"models": ["theirs.py:Net"]}
    with pytest.raises(RunError, match=r"theirs\.py for Net, .*give that option"):
        require_trusted_config(tmp_path, stored, {})
    require_trusted_config(tmp_path, stored, {"models": ["lenet5"]})
    require_trusted_config(tmp_path, stored, {"models": ["theirs.py:Net"]})


def test_installed_networks_need_no_trust():
    """Nor do members of families."""
    request = Request(models=("lenet5", "torchvision:resnet18"))

    assert effects_of(request) == []
    assert effects_of_plan(request, [LENET5]) == []


@pytest.mark.parametrize(
    "planned",
    [
        replace(LENET5, constructor="torch.hub:load"),
        replace(LENET5, arguments=(("repo_or_dir", "theirs"),)),
        _CALLER,
    ],
)
def test_a_planned_network_of_another_call_needs_trust(planned):
    """A plan holds constructors, which may be any function with any arguments."""
    (effect,) = effects_of_plan(Request(models=("lenet5",)), [planned])

    assert effect.startswith(f"calls {planned.constructor} with ")


def test_an_address_with_a_password_is_refused_without_it():
    """The run's files would hold it."""
    with pytest.raises(RunError, match=r"--address ray://\*\*\*@host has a password") as refused:
        Request(models=("lenet5",), engine="ray", address="ray://me:hidden@host")

    assert "hidden" not in str(refused.value)
