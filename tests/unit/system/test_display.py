from __future__ import annotations

import json

import pytest

from bench.report.page.vega import script_json
from bench.system.display import (
    cell,
    display,
    html_text,
    markdown,
    percent,
    percent_range,
    points,
    round_points,
    short,
    short_names,
)
from bench.system.strict_json import json_text

_BROKEN = "caf\udce9.jpg"  # a name in Latin-1, as Python reads it


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("cat.0.jpg", "cat.0.jpg"),
        ("Katze ä 猫.jpg", "Katze ä 猫.jpg"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x9b31mred", "\\x9b31mred"),
        ("a\nb\tc\x7f", "a\\nb\\tc\\x7f"),
        ("a\u2028b", "a\\u2028b"),
        ("a\u202eb", "a\\u202eb"),
        ("a\u200bb\u2066", "a\\u200bb\\u2066"),
        ("\u3164\ufe0f\U000e0100", "\\u3164\\ufe0f\\U000e0100"),
        (_BROKEN, "caf\\udce9.jpg"),
    ],
)
def test_nothing_reaches_the_terminal_that_could_drive_it(text, shown):
    """Control characters, direction marks, blanks, broken bytes are written out."""
    assert display(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a" * 10, "a" * 10),
        ("a" * 5 + "b" * 6, "aaaaa…bbbb"),
        ("猫" * 6, "猫猫…猫猫"),
        ("e" + "\u0301" * 1000, "e" + "\u0301" * 4 + "…" + "\u0301" * 4),
    ],
)
def test_a_long_name_loses_its_middle(text, shown):
    """Both ends stay, in ten cells; a wide letter takes two, a pile of accents is no way round."""
    assert short(text, 10) == shown


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@x", " =1", '"=1', " \"'=1", "\uff1d1", "\uff0b1", "\uff0d1", "\uff20x"],
)
def test_a_formula_stays_text(text):
    """A spreadsheet shows what a file is called and computes nothing."""
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\t=1", "\\t=1"),
        ("\r=1", "\\r=1"),
        ("a;=1", "a;'=1"),
        ("a=1", "a=1"),
        ("'=1", "'=1"),
        ("", ""),
        ("a" * 1000, "a" * 1000),
    ],
)
def test_only_a_formula_gets_a_quote(text, shown):
    """What follows a semicolon may be a cell of its own; what is text already stays as it is."""
    assert cell(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("alexnet_2012", "alexnet_2012"),
        ("97.5 %", "97.5 %"),
        ("_cat_", r"\_cat\_"),
        ("a|b", r"a\|b"),
        ("a\\|b", r"a\\\|b"),
        ("`a` *b* $c$", r"\`a\` \*b\* \$c\$"),
        ("[x](javascript:1)", r"\[x\](javascript:1)"),
        ("<b>&lt;", "&lt;b&gt;&amp;lt;"),
        ("# a", r"\# a"),
        (" - a", r" \- a"),
        ("1. a", r"1\. a"),
        ("a\n# b", r"a\\n# b"),
    ],
)
def test_markdown_shows_a_name_letter_by_letter(text, shown):
    """No link, no HTML, no emphasis, no list, no further column."""
    assert markdown(text) == shown


def test_html_shows_a_name_letter_by_letter():
    """It ends neither an element nor a quoted attribute, and turns no text around."""
    shown = html_text("\"'><script>\u202e&amp;")

    assert shown == "&quot;&#x27;&gt;&lt;script&gt;\\u202e&amp;amp;"


def test_json_gives_a_program_every_name_as_it_is():
    """On the terminal it is plain letters all the same; what no parser takes is written out."""
    text = json_text(["\x1b\x7f\x9b\u202e😀", _BROKEN])

    assert text.isascii()
    assert "\x7f" not in text
    assert json.loads(text) == ["\x1b\x7f\x9b\u202e😀", display(_BROKEN)]


def test_json_tells_no_number_that_is_none():
    """`NaN` is no JSON, and many a parser stops there."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_text(float("nan"))


def test_json_within_a_script_ends_nothing():
    """A model that is called `</script>` stands in a chart's data, and is read back as it is."""
    names = ["</script><script>alert(1)</script>", "<!--", "&lt;"]
    text = script_json(names)

    assert not set("<>&") & set(text)
    assert json.loads(text) == names


@pytest.mark.parametrize(
    ("share", "told"),
    [(0, "0.0 %"), (1, "100.0 %"), (2999 / 3000, "99.97 %"), (1 / 3000, "0.03 %"), (0.5, "50.0 %"),
     (1 - 1e-9, "100.0 %"), (-0.0, "0.0 %")],
)  # fmt: skip
def test_only_a_whole_share_is_all(share, told):
    """One wrong of 3,000 is not none, and one right is not nothing."""
    assert percent(share) == told


@pytest.mark.parametrize(
    ("share", "told"),
    [(0, "+0.0"), (-0.0, "+0.0"), (-1e-9, "+0.0"), (0.0003, "+0.03"), (-0.0003, "-0.03"),
     (1.2, "+100.0"), (-1.4, "-100.0"), (0.123, "+12.3")],
)  # fmt: skip
def test_a_difference_has_a_sign_that_it_has(share, told):
    """No -0.0, and nothing beyond 100 points."""
    assert points(share) == told


def test_no_bound_is_beyond_what_can_be():
    """Accuracies are within 0 to 100 %."""
    assert percent_range(-0.1, 1.2) == "0.0 to 100.0"


@pytest.mark.parametrize(
    ("share", "told"), [(0.01, "1 point"), (0.012, "1.2 points"), (0.12, "12 points"),
                        (1.0, "100 points"), (0.995, "100 points")],
)  # fmt: skip
def test_rounded_points_are_singular_and_plural(share, told):
    """And never `1e+02`."""
    assert round_points(share) == told


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (("a_long_name", "lenet"), ["…ng_name", "lenet"]),
        (("tiny_of_a_kind", "base_of_a_kind"), ["tiny…", "base…"]),
        (("lenet", "lenet"), ["lenet", "lenet"]),
    ],
)
def test_a_name_is_cut_where_it_does_not_tell(names, shown):
    """At its start, or at its end where another name has the same."""
    assert short_names(names, 8) == shown
