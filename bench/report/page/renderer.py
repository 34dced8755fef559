"""Render Vega-Lite with vl-convert in a separate process, which its engine ends on any error.

Run as a script: it reads specifications from stdin and writes pictures to stdout, as JSON. It
imports nothing else of this package, so that it starts quickly. Its engine starts before the
specifications arrive, while another process makes them.
"""

from __future__ import annotations

import base64
import json
import sys
from functools import cache
from typing import Any

VEGA_LITE = "6.4"  # the version of altair 6.3; vl-convert 1.9 has it
_PNG_SCALE = 2.0


_EMPTY = {"mark": "point", "data": {"values": [{}]}}


def main() -> None:
    """Render all jobs on stdin."""
    _draw("svg", _EMPTY)  # loads Vega, which takes half a second
    jobs = json.load(sys.stdin)
    json.dump([base64.b64encode(_draw(**job)).decode("ascii") for job in jobs], sys.stdout)


def _draw(form: str, spec: dict[str, Any] | None = None) -> bytes:
    import vl_convert

    if spec is None:  # the library that draws charts on a page, with its dependencies
        found = vl_convert.javascript_bundle(vl_version=VEGA_LITE)  # type: ignore[call-arg]
        return str(found).encode()
    picture = _svg(json.dumps(spec))
    if form == "png":  # of the picture: the same bytes as of `spec`, in a fifth of the time
        return bytes(vl_convert.svg_to_png(picture, scale=_PNG_SCALE))
    return picture.encode()


@cache
def _svg(spec: str) -> str:
    import vl_convert

    return str(vl_convert.vegalite_to_svg(spec, vl_version=VEGA_LITE))


if __name__ == "__main__":
    main()
