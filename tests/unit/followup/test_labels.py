from __future__ import annotations

import csv
import shutil

import numpy as np
import pytest
from followed import trained
from made_answers import made

import bench
from bench.analysis.label_issues import find_label_issues, mean_probabilities, measure_finding
from bench.followup.corrections import corrected, read_corrections, write_doubts
from bench.followup.label_report import LabelFindings, report_labels
from bench.report.followup_file import read_picture
from registry.errors import RunError

_CLASSES = ("cat", "dog")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of two tiny networks with one seed, and two folds: each image is tested."""
    return trained(tmp_path_factory.mktemp("labelled"), each=60, split="kfold:2", epochs=4)


@pytest.fixture
def table(tmp_path):
    """Return a function that writes a table of corrections with these lines."""

    def write(*lines, head="image,label,rather,quality,verdict,correct_label"):
        path = tmp_path / "corrections.csv"
        path.write_text("\n".join((head, *lines)) + "\n", encoding="utf-8")
        return path

    return write


def _answers(correct=(1, 1, 0, 1)):
    return made(np.array([correct], dtype=bool))


@pytest.mark.pages
def test_labels_need_neither_weights_nor_images(run, tmp_path):
    """The stored predictions are enough; a sheet and the page show the thumbnails."""
    copy = shutil.copytree(run, tmp_path / run.name)
    for path in copy.rglob("*.safetensors"):
        path.unlink()
    found = bench.labels(copy, progress=False)

    assert found.title.endswith("of 120 labels")
    assert "in 2 folds" in found.lead
    assert read_picture(copy, "labels-sheet.png").startswith(b"\x89PNG")
    assert len(found.galleries[0].pictures) == 24
    assert found.title in (copy / "report.html").read_text()


def test_what_a_plain_run_can_judge_is_said(tmp_path):
    """Its test images alone; with so few, no share of wrong labels is told."""
    found = bench.labels(trained(tmp_path), progress=False)

    assert "Only the 12 test images are judged" in found.lead
    assert found.values["flipped_on_purpose"] is None
    assert "too few images" in found.lines[0].text


def test_the_share_of_flipped_labels_that_are_found_is_told(run):
    """With what it means: nobody trained on the flips."""
    found = bench.labels(run, progress=False)
    measured = found.values["flipped_on_purpose"]

    assert measured["found"] > 0.6
    assert any("without training" in note for note in found.notes)


def test_answers_by_chance_are_not_to_be_used():
    """Their ranking finds what a random order finds, and a line says so."""
    labels = np.arange(200) % 2
    answers = made(np.random.default_rng(1).random((1, 200)) < 0.5)
    shares = np.random.default_rng(2).dirichlet((1, 1), 200)
    found = LabelFindings(
        answers={"model": answers},
        classes=_CLASSES,
        issues=find_label_issues(labels, shares),
        planted=measure_finding(labels, shares),
        said=None,
    )
    told = report_labels(found, ())

    assert told.title == "These models cannot tell which labels are wrong"
    assert (told.lines[0].kind, "train better models" in told.lines[0].text) == ("failed", True)


def test_doubted_labels_are_corrected_and_scored_again(run, tmp_path):
    """The table that was exported, edited: both accuracies are told, now and the next time."""
    path = tmp_path / "corrections.csv"
    bench.labels(run, export=path, progress=False)
    rows = list(csv.DictReader(path.open(newline="")))
    rows[0]["verdict"], rows[1]["verdict"], rows[2]["verdict"] = "wrong", "Ambiguous", "right"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0], delimiter=";")  # as some spreadsheets do
        writer.writeheader()
        writer.writerows(rows)
    found = bench.labels(run, corrections=path, progress=False)
    scored = found.values["scored"]

    assert [table.title for table in found.tables][-1] == "Scored again"
    assert "1 right, 1 wrong, 1 ambiguous" in found.lines[-1].text
    for model, answers in bench.load(run).pairwise.answers.items():
        new = corrected(answers, read_corrections(path, answers, _CLASSES))
        assert len(new.images) == 119
        assert scored[model]["corrected"] == pytest.approx(new.correct.mean())
        assert scored[model]["as_labelled"] == pytest.approx(answers.correct.mean())
    assert bench.labels(run, progress=False).values["scored"] == scored


def test_an_edited_table_is_not_written_over(run, tmp_path):
    """It may hold an afternoon's work."""
    path = tmp_path / "corrections.csv"
    path.write_text("edited")

    with pytest.raises(RunError, match="exists: move it"):
        bench.labels(run, export=path, progress=False)
    assert path.read_text() == "edited"


def test_a_corrected_label_changes_what_is_right():
    """The prediction stays; an ambiguous image is left out."""
    answers = _answers()
    issues = find_label_issues(answers.labels, mean_probabilities([answers]))

    assert issues.order[0] == 2
    assert issues.rather[2] == 1


def test_corrections_are_applied(table):
    """`rather` is the right class unless another is filled in; rows without a verdict are none."""
    path = table("2.jpg,cat,dog,0.2,wrong,", "1.jpg,dog,cat,0.5,ambiguous,", "3.jpg,dog,cat,0.6,,")
    said = read_corrections(path, _answers(), _CLASSES)
    found = corrected(_answers(), said)

    assert (said.wrong, said.ambiguous, said.count) == ({"2.jpg": 1}, ("1.jpg",), 2)
    assert found.images == ("0.jpg", "2.jpg", "3.jpg")
    assert found.correct.all()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("9.jpg,cat,dog,0.2,wrong,", r"line 2: '9\.jpg' is no test image"),
        ("2.jpg,cat,dog,0.2,perhaps,", "line 2: the verdict 'perhaps' is none of right, wrong"),
        ("2.jpg,cat,dog,0.2,wrong,cow", "line 2: the class 'cow' is unknown; classes: cat, dog"),
        ("2.jpg,cat,dog,0.2,wrong,cat", "line 2: the label is wrong, but 'cat' is that label"),
        ("2.jpg,cat,dog,0.2,,", "has no verdicts: write right, wrong or ambiguous"),
    ],
)
def test_a_faulty_row_is_told_by_its_line(table, line, told):
    """With what is allowed."""
    with pytest.raises(RunError, match=told):
        read_corrections(table(line), _answers(), _CLASSES)


def test_two_verdicts_on_one_image_are_refused(table):
    """Neither wins."""
    rows = "2.jpg,cat,dog,0.2,right,", "2.jpg,cat,dog,0.2,ambiguous,"

    with pytest.raises(RunError, match=r"line 3: .* two different verdicts"):
        read_corrections(table(*rows), _answers(), _CLASSES)


def test_a_table_without_the_column_is_refused(table, tmp_path):
    """Like one that is not there."""
    with pytest.raises(RunError, match="has no column 'verdict'"):
        read_corrections(table("2.jpg,cat", head="image,label"), _answers(), _CLASSES)
    with pytest.raises(RunError, match=r"cannot read .*none\.csv"):
        read_corrections(tmp_path / "none.csv", _answers(), _CLASSES)


def test_names_that_look_like_formulas_come_back(tmp_path):
    """A spreadsheet would run them, so they are written with a quote before."""
    answers = made(np.array([[0, 1]], dtype=bool), images=("=1+1.jpg", "b.jpg"))
    issues = find_label_issues(answers.labels, mean_probabilities([answers]))
    path = tmp_path / "table.csv"
    write_doubts(path, answers, issues, _CLASSES, 2)
    path.write_text(path.read_text().replace(",,\n", ",wrong,\n", 1))
    said = read_corrections(path, answers, _CLASSES)

    assert "\n'=1+1.jpg," in path.read_text() or '"\'=1+1.jpg"' in path.read_text()
    assert said.wrong == {"=1+1.jpg": 1}
