"""Random nasty text through everything that shows text."""

from __future__ import annotations

import csv
import io
import json
import random
import re
import unicodedata
from collections import Counter

from rich.console import Console
from rich.text import Text

from bench.report.table import markdown_row
from bench.system.display import cell, display, html_text, markdown, short
from bench.system.strict_json import json_text

_PIECES = [
    *"ab1 .,;:'\"`\\|/<>&#*_-+=@$~![](){}%^\t\r\n\0\x07\x08\x0b\x0c\x1b\x7f\x85\x9b\xa0\xad",
    *"\u034f\u061c\u115f\u180e\u200b\u200d\u200e\u2028\u2029\u202a\u202e\u2066\u2069\u2800\u3000",
    *"\u3164\ufe0f\ufeff\ufff9\uffff\ue000\udc80\udcff\ud800\U000e0001\U000e0100\U0010ffff",
    *"äßİ猫😀\u0301\u0488\uff1d\uff0b\uff0d\uff20\u2212\ufe66",
    *("\x1b[31m", "\x1b]0;title\x07", "[red]", "[/red]", ":smile:", "<script>", "]]>", "1. "),
    *(
        "=1+1",
        "=cmd|' /C calc'!A0",
        "@SUM(1)",
        "javascript:",
        "](x)",
        "![a](b)",
        "&lt;",
        "$\\frac$",
    ),
]
_FORMULA = re.compile(r"^[ \"]*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]")
_ENTITY = re.compile(r"&(?!(amp|lt|gt|quot|#x27);)")


def fuzz_text(count: int, seed: int) -> Counter[str]:
    """Return how many texts were shown, and how many of them had something to be made harmless.

    Raises:
        AssertionError, UnicodeEncodeError: one was shown wrongly.
    """
    generator = random.Random(seed)
    counts: Counter[str] = Counter()
    for _ in range(count):
        text = "".join(generator.choices(_PIECES, k=generator.choice((1, 2, 3, 8, 30, 300))))
        _look(text, generator.randrange(4, 80))
        counts["shown"] += 1
        counts["changed"] += display(text) != text
        counts["formula"] += cell(text) != display(text)
        counts["shortened"] += short(text) != display(text)
    return counts


def _look(text: str, cells: int) -> None:
    for shown in (display(text), short(text, cells), cell(text), markdown(text), html_text(text)):
        _require_plain(shown)
    assert display(display(text)) == display(text), repr(text)
    assert cell(cell(text)) == cell(text), repr(text)
    assert short(short(text, cells), cells) == short(text, cells), repr(text)
    assert len(short(text, cells)) <= cells, repr(text)
    _look_at_csv(text)
    _look_at_markdown(text)
    _look_at_json(text)
    _look_at_terminal(text)
    assert not re.search("[<>\"']", html_text(text)), repr(text)
    assert not _ENTITY.search(html_text(text)), repr(text)


def _require_plain(shown: str) -> None:
    shown.encode("utf-8")
    for character in shown:
        assert character == " " or unicodedata.category(character)[0] not in "CZ", repr(shown)


def _look_at_csv(text: str) -> None:
    shown = cell(text)
    file = io.StringIO(newline="")
    csv.writer(file).writerow([shown, "next"])
    assert next(csv.reader(io.StringIO(file.getvalue(), newline=""))) == [shown, "next"]
    assert not _FORMULA.match(shown), repr(text)
    assert not any(_FORMULA.match(part) for part in shown.split(";")), repr(text)


def _look_at_markdown(text: str) -> None:
    row = markdown_row([text, "a", text])
    bare = re.sub(r"\\.", "", row)  # without what is escaped
    assert "\n" not in row, repr(text)
    assert bare.count("|") == 4, repr(text)
    assert not re.search(r"[`*\[\]<>$]", bare), repr(text)
    assert not re.match(r" *([-+#=>]|\d+[.)] )", markdown(text)), repr(text)


def _look_at_json(text: str) -> None:
    told = json_text({text: [text]})
    assert told.isascii(), repr(text)
    assert "\x7f" not in told, repr(text)
    (read,) = json.loads(told)
    read.encode("utf-8")
    if not re.search("[\ud800-\udfff]", text):
        assert json.loads(told) == {text: [text]}, repr(text)


def _look_at_terminal(text: str) -> None:
    file = io.StringIO()
    console = Console(file=file, width=10_000, force_terminal=True, color_system=None)
    console.print(Text(display(text)), soft_wrap=True)
    assert file.getvalue() == f"{display(text)}\n", repr(text)
