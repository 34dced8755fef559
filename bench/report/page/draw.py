"""Vega-Lite drawn by vl-convert, and what a page needs to draw it itself."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.report.page.encodings import Chart
    from bench.report.page.look import Look

VEGA_LITE = "6.4"  # that of altair 6.3; vl-convert 1.9 has it
_PNG_SCALE = 2.0


def spec_of(draw: Callable[[Look], Chart], look: Look) -> dict[str, Any]:
    """Return what `draw` draws as Vega-Lite has it; the same each time."""
    from altair.utils import schemapi

    with schemapi.debug_mode(False):  # the tests check each against the schema: that takes seconds
        spec: dict[str, Any] = draw(look).to_dict(validate=False)
    return spec


def as_svg(spec: dict[str, Any]) -> str:
    """Return the picture as SVG."""
    import vl_convert

    return str(vl_convert.vegalite_to_svg(spec, vl_version=VEGA_LITE))


def as_png(spec: dict[str, Any]) -> bytes:
    """Return the picture as PNG."""
    import vl_convert

    return bytes(vl_convert.vegalite_to_png(spec, vl_version=VEGA_LITE, scale=_PNG_SCALE))


def inline_svg(spec: dict[str, Any], name: str, width: int = 640) -> str:
    """Return the picture as an element of a page, where nothing else has its identifiers."""
    svg = as_svg({**spec, "width": width})
    svg = re.sub(r'(?<=id=")|(?<=url\(#)', f"{name}-", svg)
    return re.sub(r' width="[\d.]+" height="[\d.]+"', ' width="100%"', svg, count=1)


@cache
def library() -> str:
    """Return the JavaScript that draws charts on a page, with all it needs."""
    import vl_convert

    found = vl_convert.javascript_bundle(vl_version=VEGA_LITE)  # type: ignore[call-arg]
    return str(found)


def script_json(value: object) -> str:
    """Return JSON that is safe within a `<script>` element."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
