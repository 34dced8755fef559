"""Writer of `report.html` and `figures/`: the same store gives the same bytes."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from bench.analysis.results import Results
from bench.report.page.figure import Figure, charted_labels, mark
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
from bench.system.display import LINE_CELLS, short
from bench.system.received_files import make_inside

_FOLDER = Path(__file__).parent
_SECTIONS = (
    ("verdict", "Verdict", "headline"),
    ("table", "Models", "table"),
    ("charts", "Charts", "charts"),
    ("confusion", "Confusion", "confusions"),
    ("photographs", "Images", "mistakes"),
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

        figures = figures_of(results)
        pictures = read_thumbnails(shown_photographs(results))
        drawings = draw_figures(figures, render)
    write_text(results.page, page(results, about, figures, drawings, pictures))
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
) -> str:
    """Return the self-contained page."""
    from jinja2 import Environment, StrictUndefined

    library, script = drawings.library, _text("page.js")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["shown"] = _harmless
    charts = {each.name: _chart(results, each, drawings) for each in figures if each.on_page}
    any_chart, accuracy = bool(charts), charts.pop("accuracy", None)
    context = {
        "title": about["title"],
        **verdict_section(results),
        **table_section(results),
        "charts": {"accuracy": accuracy, "others": list(charts.values())} if any_chart else None,
        **confusion_section(results),
        **photographs_section(results, Album(pictures)),
        **data_section(about),
        **repeat_section(results, about),
        "css": Markup(_text("page.css")),
        "js": Markup(script),
        "library": Markup(library),
        "policy": _policy(library, script),
    }
    context["sections"] = [(name, label) for name, label, key in _SECTIONS if context[key]]
    return f"{environment.from_string(_text('page.html')).render(context)}\n"


def _chart(results: Results, figure: Figure, drawings: Drawn) -> dict[str, Any]:
    """Return a figure for the template: interactive, and static for pages without scripts."""
    if figure.key == "models":
        marks = enumerate(charted_labels(results).values())
        key = [{"label": label, "swatch": _swatch(n), "width": 34} for n, label in marks]
    else:
        square = Markup('<rect y="1" width="12" height="12" fill="var(--c%s)"/>')
        key = [{"label": name, "swatch": square % (n + 1), "width": 12} for name, n in figure.key]
    return {
        "name": figure.name,
        "title": figure.title,
        "caption": figure.caption,
        "told": figure.told,
        "spec": Markup(script_json(drawings.specs[figure.name])),
        "svg": Markup(drawings.inline[figure.name]),
        "key": key,
        "head": figure.head,
        "rows": figure.table,
    }


_SHAPES = {  # centred at 17, 7, as Vega draws them
    "circle": '<circle cx="17" cy="7" r="4"/>',
    "square": '<rect x="13.5" y="3.5" width="7" height="7"/>',
    "triangle-up": '<path d="M17 2.5l4.5 8h-9z"/>',
    "triangle-down": '<path d="M17 11.5l4.5-8h-9z"/>',
    "triangle-right": '<path d="M21.5 7l-8-4.5v9z"/>',
    "triangle-left": '<path d="M12.500 7l8-4.5v9z"/>',
    "diamond": '<path d="M17 1.500L21.500 7L17 12.500L12.500 7z"/>',
    "cross": '<path d="M15.500 2.500h3v3h3v3h-3v3h-3v-3h-3v-3h3z"/>',
}


def _swatch(place: int) -> Any:
    found = mark(place)
    colour = f"var(--c{found.colour + 1})"
    dash = "{},{}".format(*found.dash) if found.dash[1] else "none"
    line = f'<path d="M0 7H34" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>'
    return Markup(f'{line}<g fill="{colour}">{_SHAPES[found.shape]}</g>')


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


def _text(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")
