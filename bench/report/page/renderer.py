"""Render Vega-Lite with vl-convert in a separate process, which its engine ends on any error.

Run as a script: it reads specifications from stdin and writes pictures to stdout, as JSON. It
imports nothing else of this package, so that it starts quickly.
"""

from __future__ import annotations

import base64
import json
import sys
from typing import Any

VEGA_LITE = "6.4"  # the version of altair 6.3; vl-convert 1.9 has it
_PNG_SCALE = 2.0


def main() -> None:
    """Render all jobs on stdin."""
    jobs = json.load(sys.stdin)
    json.dump([base64.b64encode(_draw(**job)).decode("ascii") for job in jobs], sys.stdout)


def _draw(form: str, spec: dict[str, Any] | None = None) -> bytes:
    import vl_convert

    if spec is None:  # the library that draws charts on a page, with its dependencies
        found = vl_convert.javascript_bundle(vl_version=VEGA_LITE)  # type: ignore[call-arg]
        return str(found).encode()
    if form == "png":
        return bytes(vl_convert.vegalite_to_png(spec, vl_version=VEGA_LITE, scale=_PNG_SCALE))
    return str(vl_convert.vegalite_to_svg(spec, vl_version=VEGA_LITE)).encode()


if __name__ == "__main__":
    main()
