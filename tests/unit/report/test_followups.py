"""The sections of the page on what was found after the table."""

from __future__ import annotations

import html
import json
import re
from contextlib import nullcontext

import pytest
from made_followup import NASTY, made_followup
from made_run import make_run, picture

from bench.report.followup_file import read_followup, read_followups, write_followup
from bench.report.page.renderer import _draw
from bench.runs.stored_runs import read_run, write_report
from registry.errors import RunError


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run with a page without follow-ups, and one with."""
    path = make_run(tmp_path_factory.mktemp("runs"), seeds=2)
    _write(path)
    before = (path / "report.html").read_text(encoding="utf-8")
    write_followup(path, made_followup(), {"stress-one.jpg": picture(1)})
    _write(path)
    return before, path


def _write(path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bench.report.page.vega.FILE_FORMS", ("svg",))
        patch.setattr(
            "bench.report.page.write.renderer",
            lambda: nullcontext(lambda jobs: [_draw(**job) for job in jobs]),
        )
        write_report(str(path), path.parent)


@pytest.mark.pages
def test_the_page_has_a_section_after_the_photographs(run):
    """Title, sentences, table, a small chart a panel, pictures and notes; nothing of it is code."""
    before, path = run
    page = (path / "report.html").read_text(encoding="utf-8")
    ids = re.findall(r'<section id="([\w-]+)"', page)

    assert "followup" not in re.sub(r"<style>.*?</style>", "", before, flags=re.S)
    assert ids.index("followup-stress") == ids.index("photographs") + 1
    assert '<a href="#followup-stress">Stress</a>' in page
    assert html.escape(NASTY) in page
    assert NASTY not in page
    assert page.count('data-spec="spec-stress-accuracy-') == 2
    assert "nobody" not in page
    section = page[page.index('<section id="followup-stress"') :].partition("</section>")[0]
    assert section.count("data:image/jpeg;base64,") == 2
    assert "Twelve corruptions." in section
    assert re.findall(r"</svg>(.*?)</li>", section) in (
        ["alexnet", "lenet5"],
        ["lenet5", "alexnet"],
    )
    assert (path / "figures" / "stress-accuracy.svg").is_file()
    assert not (path / "figures" / "stress-accuracy-1.svg").exists()


@pytest.mark.pages
def test_the_rest_of_the_page_stays(run):
    """Without the section, its link and its charts it is the page of before."""
    before, path = run
    page = (path / "report.html").read_text(encoding="utf-8")
    page = re.sub(r'<section id="followup-stress".*?</section>\n', "", page, flags=re.S)
    page = page.replace('<li><a href="#followup-stress">Stress</a></li>\n', "")

    assert page == before


@pytest.mark.pages
def test_networks_trained_since_are_told(tmp_path):
    """With the command that asks them, too."""
    path = make_run(tmp_path, models=("lenet5",), seeds=2)
    first = read_run(str(path), tmp_path).records[0].spec.id
    write_followup(path, made_followup(covers=(first,), charts=(), galleries=()))
    _write(path)

    assert "1 network of this run was not asked: `zoo stress" in (path / "report.html").read_text()


def test_what_is_written_is_read_again(tmp_path):
    """Whole, and as JSON without numbers that JSON lacks."""
    path = write_followup(tmp_path, made_followup())

    assert read_followups(tmp_path) == (made_followup(),)
    assert json.loads(path.read_text())["schema_version"] == 1
    with pytest.raises(ValueError, match=r"not JSON compliant|not finite"):
        write_followup(tmp_path, made_followup(values={"mean": float("nan")}))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"schema_version": 9}, "version 9, not 1"),
        ({"kind": "labels"}, "it is of 'labels'"),
        ({"title": 3}, "Expected `str`"),
        ({"galleries": [{"title": "", "caption": "", "pictures": [
            {"alt": "", "name": "", "file": "../../secret.png"}]}]}, "no name of a follow-up"),
    ],
)  # fmt: skip
def test_an_unreadable_file_is_one_line_on_the_page(tmp_path, change, why):
    """And an error where it is asked for."""
    path = write_followup(tmp_path, made_followup(charts=(), galleries=()))
    path.write_text(json.dumps(json.loads(path.read_text()) | change), encoding="utf-8")
    (found,) = read_followups(tmp_path)

    assert why in found.lines[0].text
    assert "`zoo stress` makes it again" in found.lines[0].text
    with pytest.raises(RunError, match="unreadable"):
        read_followup(tmp_path, "stress")


def test_a_link_is_not_followed(tmp_path):
    """A folder from elsewhere may hold one to a file of mine."""
    run = tmp_path / "run"
    path = write_followup(run_folder(run), made_followup(charts=(), galleries=()))
    path.rename(tmp_path / "mine.json")
    path.symlink_to(tmp_path / "mine.json")

    assert read_followups(run)[0].lines[0].kind == "failed"


def run_folder(path):
    path.mkdir()
    return path
