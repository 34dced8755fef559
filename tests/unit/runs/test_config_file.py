"""A run from a file: what it may say, what it may not, and that the command line wins."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import liars
import pytest

import bench.runs.execute  # noqa: F401  (imported while patched, it would keep the stand-in)
from bench.data.batch_options import FIDELITIES
from bench.report import trackers
from bench.runs.config_file import read_config_file
from bench.runs.request import LAYOUT_CHOICES, Request, as_plain
from bench.runs.resolve import with_files_read
from bench.runs.run_options import OPTIONS, RunOptions
from bench.training.recipe import DEFAULT
from bench.training.recipe_file import RecipeFile, write_recipe_file
from registry.errors import RunError


@pytest.fixture
def asked(monkeypatch, zoo):
    """Run `zoo bench` up to the request; return it, or what stderr says."""

    def run(*arguments: object) -> Request | str:
        seen = []

        def stop(request, *_):
            seen.append(request)
            raise SystemExit(0)

        monkeypatch.setattr("bench.runs.resolve.resolve_request", stop)
        code, _, err = zoo("bench", *arguments, "--no-isolate")
        assert code == (0 if seen else 2)
        return seen[0] if seen else err

    return run


def _file(folder: Path, text: str, name: str = "run.toml") -> Path:
    (folder / name).write_text(text)
    return folder / name


_WHOLE = """
models = ["lenet5", "vgg*", "!vgg19"]
data = "photographs"
test-data = "others"
recipe = "textbook"
budget = 60
patience = 3
target = "75%"
seeds = [0, 7]
learning_rate = 1
memory-format = "channels_last"
compile = true
cache = false
freeze_backbone = true
pretrained = true
log = "tensorboard,mlflow"
checkpoint-every = 200
timeout = 3.5
runs-dir = "elsewhere"
"""


def test_a_file_says_what_the_command_line_would(tmp_path, asked):
    """Field names and option names, texts and lists, paths as they are written."""
    by_file = asked("--config", _file(tmp_path, _WHOLE))
    words = (
        "lenet5 vgg*,!vgg19 --data photographs --test-data others --recipe textbook --budget 60s "
        "--patience 3 --target 75% --seeds 0,7 --learning-rate 1 --memory-format channels_last "
        "--compile --no-cache --freeze-backbone --pretrained --log tensorboard,mlflow "
        "--checkpoint-every 200 --timeout 3.5 --runs-dir elsewhere"
    )

    assert by_file == replace(asked(*words.split()), budget=60)


def test_the_command_line_wins(tmp_path, asked):
    """Also where it says another thing that takes the place of what the file says."""
    path = _file(tmp_path, 'models = "lenet5"\nbudget = "5m"\nseeds = 3\nworkers = 1\n')

    assert asked("--config", path, "--seeds", 1).seeds == (0,)
    assert asked("--config", path, "lenet").models == ("lenet",)
    told = asked("--config", path, "--epochs", 2)
    assert (told.epochs, told.budget, told.workers) == (2, None, 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epoch = 3", "unknown key 'epoch'. Did you mean 'epochs'?"),
        ("batch_sise = 3", "unknown key 'batch_sise'. Did you mean 'batch-size'?"),
        ("resume = '1'", "unknown key 'resume'. `zoo list options` lists all keys"),
        ('epochs = "many"', 'epochs = "many": use a whole number, 1 or more'),
        ("epochs = 1.5", "epochs = 1.5: use a whole number, 1 or more"),
        ("epochs = true", "epochs = true: use a whole number, 1 or more"),
        ("epochs = 0", "--epochs must be 1 or more, not 0"),
        ("compile = 1", "compile = 1: use true or false"),
        ('cache = "no"', 'cache = "no": use true or false'),
        ("models = [1]", "models = [1]: use a list or a text"),
        ("models = [{name = 'a'}]", "models: Object missing required field `constructor`"),
        ("seeds = [0, 0]", "--seeds takes a number of seeds (3) or a list (0,7), not '0,0,'"),
        ("seeds = ['a']", 'seeds = ["a"]: use a text or a whole number or a list'),
        ("data = 1", "data = 1: use a path"),
        ("data = 2026-11-28", 'data = "2026-11-28": use a path'),
        ('fidelity = "good"', "unknown --fidelity 'good': use one of exact, fast"),
        ('log = ["wandb"]', "unknown --log 'wandb': use one of tensorboard, mlflow"),
        ("[recipe]\nepochs = 3\nspeed = 1", "unknown key recipe.speed; known keys: name, "),
        ("compile = true\ncompiled = true", "'compiled' sets compiled a second time"),
        ("epochs = x", "is not valid TOML: TOMLDecodeError: Invalid value (at line 1, column 10)"),
        ("processes = 2", "unknown key 'processes'."),
        ("own_recipes = 3", "own_recipes: TypeError"),
        ("own_recipes = [['lenet', 3]]", "own_recipes: AttributeError"),
    ],
)
def test_a_bad_file_is_one_line(tmp_path, asked, text, message):
    """It names the file, the key, its value and what is allowed, or the nearest name."""
    path = _file(tmp_path, text)
    told = asked("lenet5", "--config", path)

    assert told.startswith(f"zoo: {path}")
    assert message in told
    assert told.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("run.json", "[1]", "no table of options"),
        ("run.json", "{", "is not valid JSON"),
        ("run.json", '{"request": 3}', "no table of options"),
        ("run.toml", "\ud800", "cannot read"),
        ("other.toml", None, "other.toml: No such file or directory"),
    ],
)
def test_what_is_no_file_of_options_is_one_line(tmp_path, name, text, message):
    """JSON by its suffix, else TOML."""
    path = tmp_path / name
    if text is not None:
        path.write_bytes(text.encode(errors="surrogatepass"))

    with pytest.raises(RunError, match=message):
        read_config_file(path)


@pytest.mark.parametrize("text", ["models = 'lenett'", "epoch = 3", "epochs = 'x'"])
def test_an_error_in_a_file_takes_no_torch(tmp_path, text):
    """So the line is there at once."""
    path = _file(tmp_path, text)
    code = (
        f"import sys, atexit; sys.argv = ['zoo', 'bench', '--config', {str(path)!r}];"
        "atexit.register(lambda: print({'torch', 'pandas'} & set(sys.modules)));"
        "from zoo.cli.app import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (2, "set()\n")


def test_the_config_of_a_run_asks_for_the_same_run(tmp_path):
    """Whatever it was asked by: a recipe file with recipes of models, values, a whole path."""
    own = replace(DEFAULT, name="other", learning_rate=0.5)
    write_recipe_file(tmp_path / "r.toml", RecipeFile(recipe=DEFAULT, models={"lenet5": own}))
    request = with_files_read(
        Request(
            models=("lenet5", liars.architecture("Honest")),
            data=tmp_path,
            recipe=str(tmp_path / "r.toml"),
            seeds=(3, 5),
            log=("mlflow",),
            runs=tmp_path / "runs",
            budget="1m",
        )
    )
    plain = {"title": "a run", "request": as_plain(request) | {"processes": None}}
    _file(tmp_path, json.dumps(plain), "config.json")

    assert Request(**read_config_file(tmp_path / "config.json")) == request
    assert Request(**read_config_file(tmp_path)) == request


def test_the_folder_of_a_run_is_a_config(tmp_path, drawn, zoo):
    """What a finished run has written gives the same request, so the same plan."""
    fixed = ["--data", drawn, "--epochs", 1, "--seeds", "4,2", "--no-isolate", "--no-cache"]
    zoo("bench", "lenet5", *fixed, "--runs-dir", tmp_path / "runs")
    code, _, _ = zoo("bench", "--config", tmp_path / "runs" / "0001-lenet5")
    requests = [
        json.loads((path / "config.json").read_text())["request"]
        for path in sorted((tmp_path / "runs").iterdir())
    ]

    assert code == 0
    assert len(requests) == 2
    assert requests[0] == requests[1]


def test_a_plan_takes_a_file_and_leaves_out_how_a_run_is_done(tmp_path, drawn, zoo):
    """`jobs`, `engine` and the folder of runs are no part of it."""
    text = f'models = "lenet5"\ndata = "{drawn}"\nepochs = 1\njobs = 2\nruns = "elsewhere"\n'
    code, _, _ = zoo("plan", "--config", _file(tmp_path, text), "--out", tmp_path / "plan.json")
    request = json.loads((tmp_path / "plan.json").read_text())["about"]["request"]

    assert code == 0
    assert (request["epochs"], request["jobs"]) == (1, None)
    assert Path(request["runs"]).name == "runs"


def test_choices_are_those_of_what_they_choose():
    """The options say them without importing torch."""
    assert OPTIONS["fidelity"].choices == FIDELITIES
    assert OPTIONS["layout"].choices == LAYOUT_CHOICES
    assert OPTIONS["log"].choices == tuple(trackers._KINDS)


def test_every_field_is_an_option():
    """But what a recipe file has for models by name."""
    assert set(RunOptions.__slots__) - set(OPTIONS) == {"own_recipes"}
