"""docs/how-to/notebook.ipynb: its cells run, one after another, and show what they say."""

from __future__ import annotations

import ast
import json

import pytest
from made_run import make_run
from paths import ROOT

_NOTEBOOK = json.loads((ROOT / "docs/how-to/notebook.ipynb").read_text(encoding="utf-8"))


def _run(cells):
    """Return the value that a notebook would show below each cell, in one namespace."""
    names, shown = {}, []
    for cell in cells:
        body = ast.parse("".join(cell["source"])).body
        last = ast.Expression(body.pop().value) if isinstance(body[-1], ast.Expr) else None
        exec(compile(ast.Module(body, []), "cell", "exec"), names)
        shown.append(eval(compile(last, "cell", "eval"), names) if last else None)
    return shown


@pytest.fixture
def shown(tmp_path, monkeypatch):
    """What the cells show, beside a run of three models."""
    make_run(tmp_path / "runs", pictures=False)
    monkeypatch.chdir(tmp_path)
    cells = [cell for cell in _NOTEBOOK["cells"] if cell["cell_type"] == "code"]
    return _run(cells)


def test_the_notebook_shows_table_verdict_mistakes_and_chart(shown):
    """As its texts say, without a word of training."""
    results, verdict, frame, wrong, chart = shown

    assert "alexnet is better than lenet: +" in results._repr_html_()
    assert verdict._repr_html_().startswith("<div>alexnet is better than lenet: +")
    assert list(frame["model"])[:3] == ["alexnet", "lenet", "lenet5"]
    assert {*wrong["label"]} <= {"cat", "dog"}
    assert "epoch" in chart.to_json()


def test_the_notebook_is_kept_without_outputs():
    """Those of another version would be wrong."""
    outputs = [cell["outputs"] for cell in _NOTEBOOK["cells"] if cell["cell_type"] == "code"]

    assert _NOTEBOOK["nbformat"] == 4
    assert outputs == [[]] * len(outputs)
