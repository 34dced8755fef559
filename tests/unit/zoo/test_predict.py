"""`zoo predict` and `zoo export` on a person's own pictures and runs."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from drawn_folder import noise
from fuzz_weights import PUBLISHED

from bench.training.weights import save_weights
from registry.exit_codes import ExitCode
from zoo import LENET5

_NETWORK = replace(PUBLISHED, model="lenet5", architecture=LENET5, origin="zoo-bench")
_LONG = "a picture that somebody took in the summer of the year before, by the sea, at night.jpg"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Run 1 has one seed, run 2 has two, run 3 has two folds."""
    folder = tmp_path_factory.mktemp("predict") / "runs"
    for number, trial in enumerate(
        ("0001-lenet5/lenet5/seed-0", "0002-lenet5/lenet5/seed-0", "0002-lenet5/lenet5/seed-1",
         "0003-lenet5/lenet5/seed-0/fold-1", "0003-lenet5/lenet5/seed-0/fold-2")
    ):  # fmt: skip
        (folder / trial).mkdir(parents=True)
        torch.manual_seed(number)
        state = LENET5.build(num_classes=2).state_dict()
        save_weights(folder / trial / "weights.safetensors", state, _NETWORK)
        (folder / trial.partition("/")[0] / "run.db").write_bytes(b"")
    return folder


@pytest.fixture
def pictures(tmp_path):
    """A folder of two pictures, one with a long name."""
    (tmp_path / "pictures").mkdir()
    for number, name in enumerate((_LONG, "b.jpg")):
        noise(number).save(tmp_path / "pictures" / name)
    return tmp_path / "pictures"


@pytest.fixture
def predict(zoo, runs):
    """Run `zoo predict` with the runs of this module."""

    def call(*arguments: object, run: object = 1, **how: int) -> tuple[int, str, str]:
        return zoo("predict", *arguments, "--run", run, "--runs-dir", runs, **how)

    return call


def test_predict_takes_the_number_of_a_run_and_a_folder(predict, pictures):
    """Each picture of the folder has a row with the probability of each class."""
    code, out, err = predict(pictures, "--json")
    rows = json.loads(out)

    assert (code, err) == (0, "")
    assert [row["photo"] for row in rows] == [str(pictures / _LONG), str(pictures / "b.jpg")]
    for row in rows:
        assert (row["seed"], row["fold"], row["error"]) == (0, None, None)
        assert list(row["probabilities"]) == ["cat", "dog"]
        assert sum(row["probabilities"].values()) == pytest.approx(1)
        assert row["probabilities"][row["predicted"]] == row["probability"]


def test_a_bad_picture_does_not_stop_the_others(predict, pictures):
    """One line on stderr, and the exit code of what has failed in part."""
    (pictures / "bad.jpg").write_text("no picture")
    code, out, err = predict(pictures, pictures / "none.jpg")

    assert code == ExitCode.FAILED
    assert out.count("lenet5") == 2
    assert err.splitlines() == [
        f"zoo: cannot read {pictures / 'bad.jpg'}: not an image: it looks like text",
        f"zoo: cannot read {pictures / 'none.jpg'}: No such file or directory",
    ]


def test_a_bad_picture_has_its_row_in_json(predict, pictures):
    """With the fields of the others, and the reason in `error`."""
    (pictures / "bad.jpg").write_text("no picture")
    code, out, _ = predict(pictures, "--json")
    rows = json.loads(out)

    assert code == ExitCode.FAILED
    assert [row["error"] for row in rows] == [None, None, "not an image: it looks like text"]
    assert rows[-1] == dict.fromkeys(rows[0]) | {
        "photo": str(pictures / "bad.jpg"),
        "error": "not an image: it looks like text",
    }


def test_nothing_readable_is_an_error(predict, tmp_path):
    """One reason is the error itself; several have a line each before it."""
    (tmp_path / "empty").mkdir()
    one = predict(tmp_path / "empty")
    two = predict(tmp_path / "empty", tmp_path / "none.jpg")

    assert one == (2, "", f"zoo: cannot read {tmp_path / 'empty'}: a folder without pictures\n")
    assert two[:2] == (2, "")
    assert two[2].splitlines()[-1] == "zoo: none of these 2 pictures and folders can be read"
    assert two[2].count("\n") == 3


def test_other_files_of_a_folder_are_counted(predict, pictures):
    """In one line; they are no failure."""
    (pictures / "notes.txt").write_text("notes")
    code, _, err = predict(pictures)

    assert (code, err) == (0, "1 other file skipped, no pictures by name: notes.txt\n")


@pytest.mark.parametrize(
    ("run", "columns"),
    [
        (1, "photo model class probability"),
        (2, "photo model seed class probability"),
        (3, "photo model fold class probability"),
    ],
)
def test_seeds_and_folds_have_columns_where_there_are_any(predict, pictures, run, columns):
    """Two networks of one model are not mistaken for each other."""
    _, out, _ = predict(pictures / "b.jpg", run=run)
    _, heading, _, *rows = out.splitlines()

    assert heading.split() == columns.split()
    assert len({tuple(row.split()[:3]) for row in rows if row.strip()}) == (1 if run == 1 else 2)


def test_folds_are_in_json(predict, pictures):
    """From 1, as in `zoo export --fold`."""
    _, out, _ = predict(pictures / "b.jpg", "--json", run=3)

    assert [(row["seed"], row["fold"]) for row in json.loads(out)] == [(0, 1), (0, 2)]


@pytest.mark.parametrize("width", [50, 80, 120])
def test_a_long_name_is_folded_and_never_cut(predict, pictures, width):
    """On a narrow terminal every letter of it is there, and nothing is wider."""
    _, out, _ = predict(pictures, run=2, width=width)
    lines = out.splitlines()
    until = lines[1].index("model")
    names = "".join("".join(line[:until].split()) for line in lines[3:])

    assert max(map(len, lines)) <= width
    assert "…" not in out
    assert names.count(_LONG.replace(" ", "")) == 2


def test_export_takes_the_number_of_a_run(zoo, runs, tmp_path):
    """Its seed and fold are told, as before."""
    target = tmp_path / "net.safetensors"
    where = ("--runs-dir", runs, "--safetensors", target, "--fold", 2, "--json")
    code, out, _ = zoo("export", 3, *where)
    (row,) = json.loads(out)

    assert code == 0
    assert (row["seed"], row["fold"], row["path"]) == (0, 2, str(target))
