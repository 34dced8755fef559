"""Options and recipes that cannot be obeyed are refused when they are given."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from bench.data.batch_options import Augmentation
from bench.engines.executor import Interrupts
from bench.runs.request import Request
from bench.runs.resolve import with_files_read
from bench.runs.resume_changes import apply_changes, require_no_changes
from bench.runs.run_folder import RunFolder
from bench.training.recipe import DEFAULT
from bench.training.recipe_file import read_recipe_file
from registry.catalog import Catalog
from registry.errors import RunError, UnknownNameError

_NAN = float("nan")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"optimizer": "lion"}, "unknown optimizer 'lion': use one of sgd, adamw, muon"),
        ({"schedule": "cosin"}, "unknown schedule 'cosin': .* Did you mean 'cosine'"),
        ({"initialization": "random"}, "unknown initialization 'random'"),
        ({"learning_rate": _NAN}, "learning_rate must be above 0, not nan"),
        ({"weight_decay": float("inf")}, "weight_decay must be 0 to 1000, not inf"),
        ({"momentum": _NAN}, "momentum must be 0 to 1, not nan"),
        ({"label_smoothing": 1.5}, "label_smoothing must be 0 to 0.99, not 1.5"),
        ({"epochs": 2.5}, "epochs must be a whole number, not 2.5"),
        ({"batch_size": "16"}, "batch_size must be a whole number, not '16'"),
        ({"epochs": True}, "epochs must be a whole number, not True"),
        ({"augmentation": Augmentation(scale=(0.5, _NAN))}, "scale must be two shares"),
        ({"augmentation": Augmentation(color_jitter=_NAN)}, "color_jitter must be 0 to 1"),
        ({"augmentation": {}}, "augmentation must be an Augmentation"),
    ],
)
def test_a_recipe_checks_itself(changes, message):
    """In Python as in a file, before anything is trained."""
    with pytest.raises(RunError, match=message):
        replace(DEFAULT, **changes)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seeds": 10**9}, "at most 10,000 different ones"),
        ({"seeds": (0, 2**40)}, "up to 4,294,967,295"),
        ({"seeds": (0, 0)}, "--seeds takes"),
        ({"seeds": (0.5,)}, "--seeds takes"),
        ({"timeout": _NAN}, "--timeout "),
        ({"limit": _NAN}, "--limit takes a whole number"),
        ({"epochs": 2.5}, "--epochs takes a whole number"),
        ({"learning_rate": "fast"}, "--learning-rate takes a number"),
    ],
)
def test_a_request_checks_its_numbers(options, message):
    """Python gives what a command line would refuse."""
    with pytest.raises(RunError, match=message):
        Request(models=("lenet5",), **options)


_RECIPE = 'name = "a"\nepochs = 1\nbatch_size = 4\noptimizer = "sgd"\nlearning_rate = 0.1\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("learning_rat = 1", "unknown key learning_rat; .* Did you mean 'learning_rate'"),
        ("[augmentation]\nscal = 1", "unknown key augmentation.scal; .*mean 'scale'"),
        ("[models.lenet]\nmomentun = 1", "unknown key models.lenet.momentun; .*mean 'momentum'"),
        ("[models.lenet.augmentation]\nflip = 1", "unknown key models.lenet.augmentation.flip"),
        ("[models.lenet]\naugmentation = 3", "models.lenet.augmentation must be a table"),
        ("[augmentation.scale.deep]\na = 1", "augmentation.scale"),
        (f"patience = {'[' * 3000}", "is not valid TOML"),
    ],
)
def test_a_wrong_key_is_named_at_any_depth(tmp_path, text, message):
    """With the nearest known one."""
    path = tmp_path / "recipe.toml"
    path.write_text(_RECIPE + text)

    with pytest.raises(RunError, match=message):
        read_recipe_file(path)


def test_a_table_of_an_unknown_model_is_refused(tmp_path):
    """It would change nothing; one of an installed model that is not compared may stay."""
    path = tmp_path / "recipe.toml"
    path.write_text(f"{_RECIPE}[models.alexnet]\nmomentum = 0.5\n[models.lenett]\nmomentum = 0.5\n")

    with pytest.raises(RunError, match=r"models.lenett: unknown model. Did you mean 'lenet'"):
        with_files_read(Request(models=("lenet5",), recipe=str(path)))


def test_a_model_named_twice_is_refused(zoo):
    """One would be dropped without a word."""
    code, _, err = zoo("bench", "--models", "lenet5", "lenet5")

    assert code == 2
    assert "'lenet5' is named 2 times: name it once; --seeds 2" in err


def test_a_finished_run_obeys_no_option(tmp_path):
    """Nothing is left to do with it, which is said; what the run did may be repeated."""
    folder, request = RunFolder(tmp_path), Request(models=("lenet5",), epochs=1)
    require_no_changes(folder, request, apply_changes(request, {"epochs": 1}), 1)
    changed = apply_changes(request, {"epochs": 5})

    with pytest.raises(RunError, match=r"all 1 trials are finished, so nothing is left .*--epochs"):
        require_no_changes(folder, request, changed, 1)


def test_an_unknown_model_is_looked_for_in_families():
    """The message has the name to type."""
    family = EntryPoint("made", "made_family:MADE", "zoo.families")

    with pytest.raises(UnknownNameError, match=r"unknown .* 'good'. Did you mean 'made:good'\?"):
        Catalog([family]).resolve(["good"])


def test_a_full_device_is_one_line(tmp_path):
    """Output that cannot be written ends with a code that is not 0."""
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    command = [sys.executable, "-m", "zoo", "--version"]
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)

    assert ended.returncode == 4
    assert ended.stderr == "zoo: cannot write the output: No space left on device\n"


def test_a_swallowed_second_ctrl_c_is_raised_again():
    """Some `except` of a plugin or a page may catch the first raise."""
    with pytest.raises(KeyboardInterrupt):
        _swallow_twice(Interrupts(lambda text: None))


def _swallow_twice(interrupts):
    with interrupts:
        for _ in range(2):
            with suppress(KeyboardInterrupt):
                interrupts._heed(signal.SIGINT, None)
