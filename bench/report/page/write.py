"""Writer of `report.html` and `figures/`: the same store and weights give the same bytes."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

from bench.analysis.results import Results
from bench.report.followup_file import Followup, read_followups
from bench.report.page.figure import Figure
from bench.report.page.followup_sections import followup_images, followup_section
from bench.report.page.gallery import Album
from bench.report.page.provenance import data_section, repeat_section
from bench.report.page.sections import (
    confusion_section,
    photographs_section,
    shown_photographs,
    table_section,
    verdict_section,
)
from bench.report.page.vega import Drawn, draw_figures, renderer, script_json
from bench.system.atomic_files import whole_file, write_text
from bench.system.display import LINE_CELLS, join_names, name_breaks, short
from bench.system.received_files import make_inside

_FOLDER = Path(__file__).parent
_TRADEOFFS = ("accuracy-training-time", "accuracy-parameters")
_BEFORE_FOLLOWUPS = ("verdict", "table", "tradeoffs", "photographs")
_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
_PARTS = re.compile("(?<=[:_/])")  # of `timm:mobilenetv3_small_050`
_CUT = re.compile(r"\S*…\S*")
_SECTIONS = (
    ("verdict", "Verdict", "headline"),
    ("table", "Models", "table"),
    ("tradeoffs", "Trade-offs", "tradeoffs"),
    ("photographs", "Images", "mistakes"),
    ("confusion", "Confusion", "confusions"),
    ("curves", "", "curves"),  # the first word of its title
    ("data", "Data", "facts"),
    ("repeat", "Reproduce", "repeat"),
)


def write_page(
    results: Results,
    about: Mapping[str, Any],
    read_thumbnails: Callable[[Iterable[str]], Mapping[str, bytes]],
) -> Path:
    """Return the path of a run's page, after writing page and figures.

    Raises OSError if writing fails, RunError if thumbnails are damaged or charts cannot be drawn.
    """
    with renderer() as render:
        from bench.report.page.charts import figures_of  # with Altair, which takes half a second

        found = read_followups(results.folder)
        figures = figures_of(results, found)
        pictures = read_thumbnails([*shown_photographs(results), *followup_images(found)])
        drawings = draw_figures(figures, render)
    write_text(results.page, page(results, about, figures, drawings, pictures, found))
    folder = results.folder / "figures"
    make_inside(results.folder, folder)
    for name, content in drawings.files.items():
        with whole_file(folder / name) as partial:
            partial.write_bytes(content)
    return results.page


def page(
    results: Results,
    about: Mapping[str, Any],
    figures: list[Figure],
    drawings: Drawn,
    pictures: Mapping[str, bytes],
    found: Sequence[Followup] = (),
) -> str:
    """Return the self-contained page."""
    from jinja2 import Environment, StrictUndefined

    library, script = drawings.library, _text("page.js")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "shown": _harmless, "told": _told, "named": _named, "parted": _parted, "titled": _titled,
        "swatch": _swatch,
    }  # fmt: skip
    charts = {each.name: _chart(each, drawings) for each in figures if each.on_page}
    tradeoffs = [charts.pop(name) for name in _TRADEOFFS if name in charts]
    album = Album(pictures)
    context = {
        "title": about["title"],
        **verdict_section(results),
        **table_section(results),
        "accuracy": charts.pop("accuracy", None),
        "tradeoffs": tradeoffs,
        "followups": [followup_section(results, each, charts, album) for each in found],
        "curves": list(charts.values()),
        "curves_title": _curves_title(charts),
        "drawn_lines": "learning-curves" in charts,
        **confusion_section(results),
        **photographs_section(results, album),
        **data_section(about),
        **repeat_section(results, about),
        "css": Markup(_text("page.css")),
        "js": Markup(script),
        "library": Markup(library),
        "policy": _policy(library, script),
    }
    first = re.split("[, ]", context["curves_title"])[0]
    sections = [(name, label or first) for name, label, key in _SECTIONS if context[key]]
    place = [name for name, _ in sections if name in _BEFORE_FOLLOWUPS]
    at = 1 + [name for name, _ in sections].index(place[-1])
    added = [(f"followup-{each['name']}", each["label"]) for each in context["followups"]]
    context["sections"] = [*sections[:at], *added, *sections[at:]]
    return f"{environment.from_string(_text('page.html')).render(context)}\n"


def _curves_title(charts: Mapping[str, object]) -> str:
    """Return the title of the section of these charts."""
    named = {"learning-curves": "curves", "calibration": "confidence", "time": "time"}
    return join_names([word for name, word in named.items() if name in charts]).capitalize()


def _chart(figure: Figure, drawings: Drawn) -> dict[str, Any]:
    """Return a figure for the template: interactive, and static for pages without scripts."""
    return {
        "name": figure.name,
        "title": figure.title,
        "caption": figure.caption,
        "told": figure.told,
        "spec": Markup(script_json(drawings.specs[figure.name])),
        "svg": Markup(drawings.inline[figure.name]),
        "key": figure.key,
        "head": figure.head,
        "rows": figure.table,
    }


def _swatch(colour: int) -> Markup:
    """Return the square of a legend, in a colour by its number."""
    return Markup('<rect y="1" width="12" height="12" fill="var(--c%s)"/>') % (colour + 1)


def _policy(*scripts: str) -> str:
    """Return the content security policy: only these scripts, inline pictures, no network."""
    digests = [hashlib.sha256(script.encode()).digest() for script in scripts]
    hashes = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _harmless(value: object) -> str:
    """Return text without control characters; a number keeps its percent sign beside it."""
    return short(str(value), LINE_CELLS).replace(" %", "\N{NO-BREAK SPACE}%")


def _told(value: object) -> Markup:
    """Return text like `_harmless`, whose options do not break after their dashes."""
    return Markup(_OPTION.sub(r'<span class="whole">\g<0></span>', str(escape(_harmless(value)))))


def _named(value: object) -> Markup:
    """Return a file's name like `_harmless`, which breaks after folders, not within its suffix."""
    name = _harmless(value)
    ends = [0, *name_breaks(name), len(name)]
    parts = [name[start:end] for start, end in pairwise(ends)]
    suffix = Markup('<i class="whole">%s</i>')
    return Markup("<wbr>").join(suffix % p if p.startswith(".") else p for p in parts)


def _parted(value: object) -> Markup:
    """Return a model's name like `_harmless`, which may break between its parts."""
    return Markup("<wbr>").join(_PARTS.split(_harmless(value)))


def _titled(value: object) -> Markup:
    """Return text like `_harmless`, whose shortened names do not break after their ellipsis."""
    return Markup(_CUT.sub(r'<span class="whole">\g<0></span>', str(escape(_harmless(value)))))


def _text(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")
