"""Names from anywhere, all the way to every table, file and figure."""

from __future__ import annotations

import csv
import html
import io
import json
import math
import os
import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from drawn_folder import draw_folder
from made_records import made_record, made_spec, untested_results
from rich.console import Console
from warm import warm

from bench.report.page.charts import profile_bars
from bench.report.page.figure import PAPER
from bench.report.page.renderer import _draw
from bench.report.page.vega import spec_of
from bench.report.table import as_markdown, render
from bench.system.display import display, short_name
from bench.training.record import TimeProfile
from registry.architecture import Origin
from registry.claims import Entry
from zoo import LENET5
from zoo.cli import list_tables as listing
from zoo.cli import output as cli_output
from zoo.cli.app import main

_NASTY = "=1+1;-2[/red]|$\\x{$<b>\x1b]0;t\x07\u202e`_\n# c"
# With the names of files, `[/red]` comes out, a closing tag; the second is no UTF-8.
_CLASSES = (b"=1+1|$\\x{$\x1b[31m\xe2\x80\xae[", b"-caf\xe9 <b>[")


@pytest.fixture(scope="module")
def nasty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two classes and 24 images that are called what nobody should call them."""
    folder = draw_folder(tmp_path_factory.mktemp("nasty") / "drawn")
    for kind, name in zip(("Cat", "Dog"), _CLASSES, strict=True):
        target = os.fsencode(folder) + b"/" + name
        try:
            os.rename(folder / kind, target)  # noqa: PTH104  (bytes)
        except OSError:
            pytest.skip("this file system takes only names of its own liking")
        for number, path in enumerate(sorted(os.listdir(target))):  # noqa: PTH208
            os.rename(target + b"/" + path, target + b"/red]@$\xff\t%d.jpg" % number)  # noqa: PTH104
    return folder


def _zoo(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["zoo", *map(str, arguments)])
    try:
        main()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def _require_plain(text: str) -> None:
    lines = text.splitlines()
    assert [line for line in lines if display(line) != line] == []


def test_a_folder_of_nasty_names_is_compared_to_the_end(nasty, tmp_path):
    """Table, CSV, Markdown, JSON and figures come out, and nothing in them is what it is called."""
    done = warm().run(["-m", "zoo", "bench", "lenet5", "--data", nasty, "--epochs", 1,
                       "--runs-dir", tmp_path])  # fmt: skip
    (run,) = tmp_path.iterdir()
    trial = run / "lenet5" / "seed-0"

    assert done.returncode == 0, done.stderr
    _require_plain(done.stdout + done.stderr)
    for path in [*run.rglob("*.csv"), *run.rglob("*.md")]:
        _require_plain(path.read_text(encoding="utf-8"))
    for path in run.rglob("*.json"):
        assert path.read_text(encoding="utf-8").isascii()
    header, *rows = csv.reader((trial / "predictions.csv").open(encoding="utf-8", newline=""))
    assert header[3] == "probability_-caf\\udce9 <b>["
    assert all(row[1].startswith("'") for row in rows)
    assert (trial / "test-images.png").read_bytes().startswith(b"\x89PNG")


def test_a_folder_of_nasty_names_is_checked(nasty, monkeypatch, capsys):
    """Both forms of `zoo data check` are harmless, and JSON has both classes."""
    shutil.copy(next(nasty.rglob("*jpg")), nasty / "[red]\x1b.jpg")
    assert _zoo(monkeypatch, "data", "check", nasty) == 0
    _require_plain(capsys.readouterr().out)
    assert _zoo(monkeypatch, "data", "check", nasty, "--json") == 0
    out = capsys.readouterr().out

    assert len(json.loads(out)["classes"]) == 2
    assert out.isascii()


def _frame(model: str, error: str) -> pd.DataFrame:
    figures = ("test_accuracy", "test_accuracy_low", "test_accuracy_high", "seeds", "parameters",
               "test_accuracy_deviation", "validation_accuracy_last", "validation_accuracy_best",
               "train_seconds", "train_images_per_second", "data_wait_share",
               "peak_bytes", "difference_to_best", "difference_low")  # fmt: skip
    unasked = (
        "target_accuracy",
        "time_to_target_seconds",
        "budget_seconds",
        "epochs_trained",
        "jobs",
    )
    told = {"model": model, "status": "failed", "error": error, "contract": error, "marks": error}
    told |= {"group": "a", "recipe": error, "recipe_configurations": 0, "selection": ""}
    told |= {"trained_by": "", "precision": "float32"}
    told |= dict.fromkeys(unasked, math.nan)
    return pd.DataFrame([told | dict.fromkeys(figures, 0.5)])


def test_the_table_shows_a_plugins_words_harmlessly():
    """A model's name, its error and the title neither drive the terminal nor are markup."""
    console = Console(file=io.StringIO(), width=150, force_terminal=False)
    console.print(render(_frame(_NASTY, _NASTY * 1000), _NASTY, 150))
    shown = console.file.getvalue()

    _require_plain(shown)
    assert "[/red]" in shown
    assert "…" in shown
    assert len(shown) < 4000


def test_markdown_shows_a_plugins_words_harmlessly():
    """The table keeps its columns, and no line begins anything of its own."""
    lines = as_markdown(_frame(_NASTY, _NASTY), _NASTY).splitlines()
    row = lines[4]

    assert len(lines) == 8
    assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) == 14
    assert "<b>" not in row


@pytest.mark.parametrize("width", [80, 200])
def test_the_list_shows_a_plugins_words_harmlessly(width):
    """Names, sources, origins and reasons of broken plugins are text, however long."""
    origin = Origin(distribution=_NASTY, version=_NASTY)
    value = replace(LENET5, source=_NASTY * 1000)
    entries = [
        Entry(name=_NASTY, found=value, origin=origin),
        Entry(name=_NASTY, found=None, origin=origin, broken=_NASTY * 1000),
    ]
    console = Console(file=io.StringIO(), width=width)
    console.print(listing.render(entries, True, width))

    _require_plain(console.file.getvalue())


@pytest.mark.parametrize("model", ["$\\frac{$", "$x$", _NASTY, "猫\u0378"])
def test_a_name_is_no_formula_in_a_figure(model, recwarn):
    """It is drawn letter by letter, and without a warning."""
    profile = TimeProfile(**dict.fromkeys(TimeProfile.__slots__, 1.0))
    record = made_record(spec=made_spec(model), profile=profile)
    (figure,) = profile_bars.figures(untested_results([record]))
    drawn = _draw("svg", spec_of(figure.draw, PAPER)).decode()

    assert html.escape(f"{short_name(model, 28)}, seed 0", quote=False) in drawn
    assert not [str(warning.message) for warning in recwarn]


def test_an_error_is_one_line_however_long(monkeypatch, capsys):
    """A name of ten thousand letters with escapes in it is refused in few words."""
    code = _zoo(monkeypatch, "show", _NASTY * 1000)
    err = capsys.readouterr().err

    assert code == 2
    _require_plain(err)
    assert err.count("\n") == 1
    assert len(err) < 1100


def test_a_terminal_without_a_sign_gets_it_written_out(monkeypatch):
    """On Latin-1, where there is no check mark, `zoo show` does not fail."""
    stdout = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    monkeypatch.setattr(sys, "stdout", stdout)
    code = _zoo(monkeypatch, "show", "lenet5")
    stdout.flush()

    assert code == 0
    assert b"\\u2713 kept" in stdout.buffer.getvalue()


def test_a_program_gets_a_path_byte_by_byte(monkeypatch, capsysbinary):
    """A folder that is no UTF-8 can be used by the next command of a pipe."""
    cli_output.print_path(Path("caf\udce9"))

    assert capsysbinary.readouterr().out == b"caf\xe9\n"


def test_a_person_gets_a_path_made_harmless(monkeypatch, capsys):
    """On a terminal the same folder is written out."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    cli_output.print_path(Path("caf\udce9\x1b"))

    assert capsys.readouterr().out == "caf\\udce9\\x1b\n"
