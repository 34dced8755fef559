from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import made_runs
import pytest
from PIL import Image

from bench.system.options import parse_seeds
from bench.training.stop import StoppedError


@pytest.fixture
def bench(zoo, drawn, tmp_path):
    """Run `zoo bench` on 24 drawn images, runs going to a folder of the test's own."""

    def run(*arguments: object, data: object = drawn) -> tuple[int, str, str]:
        given = ("--data", data, "--runs-dir", tmp_path / "runs", "--epochs", 1, "--no-isolate")
        return zoo("bench", *arguments, *given)

    return run


def _only(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


@pytest.mark.parametrize(
    "arguments",
    [["list"], ["--help"], ["bench", "--help"], ["compare", "--help"], ["list", "recipes"]],
)
def test_listing_and_help_import_no_torch(arguments):
    """They answer at once: neither torch nor pandas is imported."""
    code = (
        f"import sys, atexit; sys.argv = ['zoo', *{arguments!r}];"
        "heavy = {'torch', 'pandas'};"
        "atexit.register(lambda: print(heavy & set(sys.modules), file=sys.stderr));"
        "from zoo.cli.app import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stderr.splitlines()[-1] == "set()"


def test_the_version_with_those_of_what_is_used(zoo):
    """`--version` is one line; with `-v`, on either side, come the others and the device."""
    _, alone, _ = zoo("--version")
    _, before, _ = zoo("-v", "--version")
    code, after, _ = zoo("--version", "-v")
    lines = after.splitlines()

    assert (code, alone, before) == (0, f"{lines[0]}\n", after)
    assert [line.split()[0] for line in lines] == [
        "zoo", "python", "torch", "torchvision", "timm", "numpy", "device"
    ]  # fmt: skip
    assert all(len(line.split()) > 1 for line in lines)


def test_a_list_of_runs_imports_no_torch(tmp_path):
    """Records and predictions are read and checked without torch, pandas and SciPy."""
    made_runs.make_run(tmp_path / "0001-lenet5", {"lenet5": made_runs.correct(seeds=1)})
    code = (
        "import sys; from pathlib import Path; from bench.runs.run_list import list_runs\n"
        "print([row['state'] for row in list_runs(Path(sys.argv[1]))])\n"
        "print({'torch', 'pandas', 'scipy', 'cv2'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert done.stdout.splitlines() == ["['done']", "set()"]


def test_the_table_of_a_run_imports_no_torch(tmp_path):
    """Stored predictions are NumPy arrays."""
    made_runs.make_run(tmp_path / "0001-lenet5", {"lenet5": made_runs.correct(seeds=1)})
    code = (
        "import sys; from pathlib import Path; from bench.runs.stored_runs import read_run\n"
        "print(read_run('1', Path(sys.argv[1])).planned, 'torch' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "1 False"


def test_list_shows_promises_and_origins(zoo):
    """Name, input, parameters, output, source and distribution stand in one row."""
    code, out, _ = zoo("list", "lenet", "vgg1*")
    row = next(line for line in out.splitlines() if " lenet " in line)

    assert code == 0
    assert row.split()[:4] == ["lenet", "3x224x224", "46,038,242", "2"]
    assert "zoo-bench" in row
    assert "vgg19" in out
    assert "alexnet" not in out


def test_list_as_json_is_json_alone(zoo):
    """Programs get exact numbers and nothing else on stdout."""
    _, out, err = zoo("list", "--json")
    rows = {row["name"]: row for row in json.loads(out)}

    assert rows["alexnet_2012"]["parameters"] == 62_378_344
    assert rows["alexnet_2012"]["input_shape"] == [3, 227, 227]
    assert err == ""


def test_show_prints_layers_totals_and_verdict(zoo):
    """The chapter's figures for LeNet are there."""
    code, out, _ = zoo("show", "lenet")

    assert code == 0
    for figure in ("16x220x220", "46,023,168", "0.57 MB input", "175.62 MB parameters", "✓ kept"):
        assert figure in out


@pytest.mark.parametrize("models", [["lenett"], ["--models", "lenet5", "lenett"]])
def test_a_typing_error_says_what_is_near(bench, models):
    """Exit code 2 and one line, before torch is imported or a folder is made."""
    code, out, err = bench(*models)

    assert (code, out) == (2, "")
    assert err == (
        "zoo: unknown architecture 'lenett'. Did you mean 'lenet'? `zoo list` shows all 9.\n"
    )


@pytest.mark.parametrize(
    "spelling",
    [
        ["--models", "lenet5", "lenet"],
        ["-m", "lenet5", "-m", "lenet"],
        ["--models", "lenet5,lenet"],
        ["lenet5", "lenet"],
    ],
)
def test_every_spelling_of_models_is_understood(monkeypatch, bench, spelling):
    """What reaches the harness is the same list."""
    seen = []

    def stop(request, *_):
        seen.extend(request.request.models)
        raise SystemExit(0)

    monkeypatch.setattr("bench.runs.execute.execute", stop)
    bench(*spelling)

    assert sorted(seen) == ["lenet", "lenet5"]


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (lambda d: shutil.rmtree(d / "Dog"), "only one class, 'cat', in"),
        (lambda d: [shutil.rmtree(d / k) for k in ("Cat", "Dog")], "no images in"),
        (lambda d: shutil.rmtree(d), "does not exist"),
    ],
)
def test_an_unusable_folder_is_one_line(bench, drawn, prepare, message):
    """The line says what there is and what a folder should hold; the exit code is 2."""
    prepare(drawn)
    code, _, err = bench("lenet5")

    assert code == 2
    assert message in err
    assert err.count("\n") == 1


def test_bad_files_are_named_and_the_rest_is_used(bench, drawn, tmp_path):
    """A text file named .jpg and a truncated photograph get one line each; the run goes on."""
    (drawn / "Cat" / "notes.jpg").write_text("these are notes")
    whole = (drawn / "Dog" / "dog.3.jpg").read_bytes()
    (drawn / "Dog" / "half.jpg").write_bytes(whole[: len(whole) // 2])

    code, _, err = bench("lenet5", "--allow-rejects")

    assert code == 0
    assert "rejected Cat/notes.jpg: not an image: it looks like text" in err
    assert "rejected Dog/half.jpg: damaged" in err


def test_many_bad_files_are_an_error_unless_allowed(bench, drawn, tmp_path):
    """More than 1 % of the images: one line says how many, which, why, and what to do."""
    (drawn / "Cat" / "notes.jpg").write_text("these are notes")

    code, _, err = bench("lenet5")

    assert code == 2
    assert "Cat/notes.jpg" in err
    assert "--allow-rejects" in err
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--recipe", "textbok"], "Did you mean 'textbook'"),
        (["--split", "random"], "unknown split 'random'"),
        (["--device", "cuda:9"], "no device 'cuda:9' on this machine"),
        (["--precision", "float16", "--device", "cpu"], "on the CPU is many times slower"),
        (["--seeds", "0,x"], "--seeds takes a number"),
        (["--seeds", "100000000000"], "--seeds takes a number"),
        (["--timeout", "nan"], "--timeout takes a number, not nan"),
        (["--learning-rate", "0"], "learning_rate must be above 0"),
        (["--split", "textbook"], "needs 411 readable images"),
        (["--limit", "2"], "too few for a training"),
    ],
)
def test_a_wrong_option_is_one_line(bench, tmp_path, options, message):
    """It says what was asked and what there is; no run folder is made."""
    code, out, err = bench("lenet5", *options)

    assert (code, out) == (2, "")
    assert message in err
    assert len([line for line in err.splitlines() if line.startswith("zoo: ")]) == 1
    assert err.splitlines()[-1].startswith("zoo: ")
    assert not (tmp_path / "runs").exists()


def test_no_models_says_how_to_name_some(zoo):
    """Nothing to compare is a usage error with an example."""
    code, _, err = zoo("bench")

    assert code == 2
    assert "zoo bench --models lenet alexnet" in err


@pytest.mark.pages
def test_the_run_folder_is_complete(bench, tmp_path):
    """Every file that the table promises is there, and the table's rows are in the CSV."""
    code, out, err = bench("lenet5", "--seeds", "2")
    run = _only(tmp_path / "runs")

    assert code == 0
    assert run.name == "0001-lenet5"
    assert str(run) in err
    assert "✓" in out
    for name in ("comparison.md", "comparison.json", "history.csv", "config.json"):
        assert (run / name).stat().st_size
    assert (run / "environment.json").stat().st_size
    assert err.splitlines()[-1] == f"Report: {run / 'report.html'}"
    assert "<!doctype html>" in (run / "report.html").read_text(encoding="utf-8")
    assert (run / "figures" / "learning-curves.png").read_bytes().startswith(b"\x89PNG")
    for seed in (0, 1):
        trial = run / "lenet5" / f"seed-{seed}"
        for name in ("predictions.csv", "submission.csv", "history.csv", "record.json"):
            assert (trial / name).stat().st_size
        assert (trial / "test-images.png").read_bytes().startswith(b"\x89PNG")
        assert (trial / "weights.safetensors").stat().st_size
    rows = list(csv.DictReader((run / "comparison.csv").open()))
    assert [row["model"] for row in rows] == ["lenet5", "(majority class)"]


def test_two_runs_of_one_seed_predict_the_same_bytes(bench, tmp_path):
    """The whole command is repeatable on the CPU."""
    bench("lenet5")
    bench("lenet5")
    first, second = sorted((tmp_path / "runs").iterdir())
    name = "lenet5/seed-0/predictions.csv"

    assert (first / name).read_bytes() == (second / name).read_bytes()


def test_json_is_alone_on_stdout(bench):
    """`--json` prints the comparison and nothing else; it is strict JSON."""
    code, out, _ = bench("lenet5", "--json")
    told = json.loads(out)

    assert code == 0
    assert told["schema_version"] == 3
    assert told["rows"][0]["model"] == "lenet5"


def test_predict_answers_for_a_persons_own_pictures(bench, zoo, drawn, tmp_path):
    """Class and probability come from the saved weights; they are the test's own answers."""
    bench("lenet5")
    run = _only(tmp_path / "runs")
    rows = list(csv.DictReader((run / "lenet5" / "seed-0" / "predictions.csv").open()))
    photo = drawn / rows[0]["image"]

    code, out, _ = zoo("predict", photo, "--run", run, "--json")
    (answer,) = json.loads(out)

    assert code == 0
    assert answer["predicted"] == rows[0]["predicted"]
    share = float(rows[0][f"probability_{answer['predicted']}"])
    assert answer["probability"] == pytest.approx(share, abs=1e-6)


def test_predict_tells_what_it_cannot_use(zoo, drawn, tmp_path):
    """A folder without weights, and a picture that is none, get one line each."""
    photo = drawn / "Cat" / "cat.0.jpg"

    assert "no weights in" in zoo("predict", photo, "--run", tmp_path)[2]
    assert "File name too long" in zoo("predict", photo, "--run", "x" * 300)[2]
    (tmp_path / "weights.safetensors").write_bytes(b"rubbish")
    assert "holds no weights" in zoo("predict", photo, "--run", tmp_path)[2]
    (tmp_path / "a.jpg").write_text("text")
    assert "a.jpg: not an image" in zoo("predict", tmp_path / "a.jpg", "--run", tmp_path)[2]


def test_data_check_counts_and_names(zoo, drawn):
    """What would be used, what not and why, sizes, duplicates of either kind."""
    shutil.copy(drawn / "Cat" / "cat.0.jpg", drawn / "Cat" / "copy.jpg")
    Image.open(drawn / "Dog" / "dog.1.jpg").save(drawn / "Dog" / "again.jpg", quality=60)
    (drawn / "Dog" / "empty.jpg").write_bytes(b"")

    code, out, err = zoo("data", "check", drawn)

    assert code == 2  # `zoo bench` would refuse it, too
    assert "1 of 27 image files in" in err
    assert "26 images usable" in out
    assert "2 classes from folder names: cat (13) and dog (13)" in out
    assert "Cat/cat.0.jpg = Cat/copy.jpg: identical files" in out
    assert "Dog/again.jpg = Dog/dog.1.jpg: one picture, saved differently" in out
    assert "✗ Dog/empty.jpg: empty file" in out


def test_an_interrupt_keeps_what_was_finished(monkeypatch, bench, tmp_path):
    """Ctrl-C in the second model: the first one's row is there, the exit code is 130."""
    from bench.training.trial import run_trial

    network = tmp_path / "second.py"
    network.write_text(
        "from zoo.lenet import LeNet5\nclass Second(LeNet5):\n    input_shape = (1, 32, 32)\n"
    )

    def second_is_stopped(spec, *arguments, **options):
        if spec.model != "lenet5":
            monkeypatch.setattr("bench.training.train_state.TrainState.epoch", _press_ctrl_c)
        return run_trial(spec, *arguments, **options)

    monkeypatch.setattr("bench.engines.in_process.run_trial", second_is_stopped)
    code, out, _ = bench("lenet5", f"{network}:Second")
    rows = list(csv.DictReader((_only(tmp_path / "runs") / "comparison.csv").open()))

    assert code == 130
    assert [row["status"] for row in rows] == ["ok", "interrupted", "baseline"]
    assert "second.py:Second interrupted: seed 0, train: stopped by the user" in out


def test_the_same_command_offers_to_go_on(monkeypatch, bench, tmp_path):
    """The unfinished run is named; where nobody can be asked, a new one begins."""
    with monkeypatch.context() as patch:
        patch.setattr("bench.training.train_state.TrainState.epoch", _press_ctrl_c)
        assert bench("lenet5")[0] == 130
    _, _, other = bench("lenet5", "--seeds", 2)
    code, _, err = bench("lenet5")
    run = tmp_path / "runs" / "0001-lenet5"

    assert "unfinished" not in other
    assert code == 0
    assert f"{run} is the same run, unfinished (`zoo bench --resume {run}` resumes" in err


def test_on_a_terminal_the_same_command_goes_on(monkeypatch, bench, tmp_path):
    """It asks, and after a yes there is no second run."""
    with monkeypatch.context() as patch:
        patch.setattr("bench.training.train_state.TrainState.epoch", _press_ctrl_c)
        bench("lenet5")
    asked = []
    monkeypatch.setattr("zoo.cli.bench._is_terminal", lambda: True)
    monkeypatch.setattr("typer.confirm", lambda text, *_, **__: asked.append(text) or True)

    assert bench("lenet5")[0] == 0
    assert "0001-lenet5 is the same run, unfinished. Resume it?" in asked[0]
    assert _only(tmp_path / "runs").name == "0001-lenet5"


def test_an_interrupt_before_the_first_model_is_told(monkeypatch, bench):
    """Ctrl-C while images are checked ends with 130 and one line."""
    monkeypatch.setattr("bench.runs.plan.load_data", _stop)
    code, _, err = bench("lenet5")

    assert (code, err) == (130, "zoo: interrupted before anything was measured\n")


def _press_ctrl_c(*_: object, **__: object) -> None:
    signal.raise_signal(signal.SIGINT)
    raise StoppedError  # as the check after the first step would


def _stop(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_data_check_writes_a_sheet_and_json(zoo, drawn, tmp_path):
    """The picture goes into its file, the list to stdout."""
    (drawn / "Cat" / "cat.0.jpg").write_text("no picture")
    code, out, _ = zoo("data", "check", drawn, "--json", "--sheet", tmp_path / "sheet.png")

    assert code == 2
    assert (tmp_path / "sheet.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads(out)["rejects"] == [
        {
            "name": "Cat/cat.0.jpg",
            "reason": "not an image: it looks like text",
            "by_name": False,
        }
    ]


def test_data_check_remembers_unless_told_not_to(zoo, drawn, tmp_path, monkeypatch):
    """The second look decodes nothing; --no-cache decodes all."""
    from bench.data.decode_pool import examine

    asked = []
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(
        "bench.data.check.examine",
        lambda files, **how: asked.append(len(files)) or examine(files, **how),
    )
    for more in ([], [], ["--no-cache"]):
        assert zoo("data", "check", drawn, *more)[0] == 0

    assert asked == [24, 24]


def test_an_interrupt_while_the_command_is_imported_is_one_line(tmp_path):
    """Ctrl-C in the first tenth of a second leaves no traceback."""
    (tmp_path / "typer.py").write_text("raise KeyboardInterrupt\n")
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-m", "zoo", "list"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 130
    assert done.stderr == "zoo: interrupted before anything was started\n"


@pytest.mark.parametrize(
    ("typed", "seeds"), [("3", (0, 1, 2)), ("1", (0,)), ("0,7", (0, 7)), ("5,", (5,))]
)
def test_seeds_are_counted_from_0_or_listed(typed, seeds):
    """So that three seeds are the first three of six."""
    assert parse_seeds(typed) == seeds
