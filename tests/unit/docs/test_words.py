"""The words of README, docs, help, messages and docstrings."""

from __future__ import annotations

import pytest
from words import Text, avoided, paragraphs, report, sentences, words


def test_sentences_are_short_and_no_word_to_avoid_is_left():
    """At most 16 words on average, 35 in any; `make words` names what is wrong."""
    _, wrong = report()

    assert wrong == []


@pytest.mark.parametrize(
    "text", ["It was told twice.", "The run goes on with it.", "Of strangers."]
)
def test_a_word_to_avoid_is_found(text):
    """The liar: a text with one of them."""
    assert len(avoided([Text("here", text)])) == 1


def test_code_and_inserted_values_are_not_words_to_avoid():
    """A name in the code may be anything."""
    assert avoided([Text("here", "Call `told` with `begun`.")]) == []


def test_sentences_are_counted_in_words():
    """Code between backquotes is one word; an abbreviation ends no sentence."""
    found = sentences("Use `zoo bench --models lenet`. See He et al. 2019, for one. Good!")

    assert [words(each) for each in found] == [2, 7, 1]


def test_paragraphs_leave_out_what_is_no_prose():
    """Code, headings and pictures."""
    page = "# Head\n\nA text\nof two lines.\n\n```sh\nzoo list\n```\n\n![p](p.png)\n- One item.\n"

    assert list(paragraphs(page)) == ["A text\nof two lines.", "One item."]
