from __future__ import annotations

import html
import re
from html.parser import HTMLParser

import pytest
from made_records import made_results, renamed

from bench.analysis.columns import informative_columns
from registry.errors import RunError

_NASTY = "<script>alert('1')</script>&amp;\x1b[31m\u202e"


class _Page(HTMLParser):
    """What a browser would make of a page: its tags, and the text in each cell and line."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.texts, self.attributes, self.open = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.open.append(tag)
        self.attributes += [name for name, _ in attributes]
        self.texts.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts[-1] += data


def test_a_notebook_shows_the_table_that_a_person_reads():
    """Formatted figures under the headings of the terminal, and the sentence below."""
    results = made_results()
    page = _Page(results._repr_html_())
    headings = [column.heading for column in informative_columns(results.frame)]

    assert page.open == []
    assert page.tags.count("th") == len(headings)
    assert [text for text in page.texts if text in headings] == headings
    assert {"best", "40.0 ± 1.9 s", "46.0 M", "18.4 / 21.2 ms", "✓"} <= set(page.texts)
    assert page.texts[-1] == str(results.compare("lenet", "alexnet"))
    assert "NaN" not in results._repr_html_()


def test_failures_stand_below_with_their_reasons():
    """As on the terminal."""
    page = _Page(made_results(failed=["vgg16"])._repr_html_())

    assert page.texts[-1] == "✗ vgg16 out-of-memory: seed 0, train: no memory"
    assert "out-of-memory" in page.texts


def test_a_name_is_shown_letter_by_letter():
    """A model that is called `<script>` is no script, and no escape sequence gets through."""
    shown = renamed(made_results(), "lenet", _NASTY)._repr_html_()
    page = _Page(shown)

    assert set(page.tags) <= {"div", "strong", "table", "thead", "tbody", "tr", "th", "td"}
    assert set(page.attributes) == {"style"}
    assert "<script>alert('1')</script>&amp;\\x1b[31m\\u202e" in page.texts
    assert not re.search("[\x1b\u202e]", shown)


def test_a_verdict_is_printed_as_its_sentence():
    """In whichever order the two are named; in a notebook it is that sentence, too."""
    results = made_results()
    verdict = results.compare("lenet", "alexnet")

    assert str(verdict) == str(results.compare("alexnet", "lenet"))
    assert str(verdict).startswith("alexnet is better than lenet: +")
    assert html.unescape(verdict._repr_html_()) == f"<div>{verdict}</div>"


def test_a_verdicts_names_are_text():
    """They come from plugins."""
    results = made_results(models=("<b>", "lenet"))

    assert _Page(results.compare("lenet", "<b>")._repr_html_()).tags == ["div"]


def test_wrong_images_and_unknown_models():
    """`wrong` gives a frame, the hardest first; a model that was not there is told in one line."""
    results = made_results()
    missed = results.wrong("lenet")

    assert list(missed.columns)[:3] == ["image", "label", "predicted"]
    assert missed["wrong"].is_monotonic_decreasing
    with pytest.raises(
        RunError, match="no predictions of 'vgg16'; models with predictions: alexnet, lenet"
    ):
        results.wrong("vgg16")
    with pytest.raises(RunError, match="no verdict on 'lenet' and 'vgg16'"):
        results.compare("lenet", "vgg16")
