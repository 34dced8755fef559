"""Rendering of figures: for the page and as files."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.report.page.chart_library import keep_library, kept_library
from bench.report.page.figure import PAGE, PAPER, Figure
from registry.errors import RunError

if TYPE_CHECKING:
    from bench.report.page.encodings import Chart
    from bench.report.page.figure import ChartTheme

Spec = dict[str, Any]
Render = Callable[[Sequence[dict[str, Any]]], list[bytes]]
FILE_FORMS = ("svg", "png")
_RENDERER = Path(__file__).with_name("renderer.py")
_SECONDS = 300.0  # more than any page takes, even on a busy machine
_INLINE_WIDTH = 640


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """The rendered figures of a run."""

    library: str  # JavaScript that draws `specs` on a page
    specs: Mapping[str, Spec]  # Vega-Lite by name of the figure
    inline: Mapping[str, str]  # the same as SVG elements, by name
    files: Mapping[str, bytes]  # pictures, by file name


def draw_figures(figures: Sequence[Figure], render: Render) -> Drawn:
    """Return `figures` as `render` draws them, the same each time; it raises RunError."""
    specs = {each.name: spec_of(each.draw, PAGE) for each in figures if each.on_page}
    papers = {each.name: spec_of(each.draw, PAPER) for each in figures if each.on_paper}
    jobs = [{"form": "svg", "spec": {**spec, "width": _INLINE_WIDTH}} for spec in specs.values()]
    jobs += [{"form": form, "spec": spec} for spec in papers.values() for form in FILE_FORMS]
    library = kept_library()
    pictures = iter(render(jobs if library else [*jobs, {"form": "library"}]))
    return Drawn(
        specs=specs,
        inline={name: _element(next(pictures).decode(), name) for name in specs},
        files={f"{name}.{form}": next(pictures) for name in papers for form in FILE_FORMS},
        library=library or keep_library(next(pictures).decode()),
    )


@contextmanager
def renderer() -> Iterator[Render]:
    """Start a process of `renderer`, and yield the function that returns its output for jobs.

    The process starts while the caller describes the charts; the function can be called once. It
    raises RunError on failure.
    """
    pipe = subprocess.PIPE
    command = [sys.executable, "-P", str(_RENDERER)]
    with subprocess.Popen(
        command,
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        text=True,
        encoding="utf-8",
        errors="backslashreplace",
    ) as process:
        try:
            yield lambda jobs: _render(process, jobs)
        finally:
            process.kill()


def _render(process: subprocess.Popen[str], jobs: Sequence[dict[str, Any]]) -> list[bytes]:
    try:
        drawn, said = process.communicate(json.dumps(jobs), timeout=_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise RunError(f"drawing charts took over {_SECONDS:.0f} s") from error
    if code := process.returncode:
        last = (said.strip().splitlines() or ["no message"])[-1]
        raise RunError(f"the process that draws charts failed with {code}: {last}")
    return [base64.b64decode(each) for each in json.loads(drawn)]


def spec_of(draw: Callable[[ChartTheme], Chart], look: ChartTheme) -> Spec:
    """Return the chart of `draw` in Vega-Lite, the same each time."""
    from altair.utils import schemapi

    with schemapi.debug_mode(False):  # the tests check the schema, which takes seconds
        spec: Spec = draw(look).to_dict(validate=False)
    return spec


def script_json(value: object) -> str:
    """Return JSON that is safe within a `<script>` element."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _element(svg: str, name: str) -> str:
    """Return a picture as an SVG element with unique identifiers."""
    svg = re.sub(r'(?<=id=")|(?<=url\(#)', f"{name}-", svg)
    return re.sub(r' width="[\d.]+" height="[\d.]+"', ' width="100%"', svg, count=1)
