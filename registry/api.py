"""The number of the interface that plugins are written for.

A plugin names it in its metadata, so that it is known before anything of the plugin is imported::

    [project.entry-points."zoo.api"]
    1 = "registry:API"
"""

from __future__ import annotations

from importlib.metadata import EntryPoint

API = 1
API_GROUP = "zoo.api"

_OLDEST = 1  # the first that still works
_BEFORE = "1"  # of a plugin that names none


def api_problem(claim: EntryPoint) -> str | None:
    """Return why the plugin that makes `claim` does not fit this API, on one line; else None."""
    said = _api_of(claim)
    if not said.isdecimal():
        return f'its group "{API_GROUP}" must name a number, such as {API} = "registry:API"'
    if int(said) > API:
        return f"it was written for API {int(said)}, and this one is {API}: upgrade zoo-bench"
    if int(said) < _OLDEST:
        return f"it was written for API {int(said)}, and the oldest one is {_OLDEST}: upgrade it"
    return None


def _api_of(claim: EntryPoint) -> str:
    """Return the name of the highest API that the distribution of `claim` was written for."""
    text = (claim.dist and claim.dist.read_text("entry_points.txt")) or ""
    if claim.dist is None or f"[{API_GROUP}]" not in text:  # the usual case, without parsing
        return _BEFORE
    names = [each.name for each in claim.dist.entry_points if each.group == API_GROUP]
    wrong = [name for name in names if not name.isdecimal()]
    return wrong[0] if wrong else max(names, key=int, default=_BEFORE)
