from __future__ import annotations

import html
import re
from contextlib import closing, nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from made_run import make_run
from warm import warm

from bench.report.page.charts import figures_of
from bench.report.page.figure import PAGE, PAPER
from bench.report.page.renderer import _draw
from bench.report.page.vega import renderer
from bench.runs.execute import resume
from bench.runs.progress import Progress
from bench.runs.request import Request
from bench.runs.store import Store
from bench.runs.stored_runs import read_run, try_write_page, write_report
from registry.errors import RunError

pytestmark = pytest.mark.pages
_NASTY = "</script></noscript><script>alert(1)</script>\x1b[31m<img src=x onerror=alert(2)>&\u202e"


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """A run of three models and seven seeds, its page and figures written."""
    return _written(tmp_path_factory.mktemp("runs"), figures=True, seeds=7)


def _written(folder, *, figures=False, **options):
    """Return a run whose page is written; its files of figures, too, if they are looked at.

    If not, the charts are drawn here: a process for them would take half a second to begin.
    """
    path = make_run(folder, **options)
    with pytest.MonkeyPatch.context() as patch:
        if not figures:
            patch.setattr("bench.report.page.vega.FILE_FORMS", ())
            patch.setattr(
                "bench.report.page.write.renderer",
                lambda: nullcontext(lambda jobs: [_draw(**job) for job in jobs]),
            )
        write_report(str(path), folder)
    return path


def _text(path):
    """Return what a reader reads: no scripts, styles and tags, each space one blank."""
    page = (path / "report.html").read_text(encoding="utf-8")
    body = re.sub(r"<(script|style|noscript)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def _results(path):
    return read_run(str(path), path.parent)


def test_the_page_is_made_of_the_store_alone(run, tmp_path):
    """Somewhere else, with nothing but run.db, it comes out the same, byte for byte."""
    (tmp_path / "elsewhere").mkdir()
    copied = tmp_path / "elsewhere" / "run.db"
    copied.write_bytes((run / "run.db").read_bytes())
    write_report(str(copied.parent), tmp_path)
    names = sorted(path.name for path in (run / "figures").iterdir())

    assert (copied.parent / "report.html").read_bytes() == (run / "report.html").read_bytes()
    assert len(names) == 16
    for name in names:
        assert (copied.parent / "figures" / name).read_bytes() == (
            run / "figures" / name
        ).read_bytes()


def test_the_page_asks_for_nothing_outside(run):
    """No address of a network in what a browser would load, and a policy that forbids it."""
    page = (run / "report.html").read_text(encoding="utf-8")
    markup = re.sub(r"<(script|noscript)\b.*?</\1>", "", page, flags=re.DOTALL)

    assert not re.search(r"(src|href|url)[=(]\s*[\"']?(https?:|//)", markup)
    assert "default-src 'none'; script-src 'sha256-" in html.unescape(markup)


def test_the_page_says_who_won(run):
    """The headline, every verdict's sentence, and the majority class beside it."""
    text = _text(run)

    assert "alexnet is the best." in text
    for sentence in _results(run).pairwise.sentences:
        assert sentence in text
    assert "Always predicting the majority class gets 50.0 %" in text
    assert "Seed: one training, from its own first weights." in text


def test_the_page_tells_how_to_repeat_it(run):
    """Command, recipe, versions, hardware, split; and the data with rejects and duplicates."""
    text = _text(run)

    for told in ("zoo bench --models &#39;one two&#39;", "augmentation.flip 0.5", "torch 2.14.1",
                 "f" * 64, "0.50 over the minute before", "480 (240 cat, 240 dog)",
                 "broken.jpg: not an image", "dog.74.jpg = dog.180.jpg"):  # fmt: skip
        assert told in text


def test_each_photograph_is_within_the_page(run):
    """Mistakes of each model, disagreements, those that fool all, and samples, as pictures."""
    page, text = (run / "report.html").read_text(encoding="utf-8"), _text(run)

    assert text.count("Most confidently wrong: ") == 3
    assert "The models disagree on" in text
    assert "Every model is wrong" in text
    assert page.count('<img src="data:image/jpeg;base64,') > 40
    assert "no thumbnail" not in text


def test_every_chart_keeps_vega_lites_rules(run):
    """On the page and on paper; production does not check, so this does."""
    for figure in figures_of(_results(run)):
        for look in (PAGE, PAPER):
            assert figure.draw(look).to_dict(validate=True)["$schema"]


def test_a_notebook_shows_any_figure(run):
    """Accuracies if none is named; an unknown name is told those that there are."""
    results = _results(run)

    assert "accuracy" in results.plot().to_json()
    assert "epoch" in results.plot("learning-curves").to_json()
    with pytest.raises(
        RunError, match="no figure 'curves'; available: accuracy, accuracy-training"
    ):
        results.plot("curves")


def test_strange_names_are_text(tmp_path):
    """A script in a model, file, class or error is shown, and is no markup anywhere."""

    def change(number, result):
        record = result.record
        if number == 1:
            return replace(result, record=replace(record, status="failed", error=_NASTY), test=None)
        return result

    images = tuple(f"{_NASTY}{number}.jpg" for number in range(40))
    path = _written(
        tmp_path, models=(_NASTY, f"two {_NASTY}"), seeds=2, images=images, change=change,
        classes=(f"{_NASTY}cat", f"dog{_NASTY}"), title=_NASTY,
        rejects=[{"name": _NASTY, "reason": _NASTY}], data=_NASTY,
    )  # fmt: skip
    page = (path / "report.html").read_text(encoding="utf-8")

    assert "alert(1)" in page
    assert not re.search(r"<img src=x|<script>alert|</noscript><script", page)
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert page.count("<script>") == 2
    assert page.count("<noscript>") == page.count("</noscript>") == 7


def test_one_model_of_one_seed_has_no_verdict(tmp_path):
    """Its accuracy is the headline, and one training is said to be one."""
    path = _written(tmp_path, models=("lenet5",), seeds=1)
    text = _text(path)

    assert re.search(r"lenet5 has an accuracy of [\d.]+ %\.", text)
    assert "Not yet: the interval of one seed holds for other images only." in text
    assert "The models disagree on" not in text
    assert "Mostly wrong" in text


def test_failed_trials_are_told(tmp_path):
    """Status, phase and error stand on the page; the other models have their figures."""

    def change(number, result):
        if result.record.model == "lenet":
            error = {"status": "killed", "phase": "train", "error": "signal 9", "history": ()}
            record = replace(result.record, test_accuracy=None, test_loss=None, **error)
            return replace(result, record=record, test=None)
        return result

    text = _text(_written(tmp_path, change=change))

    assert "lenet killed: seed 0 and 5 more, train: signal 9" in text
    assert "alexnet" in text


def test_an_option_in_a_sentence_does_not_break(tmp_path):
    """A browser would break after its dashes."""

    def change(number, result):
        if result.record.model != "lenet":
            return result
        error = {"status": "timeout", "error": "not finished within the 2 s of --timeout"}
        return replace(
            result, record=replace(result.record, test_accuracy=None, **error), test=None
        )

    path = _written(tmp_path, change=change)
    page = (path / "report.html").read_text(encoding="utf-8")

    assert 'within the 2 s of <span class="whole">--timeout</span></li>' in page


def test_nothing_measured_is_told(tmp_path):
    """All trials failed at once: a page with the reasons, and no empty charts."""

    def change(number, result):
        record = replace(
            result.record, status="failed", phase="start", error="no such layer", history=(),
            test_accuracy=None, test_loss=None, train_seconds=0.0, parameters=None,
        )  # fmt: skip
        return replace(result, record=record, test=None)

    path = _written(tmp_path, figures=True, change=change, pictures=False)
    text = _text(path)

    assert "No results." in text
    assert "no such layer" in text
    assert "No trial has predictions yet" in text
    assert "Accuracy and cost" not in text
    assert list((path / "figures").iterdir()) == []


def test_a_run_without_any_record_has_a_page(tmp_path):
    """It was ended before its first trial: what is planned and what is known is there."""
    text = _text(_written(tmp_path, change=lambda number, result: None, pictures=False))

    assert "No results yet." in text
    assert "18 of 18 trials remain" in text


def test_an_unfinished_run_is_told(tmp_path):
    """The page says how much is missing before it says anything else."""
    path = _written(tmp_path, change=lambda number, result: result if number < 9 else None)
    text = _text(path)

    assert "This run is unfinished: 9 of 18 trials remain." in text
    assert "3 seeds" in text


def test_pictures_that_are_not_kept_are_told(tmp_path):
    """The names stand all the same, and what makes the pictures."""
    text = _text(_written(tmp_path, pictures=False))

    assert "no thumbnail" in text
    assert "thumbnails are missing" in text
    assert "cat.0 .jpg" in text  # two elements, for the suffix is whole


def test_many_models_have_a_cap(tmp_path):
    """Ten in charts of lines, said on the page; the table has all."""
    path = _written(tmp_path, models=tuple(f"net{n:02d}" for n in range(12)), seeds=2)
    text = _text(path)

    assert "Line charts show the first 10 of 12 models." in text
    assert {f"net{n:02d}" for n in range(12)} <= set(text.split())


def test_many_classes_are_pairs(run, tmp_path):
    """A square of 14 classes can't be read; the pairs that were mixed up most are listed."""
    classes = tuple(f"breed{n}" for n in range(14))
    path = _written(tmp_path, classes=classes, seeds=2)
    of_two, of_many = ({each.name for each in figures_of(_results(at))} for at in (run, path))

    assert "14 classes are too many for a matrix" in _text(path)
    assert of_two - of_many == {"confusion"}


def test_a_diverged_trial_has_its_curve(tmp_path):
    """As far as it came; the epoch in which the loss was no number is none of its history."""

    def change(number, result):
        if number:
            return result
        record = replace(result.record, status="diverged", error="loss is nan")
        return replace(result, record=record, test=None)

    assert "loss is nan" in _text(_written(tmp_path, models=("lenet5",), seeds=1, change=change))


def test_a_page_that_cant_be_drawn_is_an_error_of_the_command(tmp_path, monkeypatch):
    """`zoo report` was asked for it; the tables are written all the same."""
    path = make_run(tmp_path, seeds=1)
    monkeypatch.setattr("bench.report.page.write.renderer", lambda: nullcontext(_broken))

    with pytest.raises(RunError, match=r"tables written, but cannot draw .*report\.html: Va"):
        write_report(str(path), tmp_path)
    assert (path / "comparison.csv").is_file()


def test_a_page_that_cant_be_drawn_loses_no_run(tmp_path, monkeypatch, capsys):
    """One line on stderr; results and exit code are those of the trials."""
    path = make_run(tmp_path, seeds=1)
    (path / "report.html").write_text("of fewer trials")
    monkeypatch.setattr("bench.report.page.write.renderer", lambda: nullcontext(_broken))
    monkeypatch.setattr("bench.runs.execute.request_of", lambda plain: Request(models=("lenet5",)))
    monkeypatch.setattr("bench.runs.execute._draw_missing", lambda *arguments: None)
    results = resume(str(path), tmp_path, {}, Progress())
    told = [line for line in capsys.readouterr().err.splitlines() if "report.html" in line]

    assert results.exit_code == 0
    assert len(told) == 1
    assert "cannot draw " in told[0]
    assert "report.html: ValueError: no such thing: `zoo report" in told[0]
    assert not (path / "report.html").exists()


def test_a_page_that_is_broken_off_loses_no_run(tmp_path, monkeypatch):
    """Ctrl-C while it is drawn is obeyed; no page is left that shows fewer trials."""
    path, told = make_run(tmp_path, seeds=1), []
    (path / "report.html").write_text("fewer trials")
    monkeypatch.setattr("bench.runs.stored_runs.write_page", _interrupted)
    with closing(Store.open(path / "run.db")) as store:
        with pytest.raises(KeyboardInterrupt):
            try_write_page(_results(path), store, told.append)
        kept = store.trials()

    assert told == []
    assert not (path / "report.html").exists()
    assert kept


def _render_nothing():
    with renderer() as render:
        render([])


def test_a_chart_that_ends_its_process_is_told(monkeypatch, tmp_path):
    """The engine that draws aborts where memory is short: that is one line here, and no crash."""
    (tmp_path / "renderer.py").write_text("import os; os.abort()")
    monkeypatch.setattr("bench.report.page.vega._RENDERER", tmp_path / "renderer.py")

    with pytest.raises(RunError, match="the process that draws charts failed with -6: no message"):
        _render_nothing()


def test_a_chart_that_never_ends_is_given_up(monkeypatch, tmp_path):
    """After a time that no page takes."""
    (tmp_path / "renderer.py").write_text("import time; time.sleep(60)")
    monkeypatch.setattr("bench.report.page.vega._RENDERER", tmp_path / "renderer.py")
    monkeypatch.setattr("bench.report.page.vega._SECONDS", 0.1)

    with pytest.raises(RunError, match="drawing charts took over"):
        _render_nothing()


def test_nothing_pays_for_charts_that_draws_none():
    """The harness and the command are imported without Altair and vl-convert."""
    code = "import warm_child; print(sorted({names} & warm_child.OF_THE_PROGRAM))"
    charts, others = ({"altair", "vl_convert"}, {"torch", "bench.report.page.write"})
    found = [warm().run(["-c", code.format(names=each)]).stdout for each in (charts, others)]

    assert found == ["[]\n", f"{sorted(others)}\n"]


def _interrupted(*arguments):
    raise KeyboardInterrupt


def _broken(jobs):
    raise ValueError("no such thing")


def test_a_damaged_thumbnail_is_no_page(tmp_path):
    """The records are read; the page is refused rather than wrong."""
    path = make_run(tmp_path, seeds=1)
    with closing(Store.open(path / "run.db")) as store:
        store._database.execute("UPDATE thumbnail SET jpeg = x'00'")

    with pytest.raises(RunError, match="a thumbnail was altered"):
        write_report(str(path), tmp_path)
