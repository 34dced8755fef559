"""Sections of the page on what follow-ups have found, one each."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

import msgspec
from markupsafe import Markup

from bench.analysis.results import Results
from bench.report.followup_file import Chooser, Followup, FollowupPicture, Multiples, read_picture
from bench.report.page.figure import labels
from bench.report.page.gallery import Album
from bench.report.page.vega import script_json
from bench.system.display import count_noun, short

_MOST_BYTES = 4_000_000  # of all pictures of a follow-up, as text
_KINDS = {"png": "png", "jpg": "jpeg"}


def followup_images(found: Iterable[Followup]) -> list[str]:
    """Return the names of the test images whose thumbnails are shown."""
    shown = (
        picture for each in found for gallery in each.galleries for picture in gallery.pictures
    )
    return [picture.image for picture in shown if picture.image and not picture.file]


def followup_section(
    results: Results, found: Followup, charts: dict[str, Any], album: Album
) -> dict[str, Any]:
    """Return the values of one section; its charts leave `charts`."""
    own = _Pictures(results, album)
    return {
        "name": found.kind,
        "label": found.label,
        "title": found.title,
        "lead": found.lead,
        "lines": [{"kind": each.kind, "text": each.text} for each in found.lines],
        "notes": [*found.notes, *_what_it_lacks(results, found)],
        "tables": found.tables,
        "charts": [_chart(results, found, each, charts) for each in found.charts],
        "over": any(each.over for gallery in found.galleries for each in gallery.pictures),
        "galleries": [
            {
                "title": gallery.title,
                "caption": gallery.caption,
                "tiles": [own.tile(picture) for picture in gallery.pictures],
            }
            for gallery in found.galleries
        ],
        "chooser": found.chooser and Markup(script_json(_chooser(results, found.chooser))),
    }


def _chooser(results: Results, found: Chooser) -> dict[str, Any]:
    """Return the candidates and limits for the script of the page, with labels as in charts."""
    named, plain = labels(results), msgspec.to_builtins(found)
    for each in plain["candidates"]:
        label = named.get(each["model"], short(each["model"]))
        each["name"] = label if each["form"] == "torch" else f"{label} as {short(each['form'])}"
    return dict(plain)


def _chart(
    results: Results, found: Followup, chart: Multiples, charts: dict[str, Any]
) -> dict[str, Any]:
    from bench.report.page.charts.multiples import as_table, key_of  # with Altair

    start = f"{found.kind}-{chart.name}-"
    names = [name for name in charts if name.startswith(start) and name[len(start) :].isdigit()]
    head, rows = as_table(results, chart)
    return {
        "name": f"{found.kind}-{chart.name}",
        "title": chart.title,
        "caption": chart.caption,
        "key": key_of(results, chart),
        "panels": [charts.pop(name) for name in names],
        "head": head,
        "rows": rows,
    }


def _what_it_lacks(results: Results, found: Followup) -> list[str]:
    """Return a note if networks of the run were trained since."""
    if not found.covers:
        return []
    known = {*found.covers}
    new = [each for each in results.records if each.status == "ok" and each.spec.id not in known]
    if not new:
        return []
    were = "was" if len(new) == 1 else "were"
    return [
        f"{count_noun(len(new), 'network')} of this run {were} not asked: "
        f"`zoo {found.kind} {results.folder}` asks."
    ]


class _Pictures:
    """Tiles of a follow-up, up to a limit of bytes."""

    def __init__(self, results: Results, album: Album) -> None:
        self._folder, self._album, self._left = results.folder, album, _MOST_BYTES

    def tile(self, picture: FollowupPicture) -> dict[str, Any]:
        address = self._read(picture.file) if picture.file else self._album.address(picture.image)
        lines = [{"text": e.text, "tag": "b" if n == 0 else "span", "kind": e.kind}
                 for n, e in enumerate(picture.lines)]  # fmt: skip
        over = self._read(picture.over) if picture.over and address else None
        found = {"picture": address, "alt": picture.alt, "lines": lines, "name": picture.name}
        return {**found, "over": over}

    def _read(self, name: str) -> str | None:
        content = read_picture(self._folder, name)
        if content is None or len(content) * 4 // 3 > self._left:
            return None
        text = base64.b64encode(content).decode("ascii")
        self._left -= len(text)
        return f"data:image/{_KINDS[name.rpartition('.')[2]]};base64,{text}"
