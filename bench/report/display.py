"""How things are shown: text from anywhere made harmless, and the colours of good and bad."""

from __future__ import annotations

import unicodedata

GOOD, BAD = "#009E73", "#D55E00"  # Okabe-Ito: told apart by colour-blind eyes
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def display(text: str) -> str:
    r"""Return `text` on one line, safe for a terminal: control characters become `\x1b` and so on.

    Names that are not UTF-8 arrive with surrogate escapes; they are shown the same way.
    """
    return "".join(character if _plain(character) else _escaped(character) for character in text)


def cell(text: str) -> str:
    """Return `text` displayed, with a quote before what a spreadsheet would run as a formula."""
    shown = display(text)
    return f"'{shown}" if shown.startswith(_FORMULA) else shown


def _plain(character: str) -> bool:
    return character == " " or unicodedata.category(character)[0] not in "CZ"


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
