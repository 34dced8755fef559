"""Text for people: safe from control characters, and the colours of good and bad.

Text comes from file names, class folders, plugins and exceptions; terminal, Markdown, HTML and
spreadsheets each need their own escapes. `bench.system.strict_json` makes JSON for programs.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Sequence
from itertools import accumulate, takewhile

from rich.cells import get_character_cell_size

GOOD, BAD = "#009E73", "#D55E00"  # Okabe-Ito: distinct for colour-blind readers
_MOST_DECIMALS = 5  # of a percentage: 1 of a million images; less is rounding
LINE_CELLS = 1000  # of a message; a plugin's exception may contain a whole file
_INVISIBLE = re.compile(  # Default_Ignorable_Code_Point and a blank, outside the categories C and Z
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_FORMULA = re.compile(  # also full-width signs, and after a `;`, which may separate cells
    "(^|;)(?!')(?=[ \"']*[=+\\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212])"
)
_BREAKS = re.compile(r"/(?=.)|(?<=[^/])(?=\.[^./ ]{1,5}$)")  # jpeg and webp are suffixes
_MARKS = re.compile(r"[\\`*\[\]|~$]|(?<![^\W_])_|_(?![^\W_])")  # a_b is never emphasis
_FIRST_MARK = re.compile(r"^( *)([-+#=]|\d+(?=[.)](?: |$)))")


def display(text: str) -> str:
    r"""Return `text` on one line, safe for a terminal: control characters become `\x1b` etc.

    Names that are not UTF-8 have surrogate escapes, which are shown the same way.
    """
    return "".join(
        each if _plain(each) else each.encode("unicode_escape").decode("ascii") for each in text
    )


def short(text: str, cells: int = 60) -> str:
    """Return `text` for a terminal, without its middle if longer than `cells`."""
    shown = display(text)
    if _fitting(shown, cells) == shown:
        return shown
    head = _fitting(shown, cells // 2)
    tail = _fitting(shown[::-1], cells - 1 - cells // 2)[::-1]
    return f"{head}…{tail}"


def short_name(text: str, cells: int = 60) -> str:
    """Return the name of a model for a terminal, without its start if longer than `cells`.

    Names of libraries differ at their ends.
    """
    shown = display(text)
    if _fitting(shown, cells) == shown:
        return shown
    return f"…{_fitting(shown[::-1], cells - 1)[::-1]}"


def short_names(names: Sequence[str], cells: int) -> list[str]:
    """Return the names like `short_name`; those that would be alike lose their common end."""
    found = [short_name(name, cells) for name in names]
    for label in {each for each in found if found.count(each) > 1}:
        places = [place for place, each in enumerate(found) if each == label]
        ends = zip(*(reversed(names[place]) for place in places), strict=False)
        shared = len(list(takewhile(lambda letters: len({*letters}) == 1, ends)))
        for place in places:
            kept = names[place][: len(names[place]) - shared]
            found[place] = f"{short_name(kept, cells - 1)}…" if kept else label
    return found


def cell(text: str) -> str:
    """Return `text` for a spreadsheet, with a quote before anything that looks like a formula."""
    return _FORMULA.sub(r"\1'", display(text))


def markdown(text: str) -> str:
    """Return `text` as Markdown that shows it literally, also in a table cell."""
    entities = html.escape(_MARKS.sub(r"\\\g<0>", display(text)), quote=False)
    return _FIRST_MARK.sub(_without_list_sign, entities)


def html_text(text: str) -> str:
    """Return `text` as HTML, for an element's text or a quoted attribute."""
    return html.escape(display(text), quote=True)


def percent(share: float | None, decimals: int = 1) -> str:
    """Return a share, 0 to 1, in percent; "" for None.

    Only a whole share is 100 %, and only none is 0 %: 2,999 of 3,000 are 99.97 %.
    """
    return "" if share is None else f"{_hundredths(share, decimals)} %"


def percent_range(low: float, high: float) -> str:
    """Return an interval of shares, in percent; no bound is outside 0 to 100."""
    return " to ".join(_hundredths(min(1.0, max(0.0, bound)), 1) for bound in (low, high))


def points(share: float) -> str:
    """Return a difference of shares, -1 to 1, in points; only no difference is `+0.0`."""
    within = min(1.0, max(-1.0, share))
    sign = "-" if within < 0 and _hundredths(-within, 1).strip("0.") else "+"
    return f"{sign}{_hundredths(abs(within), 1)}"


def points_interval(difference: float, low: float, high: float, level: float = 0.05) -> str:
    """Return a difference of shares and its interval of confidence 1 - `level`, in points."""
    sure = f"{100 * (1 - level):.3g} %"
    return f"{points(difference)} points ({sure}: {points(low)} to {points(high)})"


def round_points(share: float) -> str:
    """Return a difference, 0 to 1, in points with two digits: `12 points`, `1 point`."""
    text = f"{share * 100:.2g}" if share < 0.995 else "100"
    return f"{text} point" if text == "1" else f"{text} points"


def name_breaks(name: str) -> list[int]:
    """Return where the name of a file may break: after each folder, and before its suffix."""
    return [found.end() for found in _BREAKS.finditer(name)]


def count_noun(number: int, noun: str) -> str:
    """Return a number with its noun, in the singular or plural."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def duration(seconds: float) -> str:
    """Return the time in words, rounded up: `a minute`, `12 min`, `2 h 10 min`."""
    minutes = int(-(-seconds // 60))
    if minutes <= 1:
        return "a minute"
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def join_names(names: Sequence[str], most: int = 6) -> str:
    """Return names as `a, b and c`; of more than `most`, the last are counted."""
    if len(names) > most:
        names = [*names[: most - 1], f"{len(names) - most + 1} more"]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _hundredths(share: float, decimals: int) -> str:
    """Return a share times 100, with more decimals where fewer would make it none or whole."""
    for more in range(decimals, _MOST_DECIMALS):
        text = f"{share * 100 + 0.0:.{more}f}"
        if float(text) not in (0.0, 100.0) or float(text) == share * 100:
            return text
    return f"{share * 100 + 0.0:.{decimals}f}"


def _plain(character: str) -> bool:
    visible = unicodedata.category(character)[0] not in "CZ" and not _INVISIBLE.match(character)
    return visible or character == " "


def _fitting(shown: str, cells: int) -> str:
    """Return the start of `shown` that fits; a combining mark counts as one cell."""
    ends = accumulate(max(1, get_character_cell_size(character)) for character in shown)
    return shown[: sum(end <= cells for end in ends)]


def _without_list_sign(found: re.Match[str]) -> str:
    """Return a leading sign of a list or heading as plain text."""
    space, mark = found.groups()
    return f"{space}{mark}\\" if mark.isdigit() else f"{space}\\{mark}"
